using System.Runtime.CompilerServices;

namespace Naru.Lake.Columns;

/// <summary>
/// One column's values in native memory, in DuckDB's vector layout, so that a scan copies (or points) and never
/// converts: fixed-width values end to end; strings as 16-byte string_t {u32 length, 12 bytes inline | 4-byte prefix,
/// pointer into the arena}; arrays as {u64 offset, u64 length} into a child vector; validity as a bit set, 1 = value.
/// A null's slot is zero. One writer; readers may read rows below a count that the writer published to them.
/// </summary>
public sealed unsafe class ColumnVector : IDisposable
{
    private const int InlineBytesMax = 12;
    private const int CapacityRowsInitial = 2048;

    private readonly StringArena? _arena;
    private byte* _values;
    private ulong* _validity;
    private long _valuesBytes;
    private long _validityBytes;
    private int _capacityRows;

    public ColumnVector(ColumnType type)
    {
        Type = type;
        WidthBytes = type.WidthBytes;
        _arena = type.Kind is ColumnKind.String or ColumnKind.Json ? new StringArena() : null;
        Items = type.Kind == ColumnKind.StringArray ? new ColumnVector(ColumnType.String) : null;
        Grow(CapacityRowsInitial);
    }

    public ColumnType Type { get; }

    public int WidthBytes { get; }

    public int Count { get; private set; }

    public int NullCount { get; private set; }

    /// <summary>Elements of all arrays end to end; null for other kinds.</summary>
    public ColumnVector? Items { get; }

    /// <summary>First value; valid until the next append or truncation.</summary>
    public byte* Values => _values;

    /// <summary>Bit set of (Count + 63) / 64 words; only meaningful while <see cref="NullCount"/> is not 0.</summary>
    public ulong* Validity => _validity;

    public long MemoryBytes =>
        _valuesBytes + _validityBytes + (_arena?.MemoryBytes ?? 0) + (Items?.MemoryBytes ?? 0);

    public bool IsNull(int row) => (_validity[row >> 6] & (1UL << (row & 63))) == 0;

    public void AppendNull()
    {
        byte* slot = Slot(valid: false);
        new Span<byte>(slot, WidthBytes).Clear();
        NullCount++;
    }

    public void AppendBoolean(bool value) => *Slot(valid: true) = value ? (byte)1 : (byte)0;

    /// <summary>An int32, or a date in days since 1970-01-01.</summary>
    public void AppendInt32(int value) => *(int*)Slot(valid: true) = value;

    /// <summary>An int64, or a timestamp in Unix microseconds.</summary>
    public void AppendInt64(long value) => *(long*)Slot(valid: true) = value;

    public void AppendDouble(double value) => *(double*)Slot(valid: true) = value;

    /// <summary>The unscaled value; the caller has checked that it fits the type's precision.</summary>
    public void AppendDecimal(Int128 unscaled)
    {
        byte* slot = Slot(valid: true);
        switch (WidthBytes)
        {
            case 2:
                *(short*)slot = (short)unscaled;
                break;
            case 4:
                *(int*)slot = (int)unscaled;
                break;
            case 8:
                *(long*)slot = (long)unscaled;
                break;
            default:
                *(Int128*)slot = unscaled;
                break;
        }
    }

    /// <summary>Valid UTF-8, checked by the caller.</summary>
    public void AppendString(ReadOnlySpan<byte> utf8)
    {
        byte* slot = Slot(valid: true);
        *(int*)slot = utf8.Length;
        if (utf8.Length <= InlineBytesMax)
        {
            *(ulong*)(slot + 4) = 0;
            *(uint*)(slot + 12) = 0;
            utf8.CopyTo(new Span<byte>(slot + 4, InlineBytesMax));
            return;
        }

        byte* copy = _arena!.Copy(utf8);
        *(uint*)(slot + 4) = *(uint*)copy;
        *(byte**)(slot + 8) = copy;
    }

    /// <summary>
    /// Appends the value of an earlier row again; a long string shares that row's bytes. Not for arrays.
    /// </summary>
    public void AppendCopy(int row)
    {
        Core.Invariant.Hold(row >= 0 && row < Count && Items is null);
        if (IsNull(row))
        {
            AppendNull();
            return;
        }

        // Taking the slot may move the values.
        byte* slot = Slot(valid: true);
        Buffer.MemoryCopy(_values + ((long)row * WidthBytes), slot, WidthBytes, WidthBytes);
    }

    /// <summary>The string of a row; valid until the row is truncated or the vector disposed.</summary>
    public ReadOnlySpan<byte> StringAt(int row)
    {
        byte* slot = _values + ((long)row * 16);
        int length = *(int*)slot;
        return length <= InlineBytesMax
            ? new ReadOnlySpan<byte>(slot + 4, length)
            : new ReadOnlySpan<byte>(*(byte**)(slot + 8), length);
    }

    public T ValueAt<T>(int row)
        where T : unmanaged => ((T*)_values)[row];

    /// <summary>
    /// Ends an array whose items were appended to <see cref="Items"/> since <paramref name="firstItem"/>.
    /// </summary>
    public void AppendArray(int firstItem)
    {
        Core.Invariant.Hold(Items is not null && firstItem >= 0 && firstItem <= Items.Count);
        ulong* slot = (ulong*)Slot(valid: true);
        slot[0] = (ulong)firstItem;
        slot[1] = (ulong)(Items.Count - firstItem);
    }

    /// <summary>
    /// Takes back rows from <paramref name="count"/> on. Arena bytes of long strings are kept until disposal.
    /// </summary>
    public void Truncate(int count)
    {
        Core.Invariant.Hold(count >= 0 && count <= Count);
        if (Items is not null && count < Count)
        {
            // A null array's slot is zero, so the first valid one taken back says where its items began.
            for (int row = count; row < Count; row++)
            {
                if (!IsNull(row))
                {
                    Items.Truncate((int)((ulong*)_values)[(long)row * 2]);
                    break;
                }
            }
        }

        for (int row = count; row < Count; row++)
        {
            if (IsNull(row))
            {
                NullCount--;
            }
        }

        Count = count;
    }

    public void Dispose()
    {
        ColumnMemory.Return(_values, _valuesBytes);
        ColumnMemory.Return((byte*)_validity, _validityBytes);
        _values = null;
        _validity = null;
        _arena?.Dispose();
        Items?.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Slot(bool valid)
    {
        int row = Count;
        if (row == _capacityRows)
        {
            Grow(_capacityRows * 2);
        }

        Count = row + 1;
        ulong bit = 1UL << (row & 63);
        if (valid)
        {
            _validity[row >> 6] |= bit;
        }
        else
        {
            _validity[row >> 6] &= ~bit;
        }

        return _values + ((long)row * WidthBytes);
    }

    private void Grow(int capacityRows)
    {
        _values = Move(_values, ref _valuesBytes, (long)capacityRows * WidthBytes);
        _validity = (ulong*)Move((byte*)_validity, ref _validityBytes, capacityRows / 8);
        _capacityRows = capacityRows;
    }

    private static byte* Move(byte* block, ref long blockBytes, long bytes)
    {
        if (bytes <= blockBytes)
        {
            return block;
        }

        byte* larger = ColumnMemory.Rent(bytes, out long largerBytes);
        Buffer.MemoryCopy(block, larger, largerBytes, blockBytes);
        ColumnMemory.Return(block, blockBytes);
        blockBytes = largerBytes;
        return larger;
    }
}
