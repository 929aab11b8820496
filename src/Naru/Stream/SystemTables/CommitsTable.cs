using Naru.Configuration;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Stream.Landing;

namespace Naru.Stream.SystemTables;

/// <summary>`naru.commits`: the last landings, newest first, with what each brought.</summary>
internal sealed class CommitsTable(IFileSystem files, ProjectPaths paths, Func<long> lastLanding) : ISystemTable
{
    private const long LandingsMax = 10_000;

    public string Name => "commits";

    public string Description => "the last 10,000 landings: records, rows, files, bytes";

    public TableSchema Schema { get; } = new(
    [
        new("landing", ColumnType.Int64, false, 1),
        new("landed_at", ColumnType.Timestamp, false, 2),
        new("records", ColumnType.Int64, false, 3),
        new("landed", ColumnType.Int64, false, 4),
        new("duplicate", ColumnType.Int64, false, 5),
        new("rejected", ColumnType.Int64, false, 6),
        new("tables", ColumnType.Int64, false, 7),
        new("files", ColumnType.Int64, false, 8),
        new("bytes", ColumnType.Int64, false, 9),
    ]);

    public ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        long last = lastLanding();
        foreach (
            LandingRecord landing in LandingLog.Read(files, paths.Landings, Math.Max(1, last - LandingsMax + 1), last))
        {
            cancellationToken.ThrowIfCancellationRequested();
            RowWriter row = new(rows);
            row.Int64(landing.Number).Int64(landing.LandedAt);
            row.Int64(landing.Partitions.Sum(static partition => partition.To - partition.From));
            row.Int64(landing.Volume.Sum(static count => count.Landed));
            row.Int64(landing.Volume.Sum(static count => count.Duplicate));
            row.Int64(landing.Volume.Sum(static count => count.Rejected));
            row.Int64(landing.Tables.Length);
            row.Int64(landing.Tables.Sum(static table => table.Files.Length));
            row.Int64(landing.Tables.Sum(static table => table.Files.Sum(static file => file.Info.Bytes))).End();
        }

        return ValueTask.CompletedTask;
    }
}
