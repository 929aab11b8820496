using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Lake.Parquet;
using Naru.Ledger;
using Naru.Models;

namespace Naru.Sources;

/// <summary>Fills an interval of a source's table with what the server holds now.</summary>
internal sealed class SnapshotFiller(ISourceSet sources, SourceSessions sessions, SnapshotParts parts)
    : IIntervalFiller<SnapshotDefinition>
{
    public long Committed(SnapshotDefinition thing, Interval interval) =>
        parts.Tables.Committed(thing.Fills!.Value, interval);

    public long RowsOf(SnapshotDefinition thing, Interval interval) =>
        parts.Tables.RowsOf(thing.Fills!.Value, interval);

    public async Task<ImmutableArray<FilledRows>> FillAsync(
        SnapshotDefinition thing, IReadOnlyList<LedgerEntry> begun, RunOrder order, CancellationToken cancellationToken)
    {
        Invariant.Hold(begun.Count == 1);
        if (sources.Current.Find(thing.Source) is not { } source)
        {
            throw new SourceException($"source {thing.Source} is gone; see sources/{thing.Source}.yaml");
        }

        List<SourceLease> leases = [];
        bool keep = false;
        try
        {
            foreach (SourceShard shard in source.Shards)
            {
                leases.Add(await sessions
                    .LeaseAsync(source, shard, (begun[0].Interval, thing.Name), cancellationToken)
                    .ConfigureAwait(false));
            }

            SnapshotRun run = new(source, thing, (begun[0].Interval, begun[0].Record.Attempt), parts);
            long rows = await run.RunAsync(
                [.. leases.Select(static lease => lease.Snapshot)], cancellationToken).ConfigureAwait(false);
            keep = OthersFollow(source, thing, begun[0].Interval);
            return [rows];
        }
        catch (Exception exception)
        {
            foreach (SourceLease lease in leases)
            {
                lease.Break();
            }

            if (exception is SourceException known)
            {
                throw new SourceException(parts.Connector.Scrub(source, known.Message), known.Passes);
            }

            throw;
        }
        finally
        {
            foreach (SourceLease lease in leases)
            {
                await lease.EndAsync(keep).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Tables of the source that the schedule is about to fill for the same interval.</summary>
    private bool OthersFollow(SourceDefinition source, SnapshotDefinition thing, Interval interval) =>
        source.Tables.Any(other => other.Name != thing.Name && other.Every == interval.Kind
            && other.Start is { } start && start <= interval.First
            && parts.Ledger.Find(other.Thing, interval)?.Record is null or { State: FillState.Running });
}

/// <param name="Connector">Opens servers.</param>
/// <param name="Tables">Tables of the lake.</param>
/// <param name="Writer">Writes files.</param>
/// <param name="Seen">What was seen of servers before.</param>
/// <param name="Ledger">What was filled.</param>
internal sealed record SnapshotParts(
    SourceConnector Connector, IntervalTables Tables, ITableFileWriter Writer, SeenTables Seen, IntervalLedger Ledger)
{
    public required TimeProvider Time { get; init; }

    /// <summary>Puts changed rows into those of the snapshot before.</summary>
    public required ParquetFiles Merger { get; init; }

    public required IFileSystem Files { get; init; }

    /// <summary>A folder for files that are read once.</summary>
    public required string Scratch { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Takes what changed on a server.</summary>
    public Action<SourceDefinition, SchemaChange> Tell { get; init; } = static (_, _) => { };
}
