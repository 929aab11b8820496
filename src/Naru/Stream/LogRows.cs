using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Stream.Decode;
using Naru.Stream.Dedup;

namespace Naru.Stream;

/// <summary>
/// The rows of one log version in one cut: its three column groups, filled together, made live together.
/// </summary>
#pragma warning disable CA1001 // The cut, which lists all tables, disposes them.
internal sealed class LogRows
#pragma warning restore CA1001
{
    private readonly LogBatch _batch;
    private readonly TableRows _fields;
    private readonly TableRows _raw;
    private readonly TableRows? _secure;
    private int _nextSecure;

    private const int TimeSourceColumn = 7;
    private const int CreatedColumn = 8;
    private const int SentColumn = 9;

    public LogRows(LogDefinition log, LogBatch batch)
    {
        Log = log;
        _batch = batch;
        int partitions = LogTables.PartitionColumns(log).Length;
        (int, int) version = (log.Id, log.Version);
        TableName name = new(log.RegionGroup, log.Name);
        _fields = new TableRows(name, version, batch.Fields, partitions);
        _raw = new TableRows(name with { Group = ColumnGroup.Raw }, version, batch.Raw, partitions);
        _secure = batch.Secure is null
            ? null
            : new TableRows(name with { Group = ColumnGroup.Secure }, version, batch.Secure, partitions);
    }

    public LogDefinition Log { get; }

    /// <summary>Rows of `fields`, those that are not live among them.</summary>
    public ColumnBatch FieldsBatch => _batch.Fields;

    /// <summary>Sensitive fields, or null; <see cref="SecureRows"/> says whose.</summary>
    public ColumnBatch? SecureBatch => _batch.Secure;

    public ReadOnlySpan<int> SecureRows => _batch.SecureRows;

    /// <summary>Rows of <see cref="FieldsBatch"/> that are to be landed, ascending.</summary>
    public ReadOnlySpan<int> Live => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_fields.Live);

    /// <summary>How many of the live rows the aggregates have taken in.</summary>
    public int Aggregated { get; set; }

    public IEnumerable<TableRows> Tables => _secure is null ? [_fields, _raw] : [_fields, _raw, _secure];

    /// <summary>Where any past may be replayed, an id is remembered for the table's life.</summary>
    public DedupRetention Retention => Log.MaxPast is null ? DedupRetention.Forever : DedupRetention.Days7;

    /// <summary>
    /// Decodes every record of the batch. `decoded` gets a row number or -1 for each, `ids` the ids of decoded rows, in
    /// order; rejected ones go to the cut's rejected rows. Returns the number of decoded rows.
    /// </summary>
    public int Decode(EventDecoder decoder, in TopicBatch batch, (EventId[] Ids, int[] Decoded) into,
        CutRejections rejections)
    {
        decoder.Begin(_batch, batch);
        int ok = 0;
        int at = 0;
        for (int i = 0; i < batch.Count; i++)
        {
            ReadOnlySpan<byte> record = batch.Body.Slice(at, batch.Lengths[i]);
            at += batch.Lengths[i];
            if (decoder.TryDecode(batch, i, record, out Rejection rejection))
            {
                int row = _batch.RowCount - 1;
                into.Decoded[i] = row;
                into.Ids[ok++] = _batch.Ids[row];
            }
            else
            {
                into.Decoded[i] = -1;
                rejections.Add(batch, i, record, rejection);
            }
        }

        return ok;
    }

    /// <summary>Rows become live in ascending order.</summary>
    public void MakeLive(int row)
    {
        _fields.Live.Add(row);
        _raw.Live.Add(row);
        ReadOnlySpan<int> secureRows = _batch.SecureRows;
        while (_nextSecure < secureRows.Length && secureRows[_nextSecure] < row)
        {
            _nextSecure++;
        }

        if (_nextSecure < secureRows.Length && secureRows[_nextSecure] == row)
        {
            Invariant.Hold(_secure is not null);
            _secure.Live.Add(_nextSecure++);
        }
    }

    /// <summary>
    /// How far the sender's clock is from ours, in seconds, where it lies: its event is out of bounds, or was repaired
    /// by
    /// more than a minute. Positive: its clock is ahead.
    /// </summary>
    public bool TryFindSkew(int row, long receivedMicroseconds, out long skewSeconds)
    {
        ColumnVector[] columns = _batch.Fields.Columns;
        int source = columns[TimeSourceColumn].StringAt(row).Length;
        long claimed = IsOutOfBounds(row)
            ? columns[CreatedColumn].ValueAt<long>(row)
            : source == TimeSource.Repaired.Utf8().Length && !columns[SentColumn].IsNull(row)
                ? columns[SentColumn].ValueAt<long>(row)
                : receivedMicroseconds;
        skewSeconds = (claimed - receivedMicroseconds) / 1_000_000;
        return skewSeconds is > 60 or < -60;
    }

    /// <summary>The event's own time was beyond the log's bounds; it has that of its receipt.</summary>
    public bool IsOutOfBounds(int row) =>
        _batch.Fields.Columns[TimeSourceColumn].StringAt(row).Length == TimeSource.OutOfBounds.Utf8().Length;

    public bool IsLate(int row, long receivedMicroseconds) =>
        receivedMicroseconds - _batch.EventTimes[row] > Log.LateAfter.Ticks / TimeSpan.TicksPerMicrosecond;
}

/// <summary>Takes the rejections of one log's batches into a cut.</summary>
internal readonly struct CutRejections(Cut cut, LogDefinition log, StreamCounters.LogCounters counters)
{
    public void Add(in TopicBatch batch, int position, ReadOnlySpan<byte> record, in Rejection rejection)
    {
        RecordOrigin? origin = batch.Origins.IsEmpty ? null : batch.Origins[position];
        cut.Stream.AddRejected(new RejectedEvent
        {
            Partition = batch.Partition,
            Offset = batch.BaseOffset + position,
            Id = rejection.Id == default ? null : rejection.Id,
            Log = log.FullName,
            LogVersion = batch.Header.LogVersion,
            ReceivedMicroseconds = origin?.ReceivedMicroseconds ?? batch.Header.ReceivedMicroseconds,
            Sender = batch.Sender,
            Reason = rejection.Reason,
            Path = rejection.Path,
            Message = rejection.Message,
            Bytes = record,
            Origin = origin,
        });
        counters.AddRejected(rejection.Reason, 1);
    }
}
