using System.Collections.Immutable;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Stream.Aggregate;
using Naru.Stream.Landing;

namespace Naru.Stream.Audit;

/// <summary>
/// Proves the ledger from three independent sources: the topic's batches (what was received), the landing records
/// (what became of each offset) and the Delta tables (what is there).
/// Checks: landings follow each other without gap, in number and in offsets; each offset has one outcome; the counts of
/// a landing are those of its outcomes and of its files; the topic holds as many records per log and minute as the
/// landings speak of; the tables hold the rows that were landed, less those that retention took.
/// </summary>
internal sealed class LandingAudit(AuditSources sources)
{
    private readonly Dictionary<(string Log, long Minute), VolumeCounts.Counts> _landed = [];
    private readonly Dictionary<(string Log, long Minute), VolumeCounts.Counts> _topic = [];
    private readonly Dictionary<(string Log, long Minute), long> _pending = [];
    private readonly Dictionary<TableName, long> _filesRows = [];

    /// <summary>No landing is missing from those that are read.</summary>
    private bool _fromFirst;

    /// <summary>Rows of the files that later landings may replace.</summary>
    private readonly Dictionary<(TableName Table, string Path), long> _aggregateFiles = [];
    private readonly List<string> _problems = [];
    private bool _allFromTopic = true;

    /// <summary>
    /// Minutes of receipt in [from, to), both Unix microseconds; tables are checked when the range is everything.
    /// </summary>
    public AuditReport Run(long from, long to)
    {
        LandingRecord? first = null;
        LandingRecord? last = null;
        foreach (
            LandingRecord landing in LandingLog.Read(sources.Files, sources.LandingsDirectory, 1, sources.LastLanding))
        {
            _fromFirst = (first ?? landing).Number == 1;
            CheckFollows(last, landing);
            CheckCounts(landing);
            AddLanding(landing);
            first ??= landing;
            last = landing;
        }

        for (int partition = 0; partition < sources.Topic.PartitionCount; partition++)
        {
            CountTopic(partition, last);
        }

        if (from == long.MinValue && to == long.MaxValue && first is null or { Number: 1 })
        {
            CheckTables(last);
        }

        return Report(first, last, (from, to));
    }

    private void CheckFollows(LandingRecord? before, LandingRecord landing)
    {
        if (before is null)
        {
            return;
        }

        Require(landing.Number == before.Number + 1, $"landing {landing.Number} follows landing {before.Number}");
        if (before.Incarnation != landing.Incarnation)
        {
            return;
        }

        foreach (PartitionLanding range in landing.Partitions)
        {
            long end = before.Partitions.FirstOrDefault(earlier => earlier.Partition == range.Partition)?.To ?? 0;
            Require(
                range.From == end,
                $"landing {landing.Number} begins partition {range.Partition} at offset {range.From}, "
                + $"landing {before.Number} ended it at {end}");
        }
    }

    private void CheckCounts(LandingRecord landing)
    {
        long offsets = 0;
        long landed = 0;
        foreach (PartitionLanding range in landing.Partitions)
        {
            long outcomes = 0;
            foreach ((RecordOutcome outcome, long count) in OutcomeRuns.Decode(range.Outcomes))
            {
                outcomes += count;
                landed += outcome == RecordOutcome.Landed ? count : 0;
            }

            offsets += range.To - range.From;
            Require(
                outcomes == range.To - range.From,
                $"landing {landing.Number} judges {outcomes} of {range.To - range.From} records of "
                + $"partition {range.Partition}");
        }

        long volume = landing.Volume.Sum(static count => count.Received + count.Replayed);
        long rows = landing.Tables
            .Where(static table => table.LogId > 0 && table.Table.Group == ColumnGroup.Fields)
            .Sum(static table => table.Files.Sum(static file => file.Info.Rows));
        Require(volume == offsets, $"landing {landing.Number} counts {volume} records in {offsets} offsets");
        Require(rows == landed, $"landing {landing.Number} has {rows} rows in files for {landed} landed records");
    }

    private void AddLanding(LandingRecord landing)
    {
        foreach (VolumeCount count in landing.Volume)
        {
            System.Runtime.InteropServices.CollectionsMarshal
                .GetValueRefOrAddDefault(_landed, (count.Log, count.Minute), out _)
                .Add(new VolumeCounts.Counts
                {
                    Received = count.Received,
                    Replayed = count.Replayed,
                    Landed = count.Landed,
                    Duplicate = count.Duplicate,
                    Rejected = count.Rejected,
                });
        }

        foreach (TableLanding table in landing.Tables)
        {
            long removed = 0;
            foreach (string path in table.Removes)
            {
                // A landing that is not kept any more may have brought it.
                bool isKnown = _aggregateFiles.Remove((table.Table, path), out long rows);
                Require(
                    isKnown || !_fromFirst,
                    $"landing {landing.Number} replaces file {path} of {table.Table}, which is not there");
                removed += rows;
            }

            foreach (LandedFile file in table.Files.Where(_ => table.Table.Schema == AggregateTables.Schema))
            {
                _aggregateFiles[(table.Table, file.Path)] = file.Info.Rows;
            }

            _filesRows[table.Table] = _filesRows.GetValueOrDefault(table.Table)
                + table.Files.Sum(static file => file.Info.Rows) - removed;
        }
    }

