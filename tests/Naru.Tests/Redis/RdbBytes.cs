using System.Buffers.Binary;
using System.Text;
using Naru.Core.Files;
using Naru.Redis;

namespace Naru.Tests.Redis;

/// <summary>Builds RDB files byte by byte, in forms that no server here writes any more, or yet.</summary>
internal sealed class RdbBytes(int version = 12)
{
    private readonly List<byte> _bytes = [.. Encoding.ASCII.GetBytes($"REDIS{version:0000}")];

    public RdbBytes Add(params byte[] bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public RdbBytes Text(string text) => Blob(Encoding.Latin1.GetBytes(text));

    public RdbBytes Blob(byte[] bytes)
    {
        Length((ulong)bytes.Length);
        return Add(bytes);
    }

    public RdbBytes Length(ulong length)
    {
        if (length < 64)
        {
            return Add((byte)length);
        }

        byte[] bytes = new byte[9];
        bytes[0] = 0x81;
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(1), length);
        return Add(bytes);
    }

    public RdbBytes Int64(long number)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        return Add(bytes);
    }

    public RdbBytes Key(byte type, string key) => Add(type).Text(key);

    public RdbBytes Repeat(int times, Action<RdbBytes> add)
    {
        for (int i = 0; i < times; i++)
        {
            add(this);
        }

        return this;
    }

    /// <summary>The whole file, with its checksum.</summary>
    public byte[] End()
    {
        Add(0xff);
        byte[] sum = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(sum, Crc64.Append(0, _bytes.ToArray()));
        return [.. _bytes, .. version >= 5 ? sum : []];
    }

    /// <summary>A listpack of short texts and small numbers.</summary>
    public static byte[] Listpack(params object[] items)
    {
        List<byte> body = [];
        foreach (object item in items)
        {
            byte[] entry = item switch
            {
                string text => [(byte)(0x80 | text.Length), .. Encoding.Latin1.GetBytes(text)],
                long number => [0xf4, .. BitConverter.GetBytes(number)],
                int small and >= 0 and < 128 => [(byte)small],
                int small => [0xf3, .. BitConverter.GetBytes(small)],
                _ => throw new ArgumentException(item.ToString()),
            };
            body.AddRange([.. entry, (byte)entry.Length]);
        }

        return [.. BitConverter.GetBytes(body.Count + 7), .. BitConverter.GetBytes((short)items.Length), .. body, 0xff];
    }

    /// <summary>A ziplist of short texts and whole numbers.</summary>
    public static byte[] Ziplist(params object[] items)
    {
        List<byte> body = [];
        byte before = 0;
        foreach (object item in items)
        {
            byte[] entry = item switch
            {
                string text => [before, (byte)text.Length, .. Encoding.Latin1.GetBytes(text)],
                long number => [before, 0xe0, .. BitConverter.GetBytes(number)],
                int small and >= 0 and <= 12 => [before, (byte)(0xf1 + small)],
                int small => [before, 0xd0, .. BitConverter.GetBytes(small)],
                short small => [before, 0xc0, .. BitConverter.GetBytes(small)],
                sbyte small => [before, 0xfe, (byte)small],
                _ => throw new ArgumentException(item.ToString()),
            };
            body.AddRange(entry);
            before = (byte)entry.Length;
        }

        return
        [
            .. BitConverter.GetBytes(body.Count + 11), .. BitConverter.GetBytes(0),
            .. BitConverter.GetBytes((short)items.Length), .. body, 0xff,
        ];
    }
}

/// <summary>A file of bytes in memory.</summary>
internal sealed class MemoryFile(byte[] bytes) : IFile
{
    public string Path => "memory";

    public long Length => bytes.Length;

    public int Read(Span<byte> buffer, long offset)
    {
        int count = (int)Math.Clamp(bytes.Length - offset, 0, buffer.Length);
        bytes.AsSpan((int)Math.Min(offset, bytes.Length), count).CopyTo(buffer);
        return count;
    }

    public void Write(ReadOnlySpan<byte> buffer, long offset) => throw new NotSupportedException();

    public void SetLength(long length) => throw new NotSupportedException();

    public void SyncData() => throw new NotSupportedException();

    public void Dispose()
    {
    }
}
