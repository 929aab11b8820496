using System.Globalization;
using System.Runtime.CompilerServices;
using Naru.Redis;

namespace Naru.Sources.Redis;

/// <param name="Key">Bytes of any kind.</param>
/// <param name="ExpiresAt">Unix milliseconds; null for never.</param>
/// <param name="Value">There until the next key.</param>
internal readonly record struct FetchedKey(byte[] Key, long? ExpiresAt, RedisValue Value);

/// <summary>
/// Asks a server for the values of some keys: many in one go, and those of a large value piece by piece, so that no
/// command holds the server up. A key that is gone meanwhile is left out.
/// </summary>
internal sealed class RedisFetcher(RedisSession session, bool needsValues)
{
    /// <summary>A value of more elements is read in pieces of so many.</summary>
    private const int PieceElements = 1_000;

    private const int ElementBytes = 64;
    private const long BytesAtOnceMax = 8 << 20;

    /// <summary>How often a key is looked at again whose type changed between question and answer.</summary>
    private const int TriesMax = 5;

    private readonly RedisValue _value = new();

    public async IAsyncEnumerable<FetchedKey> FetchAsync(
        List<byte[]> keys, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (int tries = 0; keys.Count > 0 && tries < TriesMax; tries++)
        {
            List<byte[]> again = [];
            List<Found> found = await LookAsync(keys, cancellationToken).ConfigureAwait(false);
            for (int first = 0; first < found.Count;)
            {
                int end = Ask(found, first);
                if (end == first)
                {
                    Found one = found[first++];
                    bool? there = await ReadAsync(one, cancellationToken).ConfigureAwait(false);
                    if (there == true)
                    {
                        yield return new FetchedKey(one.Key, one.ExpiresAt, _value);
                    }
                    else if (there is null)
                    {
                        again.Add(one.Key);
                    }

                    continue;
                }

                RespReply[] replies = await session.SendAsync(cancellationToken).ConfigureAwait(false);
                for (int i = 0; i < replies.Length; i++)
                {
                    Found one = found[first + i];
                    if (IsOther(replies[i]))
                    {
                        again.Add(one.Key);
                    }
                    else if (Take(one, replies[i]))
                    {
                        yield return new FetchedKey(one.Key, one.ExpiresAt, _value);
                    }
                }

                first = end;
            }

            keys = again;
        }
    }

    private static RedisShape ShapeOf(string type) => type switch
    {
        "string" => RedisShape.String,
        "list" => RedisShape.List,
        "set" => RedisShape.Set,
        "hash" => RedisShape.Hash,
        "zset" => RedisShape.SortedSet,
        "stream" => RedisShape.Stream,
        _ => RedisShape.Module,
    };

    /// <summary>What the keys are, how long, and until when; those that are gone are not there.</summary>
    private async Task<List<Found>> LookAsync(List<byte[]> keys, CancellationToken cancellationToken)
    {
        foreach (byte[] key in keys)
        {
            session.Commands.WriteOn("TYPE", key);
            session.Commands.WriteOn(session.KnowsExpireTime ? "PEXPIRETIME" : "PTTL", key);
        }

        RespReply[] replies = await session.SendAsync(cancellationToken).ConfigureAwait(false);
        long now = session.KnowsExpireTime ? 0 : TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        List<Found> found = [];
        for (int i = 0; i < keys.Count; i++)
        {
            string type = Good(replies[2 * i]).Text;
            long expires = Number(replies[(2 * i) + 1]);
            if (type != "none" && expires != -2)
            {
                found.Add(new Found(keys[i], ShapeOf(type), type, expires < 0 ? null : now + expires, 0));
            }
        }

        return await MeasureAsync(found, cancellationToken).ConfigureAwait(false);
    }

    private async Task<List<Found>> MeasureAsync(List<Found> found, CancellationToken cancellationToken)
    {
        foreach (Found one in found)
        {
            session.Commands.WriteOn(
                one.Shape switch
                {
                    RedisShape.String => "STRLEN",
                    RedisShape.List => "LLEN",
                    RedisShape.Set => "SCARD",
                    RedisShape.Hash => "HLEN",
                    RedisShape.SortedSet => "ZCARD",
                    RedisShape.Stream => "XLEN",
                    _ => "TYPE",
                },
                one.Key);
        }

        RespReply[] replies = await session.SendAsync(cancellationToken).ConfigureAwait(false);

        // One of another type by now is found out when it is read.
        return [.. found.Select((one, i) =>
            one.Shape == RedisShape.Module || IsOther(replies[i]) ? one : one with { Length = Number(replies[i]) })];
    }

