using System.Globalization;
using System.Text;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Tests.Lake;

/// <summary>Batches of every kind of column from a seed, and a text for each value to compare by.</summary>
internal static class BatchMaker
{
    internal static readonly TableSchema EveryKind = new(
    [
        new Column("flag", ColumnType.Boolean, true, 1),
        new Column("small", ColumnType.Int32, true, 2),
        new Column("big", ColumnType.Int64, true, 3),
        new Column("real", ColumnType.Double, true, 4),
        new Column("d4", ColumnType.Decimal(4, 2), true, 5),
        new Column("d9", ColumnType.Decimal(9, 0), true, 6),
        new Column("d18", ColumnType.Decimal(18, 6), true, 7),
        new Column("d38", ColumnType.Decimal(38, 10), true, 8),
        new Column("at", ColumnType.Timestamp, true, 9),
        new Column("day", ColumnType.Date, true, 10),
        new Column("text", ColumnType.String, true, 11),
        new Column("json", ColumnType.Json, true, 12),
        new Column("tags", ColumnType.StringArray, true, 13),
        new Column("row \"number\"'s", ColumnType.Int64, false, 14),
    ]);

    internal static readonly Int128 Decimal38Max = Int128.Parse(new string('9', 38), CultureInfo.InvariantCulture);

    private static readonly string[] Texts =
        ["", "a", "twelve bytes", "thirteen byte", "나루", "나루터에 배가 닿는다", "quote \" and ' and \\", "line\nbreak"];

    internal static ColumnBatch EveryKindBatch(int rows, int seed, double nullShare = 0.2)
    {
        Random random = new(seed);
        ColumnBatch batch = new(EveryKind);
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < batch.Columns.Length - 1; i++)
            {
                if (random.NextDouble() < nullShare)
                {
                    batch.Columns[i].AppendNull();
                }
                else
                {
                    Append(batch.Columns[i], random);
                }
            }

