using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Naru.Definitions;

namespace Naru.Collect;

/// <param name="Start">Of the key's text, behind its quote.</param>
/// <param name="Length">Bytes of the key's text.</param>
/// <param name="Escaped">The text has escapes.</param>
/// <param name="Value">Where the value begins.</param>
internal readonly record struct KeyPlace(int Start, int Length, bool Escaped, int Value);

/// <summary>
/// The keys of the event that is scanned, to find one that comes twice, and the places of a few watched ones. Keys
/// within nested values are the values' own business, as they are to the stream. Reused from event to event by one
/// thread at a time.
/// </summary>
internal sealed class EventKeys
{
    /// <summary>Position of `_log` among the watched keys.</summary>
    public const int LogKey = 0;

    /// <summary>Unknown to senders, so that they cannot choose keys whose hashes collide.</summary>
    private static readonly ulong Seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));

    private readonly KeyPlace[] _places = new KeyPlace[EventScanner.PropertiesMax];
    private readonly ulong[] _hashes = new ulong[EventScanner.PropertiesMax];
    private byte[][] _watched = ["_log"u8.ToArray()];
    private int[] _found = new int[1];
    private LogDefinition? _watchedFor;
    private int _count;
    private bool _full;

    /// <summary>Watches `_log` and the keys that may hold the client's own id in this log.</summary>
    public void Watch(LogDefinition? log)
    {
        if (!ReferenceEquals(_watchedFor, log))
        {
            _watchedFor = log;
            _watched = ["_log"u8.ToArray(), .. (log?.IdKeys ?? []).Select(Encoding.UTF8.GetBytes)];
            _found = new int[_watched.Length];
        }
    }

    /// <summary>Where the value of a watched key begins, or -1.</summary>
    public int ValueOf(int watched) => _found[watched];

    public int WatchedCount => _watched.Length;

    public void Clear()
    {
        _count = 0;
        _full = false;
        _found.AsSpan().Fill(-1);
    }

    public void Add(in KeyPlace place, ReadOnlySpan<byte> text)
    {
        if (_count == EventScanner.PropertiesMax)
        {
            _full = true;
            return;
        }

        ReadOnlySpan<byte> key = text.Slice(place.Start, place.Length);
        if (place.Escaped)
        {
            key = Unescape(key);
        }

        _places[_count] = place;
        _hashes[_count++] = Hash(key);
        Find(key, place.Value);
    }

    /// <summary>What is wrong with the keys, or null.</summary>
    public string? Fault(ReadOnlySpan<byte> text)
    {
        if (_full)
        {
            return "the event has more than 512 properties";
        }

        ReadOnlySpan<ulong> hashes = _hashes.AsSpan(0, _count);
        for (int i = 0; i < hashes.Length - 1; i++)
        {
            if (hashes[(i + 1)..].Contains(hashes[i]) && IsTwice(i, text))
            {
                return "the event has a key twice";
            }
        }

        return null;
    }

    /// <summary>Equal hashes are rare but possible: the keys themselves decide.</summary>
    private bool IsTwice(int first, ReadOnlySpan<byte> text)
    {
        for (int i = first + 1; i < _count; i++)
        {
            if (_hashes[i] == _hashes[first] && Key(first, text).SequenceEqual(Key(i, text)))
            {
                return true;
            }
        }

        return false;
    }

    private ReadOnlySpan<byte> Key(int position, ReadOnlySpan<byte> text)
    {
        KeyPlace place = _places[position];
        ReadOnlySpan<byte> key = text.Slice(place.Start, place.Length);
        return place.Escaped ? Unescape(key) : key;
    }

    private void Find(ReadOnlySpan<byte> key, int value)
    {
        for (int i = 0; i < _watched.Length; i++)
        {
            if (_watched[i].Length == key.Length && key.SequenceEqual(_watched[i]))
            {
                _found[i] = value;
            }
        }
    }

    /// <summary>
    /// Keys with escapes are rare. Half surrogates are kept apart by U+FFFD: such an event is refused anyway.
    /// </summary>
    private static byte[] Unescape(ReadOnlySpan<byte> key)
    {
        StringBuilder plain = new(key.Length);
        for (int i = 0; i < key.Length; i++)
        {
            if (key[i] != (byte)'\\')
            {
                int run = key[i..].IndexOf((byte)'\\');
                run = run < 0 ? key.Length - i : run;
                plain.Append(Encoding.UTF8.GetString(key.Slice(i, run)));
                i += run - 1;
                continue;
            }

            i++;
            plain.Append(key[i] switch
            {
                (byte)'u' => (char)Convert.ToUInt16(Encoding.ASCII.GetString(key.Slice(i + 1, 4)), 16),
                (byte)'b' => '\b',
                (byte)'f' => '\f',
                (byte)'n' => '\n',
                (byte)'r' => '\r',
                (byte)'t' => '\t',
                byte other => (char)other,
            });
            i += key[i] == (byte)'u' ? 4 : 0;
        }

        return Encoding.UTF8.GetBytes(plain.ToString());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Hash(ReadOnlySpan<byte> key)
    {
        const ulong Factor = 0x9e37_79b9_7f4a_7c15;
        ulong hash = Seed ^ ((ulong)key.Length * Factor);
        for (; key.Length >= 8; key = key[8..])
        {
            hash = Fold(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(key), Factor);
        }

        ulong tail = 0;
        foreach (byte unit in key)
        {
            tail = (tail << 8) | unit;
        }

        return Fold(hash ^ tail, Factor);
    }

    private static ulong Fold(ulong value, ulong factor)
    {
        ulong high = Math.BigMul(value, factor, out ulong low);
        return high ^ low;
    }
}
