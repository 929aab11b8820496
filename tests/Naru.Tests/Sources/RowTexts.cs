using System.Globalization;
using System.Text;
using Naru.Lake.Columns;
using Naru.Sources;

namespace Naru.Tests.Sources;

/// <summary>Takes the rows of a read as texts, values by '|', in batches of few rows.</summary>
internal sealed class RowTexts(IReadOnlyList<SourceColumn> columns) : IRowSink
{
    private const int RowsMax = 7;

    private readonly List<string> _rows = [];

    public IReadOnlyList<string> Rows => _rows;

    /// <summary>What became of values: `v: 2 are null, …`.</summary>
    public List<string> Told { get; } = [];

    public void Tell(SourceColumn column, string what, long values) => Told.Add($"{column.Name}: {values} {what}");

    public ColumnBatch Begin() => new(new TableSchema(
        [.. columns.Select(static (column, i) => new Column(column.Name, column.Type, true, i + 1))]));

    public bool IsFull(int rows, long bytes) => rows == RowsMax;

    public ValueTask<ColumnBatch> TakeAsync(ColumnBatch batch, int rows, CancellationToken cancellationToken)
    {
        Keep(batch, rows);
        return ValueTask.FromResult(Begin());
    }

    public ValueTask EndAsync(ColumnBatch batch, int rows, CancellationToken cancellationToken)
    {
        Keep(batch, rows);
        return ValueTask.CompletedTask;
    }

    /// <summary>All rows of a table, in the order of the server's answers.</summary>
    public static async Task<IReadOnlyList<string>> ReadAsync(ISourceSnapshot snapshot, SourceRead read)
    {
        RowTexts rows = new(read.Columns);
        await snapshot.ReadAsync(read, rows, TestContext.Current.CancellationToken);
        return rows.Rows;
    }

    private void Keep(ColumnBatch batch, int rows)
    {
        using (batch)
        {
            batch.EndRows(rows);
            for (int row = 0; row < rows; row++)
            {
                _rows.Add(string.Join('|', batch.Columns.Select(column => Text(column, row))));
            }
        }
    }

    private static string Text(ColumnVector column, int row)
    {
        if (column.IsNull(row))
        {
            return "NULL";
        }

        return column.Type.Kind switch
        {
            ColumnKind.Boolean => column.ValueAt<byte>(row) == 0 ? "false" : "true",
            ColumnKind.Int32 => column.ValueAt<int>(row).ToString(CultureInfo.InvariantCulture),
            ColumnKind.Int64 => column.ValueAt<long>(row).ToString(CultureInfo.InvariantCulture),
            ColumnKind.Double => column.ValueAt<double>(row).ToString("R", CultureInfo.InvariantCulture),
            ColumnKind.Decimal => Decimal(column, row),
            ColumnKind.Date => DateTime.UnixEpoch.AddDays(column.ValueAt<int>(row))
                .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            ColumnKind.Timestamp => DateTime.UnixEpoch.AddMicroseconds(column.ValueAt<long>(row))
                .ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFZ", CultureInfo.InvariantCulture),
            _ => Encoding.UTF8.GetString(column.StringAt(row)),
        };
    }

    private static string Decimal(ColumnVector column, int row)
    {
        Int128 unscaled = column.WidthBytes switch
        {
            2 => column.ValueAt<short>(row),
            4 => column.ValueAt<int>(row),
            8 => column.ValueAt<long>(row),
            _ => column.ValueAt<Int128>(row),
        };
        int scale = column.Type.Scale;
        string digits = Int128.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        string sign = unscaled < 0 ? "-" : "";
        return scale == 0 ? sign + digits : $"{sign}{digits[..^scale]}.{digits[^scale..]}";
    }
}
