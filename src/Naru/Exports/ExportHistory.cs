using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Exports;

/// <summary>Every attempt that ended: the table `naru.exports`.</summary>
internal sealed class ExportHistory(
    KeptJournal<ExportAttempt> journal, IntervalCalendar calendar, TimeProvider time, ILogger logger)
    : KeptRows<ExportAttempt>(TableShape, Kept, journal), IExportHistory
{
    public static readonly SystemTableShape TableShape = new(
        "exports",
        ExportAttempt.Schema,
        "what went out: every attempt of every export, when, where to, how much, why not");

    private static readonly TimeSpan Kept = TimeSpan.FromDays(400);

    public static KeptJournal<ExportAttempt> Journal(IFileSystem files, string folder) =>
        new(files, folder, "exports", ExportAttemptJson.Default.ExportAttempt);

    public void Add(ExportEnd end)
    {
        long now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        ExportOrder order = end.Order;
        Keep(number => new ExportAttempt
        {
            Number = number,
            Export = order.Export.Name,
            Interval = end.Interval,
            First = order.Interval.First,
            Target = order.Target,
            Place = order.Export.Targets.TryGetValue(order.Target, out TargetDefinition? target)
                ? $"{target.Kind} {target.Place}" : "",
            Mode = ExportFile.Word(order.Export.Mode),
            Attempt = order.Attempt,
            StartedAt = order.Started,
            EndedAt = now,
            State = end.IsDone ? "sent" : "failed",
            Rows = end.Tally.Rows,
            Inserted = end.Tally.Inserted,
            Updated = end.Tally.Updated,
            Deleted = end.Tally.Deleted,
            Failed = end.Failed,
            Bytes = end.Tally.Bytes,
            Error = end.IsDone ? (end.Warning.Length == 0 ? null : end.Warning) : end.Error,
            Sample = order.Sample,
            Hash = end.Hash.Length == 0 ? null : end.Hash,
            Run = order.Run,
            Who = order.By,
            Day = calendar.Zone.DayAt(now, out _),
        });
        if (end.IsDone && end.Failed == 0 && order.Target != ExportDefinition.DefaultTarget)
        {
            ExportsLog.Sent(logger, order.Export.Name, end.Interval, order.Target, end.Tally.Rows);
        }
        else if (end.IsDone && end.Failed > 0)
        {
            ExportsLog.Kept(logger, order.Export.Name, end.Interval, order.Target, end.Failed);
        }
    }

    protected override void Write(ExportAttempt row, ColumnBatch rows) => row.Write(rows);

    protected override void TellNotJournaled(string reason) => ExportsLog.NotJournaled(logger, reason);
}

/// <summary>One attempt, as `naru.exports` has it.</summary>
internal sealed record ExportAttempt : IKeptRow
{
    public static readonly TableSchema Schema = new(
    [
        new("export", ColumnType.String, false, 1),
        new("interval", ColumnType.String, false, 2),
        new("first", ColumnType.Timestamp, false, 3),

        // As the file calls it: default, dev, …
        new("target", ColumnType.String, false, 4),
        new("place", ColumnType.String, false, 5),
        new("mode", ColumnType.String, false, 6),
        new("attempt", ColumnType.Int64, false, 7),
        new("started_at", ColumnType.Timestamp, false, 8),
        new("ended_at", ColumnType.Timestamp, false, 9),

        // sent | failed
        new("state", ColumnType.String, false, 10),
        new("rows", ColumnType.Int64, false, 11),
        new("inserted", ColumnType.Int64, false, 12),
        new("updated", ColumnType.Int64, false, 13),
        new("deleted", ColumnType.Int64, false, 14),

        // Rows that do not fit: naru.export_failures has them.
        new("failed", ColumnType.Int64, false, 15),
        new("bytes", ColumnType.Int64, false, 16),
        new("error", ColumnType.String, true, 17),

        // Of the rows, from 0 to 1; null for all.
        new("sample", ColumnType.Double, true, 18),

        // The same for the same rows in whatever order.
        new("hash", ColumnType.String, true, 19),
        new("run", ColumnType.String, false, 20),
        new("who", ColumnType.String, false, 21),
        new("p_ymd", ColumnType.Date, false, 90),
    ]);

    public required long Number { get; init; }

    public required string Export { get; init; }

    public required string Interval { get; init; }

    /// <summary>Unix microseconds, as all times here.</summary>
    public required long First { get; init; }

    public required string Target { get; init; }

    public required string Place { get; init; }

    public required string Mode { get; init; }

    public required long Attempt { get; init; }

    public required long StartedAt { get; init; }

    public required long EndedAt { get; init; }

    public required string State { get; init; }

    public required long Rows { get; init; }

    public required long Inserted { get; init; }

    public required long Updated { get; init; }

    public required long Deleted { get; init; }

    public required long Failed { get; init; }

    public required long Bytes { get; init; }

    public string? Error { get; init; }

    public double? Sample { get; init; }

    public string? Hash { get; init; }

    public required string Run { get; init; }

    public required string Who { get; init; }

    /// <summary>When it ended, in the project's days since 1970-01-01.</summary>
    public required int Day { get; init; }

    [JsonIgnore]
    long IKeptRow.Bytes => 512 + (2L * (Error?.Length ?? 0));

    public void Write(ColumnBatch rows)
    {
        RowWriter row = new(rows);
        row.Text(Export).Text(Interval).Int64(First).Text(Target).Text(Place).Text(Mode).Int64(Attempt);
        row.Int64(StartedAt).Int64(EndedAt).Text(State).Int64(Rows).Int64(Inserted).Int64(Updated).Int64(Deleted);
        row.Int64(Failed).Int64(Bytes).Text(Error).Double(Sample).Text(Hash).Text(Run).Text(Who).Int32(Day).End();
    }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ExportAttempt))]
internal sealed partial class ExportAttemptJson : JsonSerializerContext;
