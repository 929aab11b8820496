using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Redis;

/// <summary>A file of Redis's is not what it should be: where, and what.</summary>
internal sealed class RdbException(long at, string problem)
    : Exception(string.Create(CultureInfo.InvariantCulture, $"byte {at}: {problem}"))
{
    public long At => at;
}

/// <summary>Bytes of a text, in room that is used again.</summary>
internal sealed class RdbText
{
    private const int Kept = 1 << 20;
    private byte[] _bytes = new byte[256];
    private int _length;

    /// <summary>How long one is that was passed over; -1 for one that is there.</summary>
    public long SkippedBytes { get; private set; } = -1;

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, _length);

    public RedisItem Item => SkippedBytes < 0 ? Span : RedisItem.Skipped(SkippedBytes);

    public Span<byte> Take(int length)
    {
        SkippedBytes = -1;
        if (length > _bytes.Length || (_bytes.Length > Kept && length < Kept))
        {
            _bytes = new byte[Math.Max(length, Math.Min(Kept, length * 2))];
        }

        _length = length;
        return _bytes.AsSpan(0, length);
    }

    public void Skip(long length)
    {
        _length = 0;
        SkippedBytes = length;
    }
}

/// <summary>
/// Reads numbers, lengths and strings of an RDB file from its begin to its end in bounded memory: whatever a length
/// says, no more is taken than the file has.
/// </summary>
internal sealed class RdbInput(IFile file, long length)
{
    /// <summary>Redis itself takes no longer string by default.</summary>
    public const long StringBytesMax = 512L << 20;

    private const int BufferBytes = 256 << 10;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private readonly RdbText _packed = new();
    private long _base;
    private int _at;
    private int _end;
    private int _summed;
    private ulong _crc;

    public long Position => _base + _at;

    private long Left => length - Position;

    /// <summary>Of all bytes up to here.</summary>
    public ulong Crc()
    {
        _crc = Crc64.Append(_crc, _buffer.AsSpan(_summed, _at - _summed));
        _summed = _at;
        return _crc;
    }

    public byte Byte()
    {
        if (_at == _end)
        {
            Fill(1);
        }

        return _buffer[_at++];
    }

    /// <summary>A few bytes, there until the next call.</summary>
    public ReadOnlySpan<byte> Bytes(int count)
    {
        Fill(count);
        _at += count;
        return _buffer.AsSpan(_at - count, count);
    }

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Bytes(sizeof(long)));

    /// <summary>A length, or a number that is written like one.</summary>
    public ulong Length()
    {
        long at = Position;
        ulong number = Length(out int special);
        return special < 0 ? number : throw new RdbException(at, "a length is expected, and this is none");
    }

    /// <summary>So many elements follow: each takes a byte at least.</summary>
    public long Count()
    {
        long at = Position;
        ulong count = Length();
        return count <= (ulong)Left ? (long)count : throw new RdbException(at, string.Create(
            CultureInfo.InvariantCulture, $"{count} elements should follow, and the file has {Left} more bytes"));
    }

    /// <summary>A string; one of more than so many bytes is passed over.</summary>
    public void String(RdbText into, long most = StringBytesMax)
    {
        long at = Position;
        ulong number = Length(out int special);
        switch (special)
        {
            case < 0:
                long bytes = Known(at, number);
                if (bytes > most)
                {
                    Skip(bytes);
                    into.Skip(bytes);
                }
                else
                {
                    Copy(into.Take((int)bytes));
                }

                break;
            case 0 or 1 or 2:
                int width = 1 << special;
                ReadOnlySpan<byte> raw = Bytes(width);
                long value = special == 0 ? (sbyte)raw[0]
                    : special == 1 ? BinaryPrimitives.ReadInt16LittleEndian(raw)
                    : BinaryPrimitives.ReadInt32LittleEndian(raw);
                Span<byte> digits = stackalloc byte[20];
                Utf8Formatter.TryFormat(value, digits, out int written);
                digits[..written].CopyTo(into.Take(written));
                break;
            case 3:
                Compressed(at, into, most);
                break;
            default:
                throw new RdbException(at, $"there is no string of form {special}");
        }
    }

    public void SkipString()
    {
        long at = Position;
        ulong number = Length(out int special);
        switch (special)
        {
            case < 0:
                Skip(Known(at, number));
                break;
            case 0 or 1 or 2:
                Skip(1 << special);
                break;
            case 3:
                ulong packed = Length();
                Length();
                Skip(Known(at, packed));
                break;
            default:
                throw new RdbException(at, $"there is no string of form {special}");
        }
    }

    public void Skip(long count)
    {
        while (count > 0)
        {
            if (_at == _end)
            {
                Fill(1);
            }

            int step = (int)Math.Min(count, _end - _at);
            _at += step;
            count -= step;
        }
    }

    private ulong Length(out int special)
    {
        long at = Position;
        byte head = Byte();
        special = -1;
        switch (head >> 6)
        {
            case 0:
                return head & 0x3fu;
            case 1:
                return ((head & 0x3fu) << 8) | Byte();
            case 2 when head == 0x80:
                return BinaryPrimitives.ReadUInt32BigEndian(Bytes(sizeof(uint)));
            case 2 when head == 0x81:
                return BinaryPrimitives.ReadUInt64BigEndian(Bytes(sizeof(ulong)));
            case 3:
                special = head & 0x3f;
                return 0;
            default:
                throw new RdbException(at, $"0x{head:x2} begins no length");
        }
    }

    private void Compressed(long at, RdbText into, long most)
    {
        long packed = Known(at, Length());
        ulong unpacked = Length();
        if (unpacked > (ulong)Math.Min(Lzf.Most(packed), Array.MaxLength))
        {
            throw new RdbException(at, string.Create(
                CultureInfo.InvariantCulture, $"{packed} compressed bytes cannot become {unpacked}"));
        }

        if ((long)unpacked > most || packed > StringBytesMax)
        {
            Known(at, (ulong)packed);
            Skip(packed);
            into.Skip((long)unpacked);
            return;
        }

        Copy(_packed.Take((int)packed));
        if (!Lzf.TryUnpack(_packed.Span, into.Take((int)unpacked)))
        {
            throw new RdbException(at, "a compressed string is broken");
        }
    }

    private long Known(long at, ulong bytes) => bytes <= (ulong)Left ? (long)bytes
        : throw new RdbException(at, string.Create(
            CultureInfo.InvariantCulture, $"a string of {bytes} bytes, and the file has {Left} more"));

    private void Copy(Span<byte> into)
    {
        while (into.Length > 0)
        {
            if (_at == _end)
            {
                Fill(1);
            }

            int step = Math.Min(into.Length, _end - _at);
            _buffer.AsSpan(_at, step).CopyTo(into);
            _at += step;
            into = into[step..];
        }
    }

    /// <summary>Sees that so many bytes are in the buffer.</summary>
    private void Fill(int count)
    {
        if (_end - _at >= count)
        {
            return;
        }

        Invariant.Hold(count < BufferBytes);
        Crc();
        int rest = _end - _at;
        _buffer.AsSpan(_at, rest).CopyTo(_buffer);
        _base += _at;
        _at = 0;
        _summed = 0;
        _end = rest;
        while (_end < count)
        {
            int most = (int)Math.Min(BufferBytes - _end, length - _base - _end);
            int read = most <= 0 ? 0 : file.Read(_buffer.AsSpan(_end, most), _base + _end);
            if (read <= 0)
            {
                throw new RdbException(_base + _end, "the file ends in the middle");
            }

            _end += read;
        }
    }
}
