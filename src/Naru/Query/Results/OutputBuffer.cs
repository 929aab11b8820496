using System.Buffers;
using System.Runtime.CompilerServices;
using Naru.Core;

namespace Naru.Query.Results;

/// <summary>Bytes of formatted rows. Grows to the largest row; handed on in pieces that end with a whole row.</summary>
internal sealed class OutputBuffer
{
    private byte[] _bytes = new byte[192 * 1024];
    private int _length;

    public int Length => _length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public void Clear() => _length = 0;

    /// <summary>Takes back what was written since.</summary>
    public void Truncate(int length)
    {
        Invariant.Hold(length <= _length);
        _length = length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append(byte value)
    {
        if (_length == _bytes.Length)
        {
            Grow(1);
        }

        _bytes[_length++] = value;
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        _length += bytes.Length;
    }

    /// <summary>Room for so many bytes; <see cref="Advance"/> says how many were used.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Reserve(int bytes)
    {
        if (_bytes.Length - _length < bytes)
        {
            Grow(bytes);
        }

        return _bytes.AsSpan(_length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Advance(int bytes) => _length += bytes;

    public void AppendNumber<T>(T value)
        where T : IUtf8SpanFormattable
    {
        const int NumberBytesMax = 64;
        bool written = value.TryFormat(Reserve(NumberBytesMax), out int bytes, default, null);
        Invariant.Hold(written);
        _length += bytes;
    }

    private void Grow(int bytes)
    {
        // Whole cells of megabytes occur (a document in a column); doubling keeps the copying linear.
        long wanted = Math.Max((long)_bytes.Length * 2, (long)_length + bytes);
        byte[] larger = new byte[Math.Min(wanted, Array.MaxLength)];
        _bytes.AsSpan(0, _length).CopyTo(larger);
        _bytes = larger;
    }
}
