using System.Runtime.CompilerServices;
using Naru.Core;
using Naru.Lake.Columns;

namespace Naru.Lake.DuckDb;

/// <summary>Gathers rows of a <see cref="ColumnVector"/> into a DuckDB vector of the same type.</summary>
internal static unsafe class VectorFiller
{
    /// <summary>One row's place in the child vector of a list.</summary>
    private struct ListEntry
    {
        public ulong Offset;
        public ulong Length;
    }

    internal static void Fill(nint vector, ColumnVector column, ReadOnlySpan<int> rows)
    {
        Invariant.Hold(rows.Length <= DuckDbApi.VectorRows);
        if (column.NullCount != 0)
        {
            FillValidity(vector, column, rows);
        }

        if (column.Items is not null)
        {
            FillLists(vector, column, rows);
            return;
        }

        byte* to = DuckDbApi.VectorData(vector);
        switch (column.WidthBytes)
        {
            case 1:
                Gather<byte>(to, column.Values, rows);
                break;
            case 2:
                Gather<short>(to, column.Values, rows);
                break;
            case 4:
                Gather<int>(to, column.Values, rows);
                break;
            case 8:
                Gather<long>(to, column.Values, rows);
                break;
            default:
                Gather<UInt128>(to, column.Values, rows);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather<T>(byte* to, byte* from, ReadOnlySpan<int> rows)
        where T : unmanaged
    {
        if (rows[^1] - rows[0] == rows.Length - 1 && IsRun(rows))
        {
            Unsafe.CopyBlockUnaligned(to, from + ((long)rows[0] * sizeof(T)), (uint)(rows.Length * sizeof(T)));
            return;
        }

        T* target = (T*)to;
        T* source = (T*)from;
        for (int i = 0; i < rows.Length; i++)
        {
            target[i] = source[rows[i]];
        }
    }

    private static bool IsRun(ReadOnlySpan<int> rows)
    {
        for (int i = 1; i < rows.Length; i++)
        {
            if (rows[i] != rows[i - 1] + 1)
            {
                return false;
            }
        }

        return true;
    }

    private static void FillValidity(nint vector, ColumnVector column, ReadOnlySpan<int> rows)
    {
        DuckDbApi.EnsureValidityWritable(vector);
        ulong* validity = DuckDbApi.VectorValidity(vector);
        for (int start = 0; start < rows.Length; start += 64)
        {
            ulong word = ulong.MaxValue;
            int count = Math.Min(64, rows.Length - start);
            for (int i = 0; i < count; i++)
            {
                if (column.IsNull(rows[start + i]))
                {
                    word &= ~(1UL << i);
                }
            }

            validity[start >> 6] = word;
        }
    }

    private static void FillLists(nint vector, ColumnVector column, ReadOnlySpan<int> rows)
    {
        ListEntry* source = (ListEntry*)column.Values;
        ListEntry* target = (ListEntry*)DuckDbApi.VectorData(vector);
        ulong items = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            // A null's slot is zero, so its length is too.
            target[i] = new ListEntry { Offset = items, Length = source[rows[i]].Length };
            items += target[i].Length;
        }

        Invariant.Hold(DuckDbApi.ReserveList(vector, items) == DuckDbApi.Success);
        Invariant.Hold(DuckDbApi.SetListSize(vector, items) == DuckDbApi.Success);
        ColumnVector values = column.Items!;
        nint child = DuckDbApi.ListChild(vector);
        UInt128* strings = (UInt128*)DuckDbApi.VectorData(child);
        ulong* validity = null;
        if (values.NullCount != 0)
        {
            DuckDbApi.EnsureValidityWritable(child);
            validity = DuckDbApi.VectorValidity(child);
        }

        ulong next = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            ListEntry entry = source[rows[i]];
            for (ulong item = entry.Offset; item < entry.Offset + entry.Length; item++, next++)
            {
                strings[next] = ((UInt128*)values.Values)[item];
                if (validity is not null)
                {
                    SetValidity(validity, next, !values.IsNull((int)item));
                }
            }
        }

        Invariant.Hold(next == items);
    }

    private static void SetValidity(ulong* validity, ulong row, bool valid)
    {
        ulong bit = 1UL << (int)(row & 63);
        validity[row >> 6] = valid ? validity[row >> 6] | bit : validity[row >> 6] & ~bit;
    }
}
