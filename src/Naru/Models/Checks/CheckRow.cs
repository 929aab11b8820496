using System.Text.Json.Serialization;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Models.Checks;

/// <summary>What a check found of one interval, as `naru.checks` has it.</summary>
internal sealed record CheckRow : IKeptRow
{
    public static readonly TableSchema Schema = new(
    [
        new("model", ColumnType.String, false, 1),
        new("interval", ColumnType.String, false, 2),
        new("first", ColumnType.Timestamp, false, 3),

        // Of the model's runs at the interval.
        new("attempt", ColumnType.Int64, false, 4),
        new("rule", ColumnType.String, false, 5),

        // fail | warn
        new("severity", ColumnType.String, false, 6),

        // passed | failed | error
        new("outcome", ColumnType.String, false, 7),
        new("failing_rows", ColumnType.Int64, true, 8),
        new("why", ColumnType.String, true, 9),

        // An array of some of those rows.
        new("sample", ColumnType.Json, true, 10),
        new("judged_at", ColumnType.Timestamp, false, 11),
        new("p_ymd", ColumnType.Date, false, 90),
    ]);

    public required long Number { get; init; }

    public required string Model { get; init; }

    public required string Interval { get; init; }

    /// <summary>Unix microseconds.</summary>
    public required long First { get; init; }

    public required long Attempt { get; init; }

    public required string Check { get; init; }

    public required string Severity { get; init; }

    public required string Outcome { get; init; }

    public long? FailingRows { get; init; }

    public string? Why { get; init; }

    public string? Sample { get; init; }

    /// <summary>Unix microseconds.</summary>
    public required long JudgedAt { get; init; }

    /// <summary>When it was judged, in the project's days since 1970-01-01.</summary>
    public required int Day { get; init; }

    [JsonIgnore]
    public long Bytes => 256 + (2L * (Check.Length + (Why?.Length ?? 0) + (Sample?.Length ?? 0)));

    public void Write(ColumnBatch rows)
    {
        RowWriter row = new(rows);
        row.Text(Model).Text(Interval).Int64(First).Int64(Attempt).Text(Check).Text(Severity).Text(Outcome);
        row.Int64(FailingRows).Text(Why).Text(Sample).Int64(JudgedAt).Int32(Day).End();
    }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CheckRow))]
internal sealed partial class CheckRowJson : JsonSerializerContext;
