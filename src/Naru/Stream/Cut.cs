using System.Collections.Immutable;
using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Stream.Aggregate;
using Naru.Stream.Decode;
using Naru.Stream.Dedup;
using Naru.Stream.Landing;

namespace Naru.Stream;

/// <summary>
/// One cut over all partitions that the worker owns: offsets [From, To) of each, what became of every record, and the
/// decoded rows. Filled by the stream thread; once sealed it is immutable, is landed as one and then disposed.
/// </summary>
internal sealed class Cut : IDisposable
{
    private readonly Dictionary<(int LogId, int Version), LogRows> _logs = [];
    private readonly List<TableRows> _tables = [];
    private readonly long[] _from;
    private readonly long[] _to;
    private readonly OutcomeRuns[] _outcomes;
    private readonly VolumeCounts _volume = new();
    private readonly List<EventId>[] _landedIds = [[], []];

    public Cut(long[] from, TimeZoneInfo timeZone)
    {
        _from = [.. from];
        _to = [.. from];
        _outcomes = [.. from.Select(static _ => new OutcomeRuns())];
        Stream = new StreamRows(timeZone, this);
    }

    public IReadOnlyList<TableRows> Tables => _tables;

    public IReadOnlyCollection<LogRows> Logs => _logs.Values;

    public StreamRows Stream { get; }

    public TimeSuspects Suspects { get; } = new();

    public long RecordCount { get; private set; }

    public long LastReceivedMicroseconds { get; private set; }

    /// <summary>Monotonic timestamp of the first record; 0 while empty.</summary>
    public long StartedAt { get; set; }

    /// <summary>Set when the cut is sealed: what it adds to the aggregates.</summary>
    public SealedAggregates Aggregates { get; set; } = null!;

    /// <summary>Set when the cut is sealed: runs of the deduplication index that its landing merges into one.</summary>
    public DedupMerge? Merge { get; set; }

    /// <summary>Set when the cut is sealed: runs that its landing names no more.</summary>
    public ImmutableArray<DedupRun> ExpiredRuns { get; set; } = [];

    public bool Empty => RecordCount == 0;

    public long MemoryBytes => _tables.Sum(static table => table.Batch.MemoryBytes + (table.Live.Count * 4L));

    public ReadOnlySpan<long> From => _from;

    public ReadOnlySpan<long> To => _to;

    public LogRows RowsOf(LogDefinition log, Func<LogDefinition, LogBatch> create)
    {
        if (!_logs.TryGetValue((log.Id, log.Version), out LogRows? rows))
        {
            rows = new LogRows(log, create(log));
            _logs.Add((log.Id, log.Version), rows);
            _tables.AddRange(rows.Tables);
        }

        return rows;
    }

    public TableRows AddTable(TableName name, TableSchema schema)
    {
        TableRows rows = new(name, (0, 0), new ColumnBatch(schema), StreamTables.PartitionColumns.Length);
        _tables.Add(rows);
        return rows;
    }

    public ref VolumeCounts.Counts Volume(string log, long receivedMicroseconds) =>
        ref _volume.At(log, receivedMicroseconds);

    /// <summary>Advances a partition by one batch.</summary>
    public void Advance(in TopicBatch batch)
    {
        Invariant.Hold(_to[batch.Partition] == batch.BaseOffset);
        _to[batch.Partition] += batch.Count;
        RecordCount += batch.Count;
        LastReceivedMicroseconds = Math.Max(LastReceivedMicroseconds, batch.Header.ReceivedMicroseconds);
    }

    public void AddOutcome(int partition, RecordOutcome outcome, long count = 1) =>
        _outcomes[partition].Add(outcome, count);

    public void AddLandedId(EventId id, DedupRetention retention) => _landedIds[(int)retention].Add(id);

    public ReadOnlySpan<EventId> LandedIds(DedupRetention retention) =>
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_landedIds[(int)retention]);

    public ImmutableArray<PartitionLanding> PartitionLandings()
    {
        ImmutableArray<PartitionLanding>.Builder landings = ImmutableArray.CreateBuilder<PartitionLanding>();
        for (int partition = 0; partition < _from.Length; partition++)
        {
            Invariant.Hold(_outcomes[partition].Total == _to[partition] - _from[partition]);
            landings.Add(new PartitionLanding(
                partition, _from[partition], _to[partition], _outcomes[partition].Encode()));
        }

        return landings.ToImmutable();
    }

    public ImmutableArray<VolumeCount> VolumeCounts() => _volume.ToImmutable();

    /// <summary>Makes the rows of `naru.volume` and `naru.time_suspects` for this landing, once.</summary>
    public void CountVolume(long landing)
    {
        Stream.AddVolume(AddTable(StreamTables.Volume, StreamTables.VolumeSchema), VolumeCounts(), landing);
        if (!Suspects.Empty)
        {
            Stream.AddSuspects(
                AddTable(StreamTables.TimeSuspects, StreamTables.TimeSuspectsSchema), Suspects,
                    LastReceivedMicroseconds);
        }
    }

    public void Dispose()
    {
        foreach (TableRows table in _tables)
        {
            table.Dispose();
        }
    }
}
