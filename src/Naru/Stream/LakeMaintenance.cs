using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Stream.Aggregate;
using Naru.Stream.Tiers;

namespace Naru.Stream;

/// <summary>
/// Tends the tables in the background, one after the other: expiry by lifetime, compaction, vacuum, checkpoints, moves
/// between volumes. Never in the way of landings or readers.
/// </summary>
internal sealed partial class LakeMaintenance(
    LakeTables tables, StreamWorker worker, IDefinitionSource definitions, MaintenanceParts parts,
        ILogger<LakeMaintenance> logger)
    : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetiredFor = TimeSpan.FromDays(7);

    private readonly Dictionary<TableName, TableMaintenance> _tended = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Period, parts.Clock);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            await Task.Run(() => PassAsync(stoppingToken), stoppingToken).ConfigureAwait(false);
        }
    }

    /// <summary>One pass over every table.</summary>
    public void RunOnce(CancellationToken cancellationToken)
    {
        DeleteRetired();
        foreach ((TableName name, DeltaTable table) in tables.All())
        {
            TableMaintenance maintenance = Tended(name, table);
            TableCare care = CareOf(name);
            MaintenanceReport report = maintenance.Run(care, () => worker.Status.Landing, cancellationToken);
            foreach (string problem in report.Problems)
            {
                StreamLog.TableProblem(logger, problem);
            }

            if (report.FilesExpired > 0)
            {
                parts.Expiries.Add(new Expiry(
                    parts.Clock.GetUtcNow(),
                    name.Schema,
                    name.Name,
                    name.Group.ToString().ToLowerInvariant(),
                    care.FirstDayKept!.Value,
                    report.RowsExpired,
                    report.FilesExpired)
                {
                    Rule = RuleOf(name), Paths = [.. report.PathsExpired.Take(Expiry.PathsMax)],
                });
            }

            if (report.FilesMerged + report.FilesExpired > 0)
            {
                StreamLog.TableTended(logger, name.ToString(), report.FilesMerged, report.FilesMade,
                    report.FilesExpired);
            }
        }
    }

    private TableMaintenance Tended(TableName name, DeltaTable table)
    {
        if (!_tended.TryGetValue(name, out TableMaintenance? maintenance))
        {
            MaintenanceOptions options = new();
            maintenance = new TableMaintenance(
                table,
                parts.Files,
                parts.Rewriter,
                options with { MovedRetention = parts.Tiers?.Options.MovedKept ?? options.MovedRetention },
                parts.Clock);
            _tended.Add(name, maintenance);
        }

        return maintenance;
    }

    /// <summary>
    /// Tables of former versions of aggregates and of deleted ones go when other engines have had as long to let go of
    /// them as of any other file. Only what the last landing knows as retired: no restart writes to it again.
    /// </summary>
    private void DeleteRetired()
    {
        foreach (RetiredAggregate retired in worker.Status.Retired)
        {
            TableName name = AggregateTables.Of(retired.Name, retired.Version);
            DateTimeOffset since = DateTimeOffset.UnixEpoch.AddMicroseconds(retired.Since);
            if (parts.Clock.GetUtcNow() - since >= RetiredFor && tables.Find(name) is not null)
            {
                try
                {
                    if (tables.Delete(name))
                    {
                        _tended.Remove(name);
                        StreamLog.AggregateTableDeleted(logger, name.Name);
                    }
                }
                catch (StorageException exception)
                {
                    StreamLog.TableProblem(logger, exception.Message);
                }
            }
        }
    }

    private TableCare CareOf(TableName name)
    {
        DefinitionSet current = definitions.Current;
        LogDefinition? log =
            current.Logs.FirstOrDefault(each => each.RegionGroup == name.Schema && each.Name == name.Name);
        bool secure = name.Group == ColumnGroup.Secure;
        return new TableCare
        {
            SortedBy = log is not null && name.Group == ColumnGroup.Fields ? "_event_time" : null,
            FirstDayKept = FirstDayKept(
                secure ? SecureLifetime(log, current) : log?.Lifetime.Total ?? parts.Kept.Find(name)?.Lifetime,
                current.TimeZone),
            IsSecure = secure,
            // An interval's rows are one file, by whose name the next run finds it.
            IsCompacted = name.Schema is not (AggregateTables.Schema or FilledTable.Schema),
        };
    }

    /// <summary>The lifetime by which a table's days go: `lifetime.secure 90d of kr_shop.order`.</summary>
    private string RuleOf(TableName name)
    {
        DefinitionSet current = definitions.Current;
        LogDefinition? log =
            current.Logs.FirstOrDefault(each => each.RegionGroup == name.Schema && each.Name == name.Name);
        bool secure = name.Group == ColumnGroup.Secure;
        TimeSpan? lifetime = secure ? SecureLifetime(log, current) : log?.Lifetime.Total;
        string text = lifetime is { } kept ? DurationText.Format(kept) : "unlimited";
        string whose = log is null ? "the shortest of the project" : $"of {log.FullName}";
        return $"lifetime.{(secure ? "secure" : "total")} {text} {whose}";
    }

    /// <summary>Raw bytes of rejected events live as long as the shortest secure lifetime of the project.</summary>
    private static TimeSpan? SecureLifetime(LogDefinition? log, DefinitionSet definitions) =>
        log is not null ? log.Lifetime.Secure : definitions.Logs.Min(static each => each.Lifetime.Secure);

    /// <summary>A day is kept until all of it is older than the lifetime.</summary>
    private DateOnly? FirstDayKept(TimeSpan? lifetime, TimeZoneInfo zone) => lifetime is { } kept
        ? DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(parts.Clock.GetUtcNow() - kept, zone).DateTime)
        : null;
}

/// <summary>What maintenance works with.</summary>
internal sealed record MaintenanceParts(IFileSystem Files, ITableFileRewriter Rewriter, ExpiryLedger Expiries,
    KeptTables Kept, TimeProvider Clock)
{
    /// <summary>Null where all of the lake is in one folder.</summary>
    public TierBook? Tiers { get; init; }
}
