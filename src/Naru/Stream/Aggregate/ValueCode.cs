using System.Buffers.Binary;
using Naru.Core;
using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Values as bytes: how keys are told apart, and how kept values are persisted (so this never changes). A value is a
/// tag byte (0 null, 1 value), then
///   boolean 1 byte; int32, date 4; int64, timestamp, double 8; decimal 16; little endian;
///   string, json: u32 length and the UTF-8 bytes.
/// Doubles that are equal in SQL are one: -0.0 is 0.0, every NaN is the same.
/// <see cref="WriteOrdered"/> is another form, of which the bytes compare as the values do.
/// </summary>
internal static class ValueCode
{
    public static void Write(ByteBuffer into, in ColumnView column, int row)
    {
        if (column.IsNull(row))
        {
            into.AddByte(0);
            return;
        }

        if (column.Type.Kind is ColumnKind.String or ColumnKind.Json)
        {
            ReadOnlySpan<byte> utf8 = column.Utf8At(row);
            Span<byte> text = into.Reserve(5 + utf8.Length);
            text[0] = 1;
            BinaryPrimitives.WriteInt32LittleEndian(text[1..], utf8.Length);
            utf8.CopyTo(text[5..]);
            return;
        }

        into.AddByte(1);
        switch (column.Type.Kind)
        {
            case ColumnKind.Boolean:
                into.AddByte(column.At<byte>(row) != 0 ? (byte)1 : (byte)0);
                break;
            case ColumnKind.Int32 or ColumnKind.Date:
                into.Add(column.At<int>(row));
                break;
            case ColumnKind.Int64 or ColumnKind.Timestamp:
                into.Add(column.At<long>(row));
                break;
            case ColumnKind.Double:
                into.Add(BitConverter.DoubleToInt64Bits(Canonical(column.At<double>(row))));
                break;
            default:
                Invariant.Hold(column.Type.Kind == ColumnKind.Decimal);
                into.Add(column.DecimalAt(row));
                break;
        }
    }

    /// <summary>Appends a written value to a column of its type; returns the bytes that it took.</summary>
    public static int Append(ReadOnlySpan<byte> code, ColumnVector column)
    {
        if (code[0] == 0)
        {
            column.AppendNull();
            return 1;
        }

        ReadOnlySpan<byte> value = code[1..];
        switch (column.Type.Kind)
        {
            case ColumnKind.Boolean:
                column.AppendBoolean(value[0] != 0);
                return 2;
            case ColumnKind.Int32 or ColumnKind.Date:
                column.AppendInt32(BinaryPrimitives.ReadInt32LittleEndian(value));
                return 5;
            case ColumnKind.Int64 or ColumnKind.Timestamp:
                column.AppendInt64(BinaryPrimitives.ReadInt64LittleEndian(value));
                return 9;
            case ColumnKind.Double:
                column.AppendDouble(BinaryPrimitives.ReadDoubleLittleEndian(value));
                return 9;
            case ColumnKind.Decimal:
                column.AppendDecimal(BinaryPrimitives.ReadInt128LittleEndian(value));
                return 17;
            default:
                int length = BinaryPrimitives.ReadInt32LittleEndian(value);
                column.AppendString(value.Slice(4, length));
                return 5 + length;
        }
    }

    /// <summary>A value (not null) so that bytes, compared as unsigned, order as DuckDB orders the values.</summary>
    public static void WriteOrdered(ByteBuffer into, in ColumnView column, int row)
    {
        Invariant.Hold(!column.IsNull(row));
        switch (column.Type.Kind)
        {
            case ColumnKind.Double:
                long bits = BitConverter.DoubleToInt64Bits(Canonical(column.At<double>(row)));

                // Negative numbers order backwards; NaN is above all.
                into.AddBigEndian((ulong)(bits < 0 ? ~bits : bits ^ long.MinValue));
                break;
            case ColumnKind.Decimal:
                Int128 unscaled = column.DecimalAt(row) ^ Int128.MinValue;
                into.AddBigEndian((ulong)(unscaled >> 64));
                into.AddBigEndian((ulong)unscaled);
                break;
            case ColumnKind.String or ColumnKind.Json:
                WriteOrdered(into, column.Utf8At(row));
                break;
            default:
                into.AddBigEndian((ulong)(column.Int64At(row) ^ long.MinValue));
                break;
        }
    }

    /// <summary>Text that something may follow: 0 becomes 0 255, and the end is 0 0.</summary>
    public static void WriteOrdered(ByteBuffer into, ReadOnlySpan<byte> utf8)
    {
        foreach (byte each in utf8)
        {
            into.AddByte(each);
            if (each == 0)
            {
                into.AddByte(255);
            }
        }

        into.AddByte(0);
        into.AddByte(0);
    }

    /// <summary>.NET's own NaN has its sign set, which would order it below all.</summary>
    private static double Canonical(double value) =>
        double.IsNaN(value) ? BitConverter.UInt64BitsToDouble(0x7ff8_0000_0000_0000) : value + 0.0;
}

/// <summary>Bytes that are appended to and used again.</summary>
internal sealed class ByteBuffer
{
    private const int VarintBytesMax = 10;

    private byte[] _bytes = new byte[256];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, Length);

    public void Clear() => Length = 0;

    public Span<byte> Reserve(int bytes)
    {
        if (_bytes.Length - Length < bytes)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + bytes));
        }

        Length += bytes;
        return _bytes.AsSpan(Length - bytes, bytes);
    }

    public void AddByte(byte value) => Reserve(1)[0] = value;

    public void Add(int value) => BinaryPrimitives.WriteInt32LittleEndian(Reserve(4), value);

    public void Add(long value) => BinaryPrimitives.WriteInt64LittleEndian(Reserve(8), value);

    public void Add(Int128 value) => BinaryPrimitives.WriteInt128LittleEndian(Reserve(16), value);

    public void Add(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    /// <summary>Drops what stands after so many bytes.</summary>
    public void Truncate(int length)
    {
        Invariant.Hold(length <= Length);
        Length = length;
    }

    /// <summary>See <see cref="Varint"/>.</summary>
    public void AddVarint(ulong value)
    {
        Span<byte> to = Reserve(VarintBytesMax);
        int used = 0;
        for (; value >= 0x80; value >>= 7)
        {
            to[used++] = (byte)(value | 0x80);
        }

        to[used++] = (byte)value;
        Length -= VarintBytesMax - used;
    }

    public void AddSignedVarint(long value) => AddVarint((ulong)((value << 1) ^ (value >> 63)));

    public void AddSignedVarint(Int128 value)
    {
        if (value >= long.MinValue && value <= long.MaxValue)
        {
            AddSignedVarint((long)value);
            return;
        }

        UInt128 zigzag = (UInt128)((value << 1) ^ (value >> 127));
        for (; zigzag >= 0x80; zigzag >>= 7)
        {
            AddByte((byte)((uint)zigzag | 0x80));
        }

        AddByte((byte)zigzag);
    }

    public void AddBigEndian(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Reserve(8), value);

    /// <summary>Overwrites a number written before.</summary>
    public void Put(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(at), value);

    public void Put(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(at), value);
}
