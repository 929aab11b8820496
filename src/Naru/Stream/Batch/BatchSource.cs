using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Lake.Delta;

namespace Naru.Stream.Batch;

/// <summary>
/// One log's landed rows, as a batch reads them: files of the groups `fields` and `secure` of one moment, and the
/// columns that the log's tables have by now, with their field ids.
/// </summary>
internal sealed record BatchSource
{
    public required TableSchema Fields { get; init; }

    public required ImmutableArray<BatchFile> FieldsFiles { get; init; }

    /// <summary>Null where the log has no sensitive field.</summary>
    public TableSchema? Secure { get; init; }

    public ImmutableArray<BatchFile> SecureFiles { get; init; } = [];

    /// <summary>The rows of a log in one version of its tables; null where a table was never made.</summary>
    public static BatchSource Of(LogDefinition log, BatchTable? fields, BatchTable? secure, ProjectZone zone) => new()
    {
        Fields = LogTables.Fields(log),
        FieldsFiles = fields?.Files(zone) ?? [],
        Secure = log.HasSecure ? LogTables.Secure(log) : null,
        SecureFiles = secure?.Files(zone) ?? [],
    };
}

/// <summary>A Delta table at one version. Whoever reads it holds a lease.</summary>
internal sealed record BatchTable(DeltaTable Table, DeltaVersion Version)
{
    public string PathOf(DeltaFile file) => Table.PathOf(file);

    public ImmutableArray<BatchFile> Files(ProjectZone zone) =>
        [.. Version.Files.Select(file => BatchFile.Of(this, file, zone))];
}

/// <summary>A Parquet file and bounds of its rows' event times, in Unix microseconds, both inclusive.</summary>
internal readonly record struct BatchFile(string Path, long MinEventTime, long MaxEventTime)
{
    public bool Holds(long from, long to) => MinEventTime < to && MaxEventTime >= from;

    internal static BatchFile Of(BatchTable table, DeltaFile file, ProjectZone zone)
    {
        string path = table.PathOf(file);
        if (file is { MinEventTime: { } min, MaxEventTime: { } max })
        {
            return new BatchFile(path, min, max);
        }

        // Secure files say no times: the day that they are in does.
        int ymd = table.Version.PartitionColumns.IndexOf(LogTables.Ymd);
        string? text = ymd < 0 ? null : file.PartitionValues[ymd];
        return DateOnly.TryParseExact(
            text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day)
            ? new BatchFile(path, StartOf(day, zone), StartOf(day.AddDays(1), zone) - 1)
            : new BatchFile(path, ProjectZone.FirstMicroseconds, ProjectZone.LastMicroseconds);
    }

    private static long StartOf(DateOnly day, ProjectZone zone) =>
        zone.ToUtc((day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber) * ProjectZone.DayMicroseconds);
}