    private void CountTopic(int partition, LandingRecord? last)
    {
        PartitionOffsets kept = sources.Topic.Offsets(partition);
        _allFromTopic &= kept.First == 0;
        long landedTo = last?.Incarnation == sources.Topic.Incarnation ? last.Partitions[partition].To : 0;
        Require(
            landedTo <= kept.Durable,
            $"partition {partition} is landed up to offset {landedTo}, the topic ends at {kept.Durable}");
        Counter counter = new(this, landedTo);
        try
        {
            sources.Topic.Read(partition, kept.First, ref counter);
        }
        catch (TopicCorruptException exception)
        {
            _problems.Add(exception.Message);
        }
    }

    private void CheckTables(LandingRecord? last)
    {
        foreach ((TableName name, long landed) in _filesRows)
        {
            DeltaVersion? table = sources.Tables.GetValueOrDefault(name);
            if (table is null && last?.Aggregates.Retired.Any(
                each => AggregateTables.Of(each.Name, each.Version) == name) == true)
            {
                // Deleted, as tables of former versions are.
                continue;
            }

            long expired = table is null ? 0 : LakeTables.RowsDeleted(table);
            long rows = table?.Rows ?? 0;
            Require(
                rows + expired == landed,
                $"table {name} holds {rows} rows and {expired} expired, {landed} were landed");
        }
    }

    private AuditReport Report(LandingRecord? first, LandingRecord? last, (long From, long To) range)
    {
        List<AuditLine> minutes = [];
        foreach ((string Log, long Minute) key in _landed.Keys.Union(_topic.Keys).Union(_pending.Keys).Order())
        {
            long start = key.Minute * 60_000_000;
            if (start < range.From || start >= range.To)
            {
                continue;
            }

            VolumeCounts.Counts landed = _landed.GetValueOrDefault(key);
            VolumeCounts.Counts topic = _allFromTopic ? _topic.GetValueOrDefault(key) : landed;
            long pending = _pending.GetValueOrDefault(key);
            minutes.Add(new AuditLine(key.Log, DateTimeOffset.FromUnixTimeSeconds(key.Minute * 60))
            {
                Received = topic.Received + (_allFromTopic ? 0 : pending),
                Replayed = topic.Replayed,
                Landed = landed.Landed,
                Duplicate = landed.Duplicate,
                Rejected = landed.Rejected,
                Pending = pending,
            });
        }

        return new AuditReport
        {
            FirstLanding = first?.Number ?? 0,
            LastLanding = last?.Number ?? 0,
            CountedFromTopic = _allFromTopic,
            Logs = [.. minutes.GroupBy(static line => line.Log).Select(static group => Total(group.Key, [.. group]))],
            Minutes = [.. minutes.Where(static line => line.Difference != 0)],
            Problems = [.. _problems],
        };
    }

    private static AuditLine Total(string log, IReadOnlyList<AuditLine> lines) => new(log, null)
    {
        Received = lines.Sum(static line => line.Received),
        Replayed = lines.Sum(static line => line.Replayed),
        Landed = lines.Sum(static line => line.Landed),
        Duplicate = lines.Sum(static line => line.Duplicate),
        Rejected = lines.Sum(static line => line.Rejected),
        Pending = lines.Sum(static line => line.Pending),
    };

    private void Require(bool condition, string problem)
    {
        if (!condition)
        {
            _problems.Add(problem);
        }
    }

    private struct Counter(LandingAudit audit, long landedTo) : IBatchSink
    {
        public readonly bool Take(in TopicBatch batch)
        {
            BatchHeader header = batch.Header;
            string log = audit.NameOf(header);
            (string, long) key = (log, Math.DivRem(header.ReceivedMicroseconds, 60_000_000).Quotient);
            ref VolumeCounts.Counts counts = ref System.Runtime.InteropServices.CollectionsMarshal
                .GetValueRefOrAddDefault(audit._topic, key, out _);
            bool replay = (header.Flags & BatchFlags.Replay) != 0;
            counts.Replayed += replay ? batch.Count : 0;
            counts.Received += replay ? 0 : batch.Count;
            if (batch.BaseOffset >= landedTo)
            {
                audit._pending[key] = audit._pending.GetValueOrDefault(key) + batch.Count;
            }

            return true;
        }
    }

    private string NameOf(in BatchHeader header) =>
        sources.Definitions.Current.TryGetVersion(header.LogId, header.LogVersion, out LogDefinition? log)
            ? log.FullName
            : VolumeCounts.NoLog;
}

/// <summary>What an audit reads.</summary>
internal sealed record AuditSources(
    ITopicLog Topic, IFileSystem Files, string LandingsDirectory, IDefinitionSource Definitions)
{
    public required long LastLanding { get; init; }

    /// <summary>Every table as of that landing.</summary>
    public required ImmutableDictionary<TableName, DeltaVersion> Tables { get; init; }
}
