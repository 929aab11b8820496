using System.Collections.Immutable;
using System.Text;
using Naru.Core.Events;
using Naru.Lake.Columns;
using Naru.Lake.Parquet;
using Naru.Stream.Batch;

namespace Naru.Tests.Stream.Batch;

/// <summary>One event of the log that batches are tested on.</summary>
internal sealed record BatchEvent(int Partition, long Offset, long Time)
{
    public string Id { get; init; } = "";

    public string? Ad { get; init; }

    public Int128? Cost { get; init; }

    public long? N { get; init; }

    public int? Small { get; init; }

    public double? X { get; init; }

    public bool? Flag { get; init; }

    public string? User { get; init; }
}

/// <summary>
/// Events as a landing leaves them: Parquet files of `fields` and `secure`, without their partition columns. Every
/// third file is of an older definition, which had no `x` and a narrower `n`.
/// </summary>
internal sealed class BatchLake : IDisposable
{
    public static readonly ImmutableArray<Column> Columns =
    [
        new("ad_id", ColumnType.String, true, 100),
        new("cost", ColumnType.Decimal(18, 6), true, 101),
        new("n", ColumnType.Int64, true, 102),
        new("x", ColumnType.Double, true, 103),
        new("flag", ColumnType.Boolean, true, 104),
        new("small", ColumnType.Int32, true, 106),
        new("user_id", ColumnType.String, true, 105),
    ];

    private static readonly ImmutableArray<Column> Key =
        [new("_topic_partition", ColumnType.Int32, false, 1), new("_topic_offset", ColumnType.Int64, false, 2)];

    private static readonly Column Ymd = new("p_ymd", ColumnType.Date, false, 90);

    private static readonly TableSchema Fields = new(
    [
        .. Key,
        new("_id", ColumnType.String, false, 3),
        new("_event_time", ColumnType.Timestamp, false, 4),
        .. Columns.Where(static column => column.Name != "user_id"),
        Ymd,
    ]);

    private static readonly TableSchema OldFields = new(
    [
        .. Fields.Columns.Where(static column => column.Name != "x").Select(static column =>
            column.Name == "n" ? column with { Name = "n_before", Type = ColumnType.Int32 } : column),
    ]);

    private static readonly TableSchema Secure = new([.. Key, Columns[^1], Ymd]);

    private readonly string _folder = Directory.CreateTempSubdirectory("naru-batch-").FullName;
    private readonly ParquetTableWriter _writer = new(new ParquetOptions());
    private readonly List<BatchFile> _fields = [];
    private readonly List<BatchFile> _secure = [];

    public BatchSource Source => new()
    {
        Fields = Fields,
        FieldsFiles = [.. _fields],
        Secure = Secure,
        SecureFiles = [.. _secure],
    };

    public BatchOptions Options => new() { SpillDirectory = _folder + "/spill" };

    public string Folder => _folder;

    /// <summary>Lands events; of an older file what it cannot hold is taken from them.</summary>
    public List<BatchEvent> Land(IEnumerable<BatchEvent> events)
    {
        bool isOld = _fields.Count % 3 == 2;
        List<BatchEvent> rows = [.. events.Select(row => isOld ? row with { X = null, N = (int?)row.N } : row)];
        string path = $"{_folder}/fields-{_fields.Count}.parquet";
        using ColumnBatch fields = new(isOld ? OldFields : Fields);
        using ColumnBatch secure = new(Secure);
        foreach (BatchEvent row in rows)
        {
            Append(fields, row, isOld);
            if (row.User is { } user)
            {
                secure.Columns[0].AppendInt32(row.Partition);
                secure.Columns[1].AppendInt64(row.Offset);
                secure.Columns[2].AppendString(Encoding.UTF8.GetBytes(user));
                secure.Columns[3].AppendInt32(0);
                secure.EndRow();
            }
        }

        Write(fields, path);
        Write(secure, path.Replace("fields-", "secure-", StringComparison.Ordinal));

        // One file in four says no times, as foreign writers' do.
        _fields.Add(_fields.Count % 4 == 3
            ? new BatchFile(path, ProjectZone.FirstMicroseconds, ProjectZone.LastMicroseconds)
            : new BatchFile(path, rows.Min(static row => row.Time), rows.Max(static row => row.Time)));
        _secure.Add(_fields[^1] with { Path = path.Replace("fields-", "secure-", StringComparison.Ordinal) });
        return rows;
    }

    public void Dispose()
    {
        _writer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Write(ColumnBatch batch, string path) =>
        _writer.Write(batch, Enumerable.Range(0, batch.RowCount).ToArray(), 1, path);

    private static void Append(ColumnBatch batch, BatchEvent row, bool isOld)
    {
        batch.Columns[0].AppendInt32(row.Partition);
        batch.Columns[1].AppendInt64(row.Offset);
        batch.Columns[2].AppendString(Encoding.UTF8.GetBytes(row.Id));
        batch.Columns[3].AppendInt64(row.Time);
        int next = 4;
        Put(row.Ad, static (column, value) => column.AppendString(Encoding.UTF8.GetBytes(value)));
        PutValue(row.Cost, static (column, value) => column.AppendDecimal(value));
        PutValue(row.N, isOld
            ? static (column, value) => column.AppendInt32((int)value)
            : static (column, value) => column.AppendInt64(value));
        if (!isOld)
        {
            PutValue(row.X, static (column, value) => column.AppendDouble(value));
        }

        PutValue(row.Flag, static (column, value) => column.AppendBoolean(value));
        PutValue(row.Small, static (column, value) => column.AppendInt32(value));
        batch.Columns[next].AppendInt32(0);
        batch.EndRow();

        void Put<T>(T? value, Action<ColumnVector, T> append)
            where T : class
        {
            if (value is null)
            {
                batch.Columns[next++].AppendNull();
            }
            else
            {
                append(batch.Columns[next++], value);
            }
        }

        void PutValue<T>(T? value, Action<ColumnVector, T> append)
            where T : struct
        {
            if (value is { } present)
            {
                append(batch.Columns[next++], present);
            }
            else
            {
                batch.Columns[next++].AppendNull();
            }
        }
    }
}
