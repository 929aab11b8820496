using System.Text;
using System.Text.Unicode;

namespace Naru.Sources.Redis;

/// <summary>
/// Finds what there is among keys that nobody described: patterns by the parts of keys before a ':' or '/', as long as
/// such parts are few. Those that are many are ids, not names.
/// </summary>
internal sealed class RedisPrefixes
{
    private const int NamesMax = 48;
    private const int DepthMax = 3;

    private readonly Node _root = new();

    public long Keys => _root.Keys;

    public void Add(ReadOnlySpan<byte> key, long? bytes)
    {
        Node node = _root;
        node.Count(bytes);
        int from = 0;
        for (int depth = 0; depth < DepthMax && !node.IsWide; depth++)
        {
            int end = key[from..].IndexOfAny((byte)':', (byte)'/');
            if (end < 0 || !Utf8.IsValid(key[..(from + end)]))
            {
                return;
            }

            from += end + 1;
            string name = Encoding.UTF8.GetString(key[..from]);
            if (!node.Below.TryGetValue(name, out Node? next))
            {
                if (node.Below.Count == NamesMax)
                {
                    node.IsWide = true;
                    node.Below.Clear();
                    return;
                }

                node.Below.Add(name, next = new Node());
            }

            node = next;
            node.Count(bytes);
        }
    }

    /// <summary>Patterns, with about how many keys there are of each.</summary>
    /// <param name="all">Keys that there are, of which those that were added are a part.</param>
    public IReadOnlyList<SourceTableSize> Tables(double all)
    {
        List<SourceTableSize> tables = [];
        if (Keys > 0)
        {
            Take(_root, "", Math.Max(1, all / Keys), tables);
        }

        return tables;
    }

    private static void Take(Node node, string prefix, double times, List<SourceTableSize> tables)
    {
        tables.Add(new SourceTableSize(
            new SourceTableName("", $"{Escaped(prefix)}*"),
            IsView: false,
            (long)(node.Keys * times),
            node.Weighed == 0 ? null : (long)((double)node.Bytes / node.Weighed * node.Keys * times)));
        foreach ((string name, Node below) in node.Below.OrderBy(static each => each.Key, StringComparer.Ordinal))
        {
            Take(below, name, times, tables);
        }
    }

    private static string Escaped(string prefix) =>
        prefix.AsSpan().IndexOfAny("*?[]\\") < 0 ? prefix
            : string.Concat(prefix.Select(static letter => letter is '*' or '?' or '[' or ']' or '\\'
                ? $"\\{letter}" : letter.ToString()));

    private sealed class Node
    {
        public Dictionary<string, Node> Below { get; } = new(StringComparer.Ordinal);

        public long Keys { get; private set; }

        public long Bytes { get; private set; }

        /// <summary>Keys whose bytes are known.</summary>
        public long Weighed { get; private set; }

        public bool IsWide { get; set; }

        public void Count(long? bytes)
        {
            Keys++;
            Bytes += bytes ?? 0;
            Weighed += bytes is null ? 0 : 1;
        }
    }
}