    /// <summary>Writes the commands for as many as are read in one go; none where the first is not.</summary>
    private int Ask(List<Found> found, int first)
    {
        long bytes = 0;
        int next = first;
        for (; next < found.Count && bytes < BytesAtOnceMax; next++)
        {
            Found one = found[next];
            bool isSmall = one.Shape == RedisShape.String
                ? one.Length <= RedisValue.BytesMax : one.Length <= PieceElements;
            if (!needsValues || one.Shape == RedisShape.Module || !isSmall)
            {
                break;
            }

            bytes += one.Shape == RedisShape.String ? one.Length : one.Length * ElementBytes;
            switch (one.Shape)
            {
                case RedisShape.String:
                    session.Commands.WriteOn("GET", one.Key);
                    break;
                case RedisShape.List:
                    session.Commands.WriteOn("LRANGE", one.Key, "0", "-1");
                    break;
                case RedisShape.Set:
                    session.Commands.WriteOn("SMEMBERS", one.Key);
                    break;
                case RedisShape.Hash:
                    session.Commands.WriteOn("HGETALL", one.Key);
                    break;
                case RedisShape.SortedSet:
                    session.Commands.WriteOn("ZRANGE", one.Key, "0", "-1", "WITHSCORES");
                    break;
                default:
                    session.Commands.WriteOn("XRANGE", one.Key, "-", "+");
                    break;
            }
        }

        return next;
    }

    /// <summary>False when the key is gone.</summary>
    private bool Take(Found one, RespReply reply)
    {
        Good(reply);
        _value.Begin(one.Shape);
        if (one.Shape == RedisShape.String)
        {
            _value.AddString(reply.Bytes);
            return !reply.IsNull;
        }

        Add(one.Shape, reply.Items ?? []);

        // Only a stream may be there and be empty.
        return _value.Elements > 0 || one.Shape == RedisShape.Stream;
    }

    /// <summary>One that is large, or of which no value is asked. Null when it is of another type by now.</summary>
    private async Task<bool?> ReadAsync(Found one, CancellationToken cancellationToken)
    {
        _value.Begin(one.Shape, one.Type);
        if (one.Shape == RedisShape.Module)
        {
            return true;
        }

        if (!needsValues)
        {
            _value.AddCounted(one.Length);
            return true;
        }

        if (one.Shape == RedisShape.String)
        {
            _value.AddSkipped(one.Length);
            return true;
        }

        SeenTexts seen = new();
        string next = one.Shape == RedisShape.Stream ? "-" : "0";
        do
        {
            RespReply reply = await PieceAsync(one, next, cancellationToken).ConfigureAwait(false);
            if (IsOther(reply))
            {
                return null;
            }

            Good(reply);
            next = one.Shape switch
            {
                RedisShape.List => AddList(reply.Items ?? []),
                RedisShape.Stream => AddStream(reply.Items ?? []),
                _ => AddScanned(one.Shape, reply, seen),
            };
        }
        while (next.Length > 0);

        return _value.Elements > 0 || one.Shape == RedisShape.Stream;
    }

    private async Task<RespReply> PieceAsync(Found one, string next, CancellationToken cancellationToken)
    {
        string count = PieceElements.ToString(CultureInfo.InvariantCulture);
        switch (one.Shape)
        {
            case RedisShape.List:
                long from = long.Parse(next, CultureInfo.InvariantCulture);
                session.Commands.WriteOn(
                    "LRANGE", one.Key, next, (from + PieceElements - 1).ToString(CultureInfo.InvariantCulture));
                break;
            case RedisShape.Stream:
                session.Commands.WriteOn("XRANGE", one.Key, next, "+", "COUNT", count);
                break;
            default:
                string command = one.Shape == RedisShape.Hash ? "HSCAN"
                    : one.Shape == RedisShape.Set ? "SSCAN" : "ZSCAN";
                session.Commands.WriteOn(command, one.Key, next, "COUNT", count);
                break;
        }

        return (await session.SendAsync(cancellationToken).ConfigureAwait(false))[0];
    }

