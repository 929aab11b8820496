using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Naru.Core.Events;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Query.Pool;

namespace Naru.Query.History;

/// <summary>A query that has ended, as `naru.queries` has it.</summary>
internal sealed record QueryRow : IKeptRow
{
    public static readonly TableSchema Schema = new(
    [
        new("query_id", ColumnType.String, false, 1),

        // finished | failed | cancelled
        new("state", ColumnType.String, false, 2),
        new("error", ColumnType.String, true, 3),
        new("error_message", ColumnType.String, true, 4),
        new("owner", ColumnType.String, false, 5),
        new("pool", ColumnType.String, false, 6),
        new("dialect", ColumnType.String, false, 7),
        new("sql", ColumnType.String, false, 8),
        new("tables", ColumnType.StringArray, false, 9),
        new("plan", ColumnType.String, true, 10),
        new("started_at", ColumnType.Timestamp, false, 11),

        // The wait for a worker is part of the wall time.
        new("queued_ms", ColumnType.Double, false, 12),
        new("wall_ms", ColumnType.Double, false, 13),
        new("cpu_ms", ColumnType.Double, false, 14),
        new("peak_memory_bytes", ColumnType.Int64, false, 15),
        new("files", ColumnType.Int64, false, 16),
        new("read_bytes", ColumnType.Int64, false, 17),
        new("rows", ColumnType.Int64, false, 18),
        new("result_bytes", ColumnType.Int64, false, 19),
        new("ticket", ColumnType.String, true, 20),

        // The query whose run it got its rows from; it used nothing itself then.
        new("shared_with", ColumnType.String, true, 21),
        new("p_ymd", ColumnType.Date, false, 90),
    ]);

    public required long Number { get; init; }

    public required string Id { get; init; }

    public required string State { get; init; }

    public string? Error { get; init; }

    public string? ErrorMessage { get; init; }

    public required string Owner { get; init; }

    public required string Pool { get; init; }

    public string? Ticket { get; init; }

    public string? SharedWith { get; init; }

    public required string Dialect { get; init; }

    public required string Sql { get; init; }

    public required ImmutableArray<string> Tables { get; init; }

    public string? Plan { get; init; }

    /// <summary>Unix microseconds.</summary>
    public required long StartedAt { get; init; }

    public required double QueuedMilliseconds { get; init; }

    public required double WallMilliseconds { get; init; }

    public required double CpuMilliseconds { get; init; }

    public required long PeakBytes { get; init; }

    public required int Files { get; init; }

    public required long ReadBytes { get; init; }

    public required long Rows { get; init; }

    public required long ResultBytes { get; init; }

    /// <summary>About what it takes while it waits for the lake.</summary>
    [JsonIgnore]
    public long Bytes => 512 + (2L * (Sql.Length + (Plan?.Length ?? 0) + (ErrorMessage?.Length ?? 0)));

    public static QueryRow Of(QueryEntry entry, long number) => new()
    {
        Number = number,
        Id = entry.Id,
        State = entry.State.ToString().ToLowerInvariant(),
        Error = entry.Error?.Code,
        ErrorMessage = entry.Error?.Message,
        Owner = entry.Owner,
        Pool = entry.Pool.Text(),
        Ticket = entry.Ticket,
        SharedWith = entry.SharedWith,
        Dialect = entry.Request.Dialect.ToString().ToLowerInvariant(),
        Sql = entry.Sql,
        Tables = [.. entry.Tables.Select(static table => table.Name.ToString())],
        Plan = entry.Plan,
        StartedAt = (entry.StartedAt - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond,
        QueuedMilliseconds = entry.QueuedMilliseconds,
        WallMilliseconds = entry.Milliseconds,
        CpuMilliseconds = entry.Usage.CpuMilliseconds,
        PeakBytes = entry.Usage.PeakBytes,
        Files = entry.Files,
        ReadBytes = entry.Usage.ReadBytes,
        Rows = entry.Rows,
        ResultBytes = entry.ResultBytes,
    };

    public void Write(ColumnBatch rows, ProjectZone zone)
    {
        RowWriter row = new(rows);
        row.Text(Id).Text(State).Text(Error).Text(ErrorMessage).Text(Owner).Text(Pool).Text(Dialect).Text(Sql);
        row.Texts(Tables).Text(Plan).Int64(StartedAt).Double(QueuedMilliseconds).Double(WallMilliseconds);
        row.Double(CpuMilliseconds).Int64(PeakBytes).Int64(Files).Int64(ReadBytes).Int64(Rows).Int64(ResultBytes);
        row.Text(Ticket).Text(SharedWith).Int32(zone.DayAt(StartedAt, out _)).End();
    }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QueryRow))]
internal sealed partial class HistoryJson : JsonSerializerContext;
