using System.Collections.Immutable;

namespace Naru.Models;

/// <summary>A table, or something outside of the lake, in what is made from what.</summary>
/// <param name="Name">As in SQL; of what is outside in words; of what fills no table `export/NAME`.</param>
/// <param name="Kind">log | aggregate | external | model | source | export | outside | table</param>
/// <param name="Thing">What fills it by intervals; null where nothing does.</param>
internal sealed record LineageNode(string Name, string Kind, IScheduled? Thing)
{
    public string Description { get; init; } = "";

    public string Owner { get; init; } = "";
}

/// <summary>What is made from what: tables as nodes, by name, and an edge from each to what is made from it.</summary>
internal sealed record Lineage(
    ImmutableSortedDictionary<string, LineageNode> Nodes, ImmutableArray<(string From, string To)> Edges)
{
    /// <summary>Of everything that is scheduled, over the tables that are there anyway.</summary>
    /// <param name="things">What is scheduled.</param>
    /// <param name="given">Tables that others fill, with what those read.</param>
    public static Lineage Of(
        IEnumerable<IScheduled> things, IEnumerable<(LineageNode Node, ImmutableArray<string> Reads)> given)
    {
        ImmutableSortedDictionary<string, LineageNode>.Builder nodes =
            ImmutableSortedDictionary.CreateBuilder<string, LineageNode>(StringComparer.Ordinal);
        List<(string From, string To)> edges = [];
        foreach ((LineageNode node, ImmutableArray<string> reads) in given)
        {
            nodes[node.Name] = node;
            edges.AddRange(reads.Select(read => (read, node.Name)));
        }

        foreach (IScheduled thing in things)
        {
            string name = thing.Fills?.ToString() ?? thing.Thing;
            string kind = thing.Thing[..thing.Thing.IndexOf('/', StringComparison.Ordinal)];
            nodes[name] = new LineageNode(name, kind, thing)
            {
                Description = thing.Description, Owner = thing.Owner,
            };
            edges.AddRange(thing.Inputs.Select(input => (input.Table.ToString(), name)));
            if (thing.ReadsFrom is { } from)
            {
                nodes[from] = new LineageNode(from, "outside", null);
                edges.Add((from, name));
            }

            if (thing.SendsTo is { } to)
            {
                nodes[to] = new LineageNode(to, "outside", null);
                edges.Add((name, to));
            }
        }

        string[] others = [.. edges.Select(static edge => edge.From).Where(read => !nodes.ContainsKey(read))];
        foreach (string read in others)
        {
            nodes[read] = new LineageNode(read, "table", null);
        }

        return new Lineage(nodes.ToImmutable(), [.. edges.Distinct()]);
    }

    /// <summary>A node with what it is made from, with what is made from it, or with both.</summary>
    public Lineage Around(string name, bool up, bool down)
    {
        HashSet<string> kept = [name];
        if (up)
        {
            Follow(kept, name, static edge => (edge.To, edge.From));
        }

        if (down)
        {
            Follow(kept, name, static edge => (edge.From, edge.To));
        }

        return new Lineage(
            Nodes.RemoveRange(Nodes.Keys.Where(node => !kept.Contains(node))),
            [.. Edges.Where(edge => kept.Contains(edge.From) && kept.Contains(edge.To))]);
    }

    private void Follow(
        HashSet<string> kept, string from, Func<(string From, string To), (string Here, string There)> along)
    {
        ILookup<string, string> next = Edges.Select(along)
            .ToLookup(static edge => edge.Here, static edge => edge.There);
        HashSet<string> seen = [from];
        Queue<string> waiting = new([from]);
        while (waiting.TryDequeue(out string? node))
        {
            foreach (string other in next[node].Where(seen.Add))
            {
                waiting.Enqueue(other);
            }
        }

        kept.UnionWith(seen);
    }
}