    /// <summary>Gives from where to go on; empty at the end.</summary>
    private string AddList(RespReply[] items)
    {
        Add(RedisShape.List, items);
        return items.Length < PieceElements ? "" : _value.Elements.ToString(CultureInfo.InvariantCulture);
    }

    private string AddStream(RespReply[] items)
    {
        Add(RedisShape.Stream, items);
        if (items.Length < PieceElements)
        {
            return "";
        }

        (ulong milliseconds, ulong sequence) = IdOf(items[^1]);
        return string.Create(CultureInfo.InvariantCulture, $"{milliseconds}-{sequence + 1}");
    }

    /// <summary>What SCAN's like of a collection gives may come twice.</summary>
    private string AddScanned(RedisShape shape, RespReply reply, SeenTexts seen)
    {
        if (reply.Items is not [{ Bytes: not null } cursor, { Items: { } items }])
        {
            throw NoAnswer();
        }

        int width = shape == RedisShape.Set ? 1 : 2;
        List<RespReply> fresh = [];
        for (int i = 0; i + width <= items.Length; i += width)
        {
            if (seen.IsNew(items[i].Bytes))
            {
                fresh.AddRange(items[i..(i + width)]);
            }
        }

        Add(shape, [.. fresh]);
        return cursor.Text == "0" ? "" : cursor.Text;
    }

    private void Add(RedisShape shape, RespReply[] items)
    {
        int width = shape is RedisShape.Hash or RedisShape.SortedSet ? 2 : 1;
        for (int i = 0; i + width <= items.Length; i += width)
        {
            ReadOnlySpan<byte> text = items[i].Bytes;
            switch (shape)
            {
                case RedisShape.Hash:
                    ReadOnlySpan<byte> value = items[i + 1].Bytes;
                    _value.AddField(text, value);
                    break;
                case RedisShape.SortedSet:
                    _value.AddScored(
                        text,
                        RedisValue.TryScore(items[i + 1].Bytes, out double score) ? score : throw NoAnswer());
                    break;
                case RedisShape.Stream:
                    AddEntry(items[i]);
                    break;
                default:
                    _value.AddElement(text);
                    break;
            }
        }
    }

    private void AddEntry(RespReply entry)
    {
        (ulong milliseconds, ulong sequence) = IdOf(entry);
        _value.AddEntry(milliseconds, sequence);
        RespReply[] fields = entry.Items![1].Items ?? [];
        for (int i = 0; i + 2 <= fields.Length; i += 2)
        {
            ReadOnlySpan<byte> field = fields[i].Bytes;
            ReadOnlySpan<byte> value = fields[i + 1].Bytes;
            _value.AddEntryField(field, value);
        }
    }

    private (ulong Milliseconds, ulong Sequence) IdOf(RespReply entry) =>
        entry.Items is [{ } id, _] && id.Text.Split('-') is [string first, string second]
        && ulong.TryParse(first, CultureInfo.InvariantCulture, out ulong milliseconds)
        && ulong.TryParse(second, CultureInfo.InvariantCulture, out ulong sequence)
            ? (milliseconds, sequence) : throw NoAnswer();

    private SourceException NoAnswer() =>
        RedisFault.Of(new IOException("its answer is not what the command gives"), session.Endpoint);

    /// <summary>The key was one of this type, and is one of another.</summary>
    private static bool IsOther(RespReply reply) =>
        reply.IsError && reply.Bytes.AsSpan().StartsWith("WRONGTYPE"u8);

    private RespReply Good(RespReply reply) => reply.IsError ? throw RedisFault.Of(reply, session.Endpoint) : reply;

    private long Number(RespReply reply) =>
        long.TryParse(Good(reply).Text, CultureInfo.InvariantCulture, out long number) ? number : throw NoAnswer();

    private sealed record Found(byte[] Key, RedisShape Shape, string Type, long? ExpiresAt, long Length);
}