            batch.Columns[^1].AppendInt64(row);
            batch.EndRow();
        }

        return batch;
    }

    internal static int[] AllRows(ColumnBatch batch) => [.. Enumerable.Range(0, batch.RowCount)];

    internal static int[] Shuffled(int count, int seed)
    {
        int[] rows = [.. Enumerable.Range(0, count)];
        new Random(seed).Shuffle(rows);
        return rows;
    }

    /// <summary>Dates and times as their numbers, decimals unscaled, doubles as their bits.</summary>
    internal static string? TextOf(ColumnVector column, int row)
    {
        if (column.IsNull(row))
        {
            return null;
        }

        return column.Type.Kind switch
        {
            ColumnKind.Boolean => column.ValueAt<byte>(row) == 1 ? "true" : "false",
            ColumnKind.Int32 or ColumnKind.Date => Digits(column.ValueAt<int>(row)),
            ColumnKind.Int64 or ColumnKind.Timestamp => Digits(column.ValueAt<long>(row)),
            ColumnKind.Double => Bits(column.ValueAt<double>(row)),
            ColumnKind.Decimal => Digits(Unscaled(column, row)),
            ColumnKind.StringArray => ArrayText(column, row),
            _ => Encoding.UTF8.GetString(column.StringAt(row)),
        };
    }

    /// <summary>The same for a value that DuckDB gave back.</summary>
    internal static string? TextOf(DuckDbVector vector, int row)
    {
        if (vector.IsNull(row))
        {
            return null;
        }

        return vector.Type.Kind switch
        {
            DuckDbTypeKind.Boolean => vector.Values<byte>()[row] == 1 ? "true" : "false",
            DuckDbTypeKind.Integer or DuckDbTypeKind.Date => Digits(vector.Values<int>()[row]),
            DuckDbTypeKind.BigInt or DuckDbTypeKind.TimestampTz => Digits(vector.Values<long>()[row]),
            DuckDbTypeKind.Double => Bits(vector.Values<double>()[row]),
            DuckDbTypeKind.Decimal => Digits(vector.DecimalAt(row)),
            DuckDbTypeKind.Varchar => vector.StringAt(row),
            DuckDbTypeKind.List => ListText(vector, row),
            _ => throw new NotSupportedException(vector.Type.Kind.ToString()),
        };
    }

    private static string Digits(Int128 value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Bits(double value) => Digits(BitConverter.DoubleToInt64Bits(value));

    private static void Append(ColumnVector column, Random random)
    {
        switch (column.Type.Kind)
        {
            case ColumnKind.Boolean:
                column.AppendBoolean(random.Next(2) == 1);
                break;
            case ColumnKind.Int32:
                column.AppendInt32(Pick(random, int.MinValue, int.MaxValue, random.Next(-1000, 1000)));
                break;
            case ColumnKind.Int64:
                column.AppendInt64(Pick(random, long.MinValue, long.MaxValue, random.NextInt64()));
                break;
            case ColumnKind.Double:
                column.AppendDouble(Pick(random, -0.0, double.Epsilon, random.NextDouble() * 1e9));
                break;
            case ColumnKind.Decimal:
                column.AppendDecimal(RandomDecimal(column.Type, random));
                break;
            case ColumnKind.Timestamp:
                column.AppendInt64(random.NextInt64(-62_135_596_800_000_000, 253_402_300_799_999_999));
                break;
            case ColumnKind.Date:
                column.AppendInt32(random.Next(-700_000, 2_900_000));
                break;
            case ColumnKind.StringArray:
                AppendArray(column, random);
                break;
            default:
                column.AppendString(Encoding.UTF8.GetBytes(RandomText(random)));
                break;
        }
    }

    /// <summary>One of two odd values now and then, else the plain one.</summary>
    private static T Pick<T>(Random random, T first, T second, T plain) =>
        random.Next(10) switch { 0 => first, 1 => second, _ => plain };

    private static Int128 RandomDecimal(ColumnType type, Random random)
    {
        Int128 max = 1;
        for (int i = 0; i < type.Precision; i++)
        {
            max *= 10;
        }

        UInt128 bits = new((ulong)random.NextInt64(), (ulong)random.NextInt64());
        return random.Next(6) switch
        {
            0 => max - 1,
            1 => -(max - 1),
            2 => 0,
            _ => (Int128)(bits % (UInt128)max) * (random.Next(2) == 0 ? 1 : -1),
        };
    }

    private static void AppendArray(ColumnVector column, Random random)
    {
        int first = column.Items!.Count;
        int items = random.Next(5);
        for (int i = 0; i < items; i++)
        {
            if (random.Next(4) == 0)
            {
                column.Items.AppendNull();
            }
            else
            {
                column.Items.AppendString(Encoding.UTF8.GetBytes(RandomText(random)));
            }
        }

        column.AppendArray(first);
    }

    private static string RandomText(Random random) =>
        random.Next(3) == 0 ? new string('x', random.Next(40)) + random.Next() : Texts[random.Next(Texts.Length)];

    private static Int128 Unscaled(ColumnVector column, int row) => column.WidthBytes switch
    {
        2 => column.ValueAt<short>(row),
        4 => column.ValueAt<int>(row),
        8 => column.ValueAt<long>(row),
        _ => column.ValueAt<Int128>(row),
    };

    private static string ArrayText(ColumnVector column, int row)
    {
        DuckDbListEntry entry = column.ValueAt<DuckDbListEntry>(row);
        List<string> items = [];
        for (ulong i = entry.Offset; i < entry.Offset + entry.Length; i++)
        {
            ColumnVector values = column.Items!;
            items.Add(values.IsNull((int)i) ? "NULL" : $"<{Encoding.UTF8.GetString(values.StringAt((int)i))}>");
        }

        return string.Join('|', items);
    }

    private static string ListText(DuckDbVector vector, int row)
    {
        DuckDbListEntry entry = vector.ListAt(row);
        DuckDbVector child = vector.Child();
        List<string> items = [];
        for (ulong i = entry.Offset; i < entry.Offset + entry.Length; i++)
        {
            items.Add(child.IsNull((int)i) ? "NULL" : $"<{child.StringAt((int)i)}>");
        }

        return string.Join('|', items);
    }
}
