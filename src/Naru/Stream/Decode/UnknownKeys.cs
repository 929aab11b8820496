using System.Runtime.InteropServices;

namespace Naru.Stream.Decode;

/// <summary>Tells whether a key that the definition does not know comes twice in one event.</summary>
internal sealed class UnknownKeys
{
    private readonly int[] _hashes = new int[EventDecoder.MembersMax];
    private readonly (int Start, int Length)[] _keys = new (int, int)[EventDecoder.MembersMax];
    private readonly int _seed = new HashCode().ToHashCode();
    private byte[] _text = new byte[1024];
    private int _count;
    private int _textLength;

    public void Clear() => _count = _textLength = 0;

    /// <summary>False when the key was added before. At most <see cref="EventDecoder.MembersMax"/> keys.</summary>
    /// <param name="key">Unescaped.</param>
    public bool TryAdd(ReadOnlySpan<byte> key)
    {
        int hash = Hash(key);
        Span<int> rest = _hashes.AsSpan(0, _count);
        while (rest.IndexOf(hash) is var found && found >= 0)
        {
            (int start, int length) = _keys[_count - rest.Length + found];
            if (key.SequenceEqual(_text.AsSpan(start, length)))
            {
                return false;
            }

            rest = rest[(found + 1)..];
        }

        if (_textLength + key.Length > _text.Length)
        {
            Array.Resize(ref _text, Math.Max(_text.Length * 2, _textLength + key.Length));
        }

        key.CopyTo(_text.AsSpan(_textLength));
        _hashes[_count] = hash;
        _keys[_count++] = (_textLength, key.Length);
        _textLength += key.Length;
        return true;
    }

    /// <summary>Seeded per process, so that no one can send keys that all collide.</summary>
    private int Hash(ReadOnlySpan<byte> key)
    {
        ulong hash = ((ulong)(uint)_seed << 32) | (uint)key.Length;
        for (; key.Length >= 8; key = key[8..])
        {
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(key));
        }

        ulong tail = 0;
        foreach (byte unit in key)
        {
            tail = (tail << 8) | unit;
        }

        return (int)(Mix(hash ^ tail) >> 32);
    }

    private ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value ^ (uint)_seed, 0x9e37_79b9_7f4a_7c15, out ulong low);
        return high ^ low;
    }
}
