using System.Buffers;
using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Stream.Decode;

namespace Naru.Stream;

/// <summary>Decode, validate and deduplicate: one batch at a time, in offset order.</summary>
internal sealed partial class StreamEngine
{
    private void Take(in TopicBatch batch)
    {
        if (_active.Empty)
        {
            _active.StartedAt = _context.Clock.GetTimestamp();
        }

        _active.Advance(batch);
        Aggregates.See(batch);
        if ((batch.Header.Flags & BatchFlags.Rejected) != 0)
        {
            TakeRejected(batch);
        }
        else
        {
            TakeEvents(batch);
        }
    }

    /// <summary>Found broken at receipt: kept, never judged again.</summary>
    private void TakeRejected(in TopicBatch batch)
    {
        BatchHeader header = batch.Header;
        string? log =
            _context.Definitions.Current.TryGetVersion(header.LogId, header.LogVersion, out LogDefinition? known)
            ? known.FullName
            : null;
        (string? path, string message) = BatchMessage.Split(System.Text.Encoding.UTF8.GetString(batch.Message));
        int at = 0;
        for (int i = 0; i < batch.Count; i++)
        {
            _active.Stream.AddRejected(new RejectedEvent
            {
                Partition = batch.Partition,
                Offset = batch.BaseOffset + i,
                Log = log,
                LogVersion = header.LogVersion,
                ReceivedMicroseconds = header.ReceivedMicroseconds,
                Sender = batch.Sender,
                Reason = header.Reason,
                Path = path,
                Message = message,
                Bytes = batch.Body.Slice(at, batch.Lengths[i]),
            });
            at += batch.Lengths[i];
        }

        _active.AddOutcome(batch.Partition, RecordOutcome.Rejected, batch.Count);
        _context.Counters.Of(log ?? VolumeCounts.NoLog).AddRejected(header.Reason, batch.Count);
        Count(batch, log ?? VolumeCounts.NoLog, new VolumeCounts.Counts { Rejected = batch.Count });
    }

    private void Count(in TopicBatch batch, string log, VolumeCounts.Counts counts)
    {
        bool replay = (batch.Header.Flags & BatchFlags.Replay) != 0;
        counts.Replayed = replay ? batch.Count : 0;
        counts.Received = replay ? 0 : batch.Count;
        Invariant.Hold(batch.Count == counts.Landed + counts.Duplicate + counts.Rejected);
        _active.Volume(log, batch.Header.ReceivedMicroseconds).Add(counts);
        _context.Counters.Add(log, batch, counts);
    }

    private void TakeEvents(in TopicBatch batch)
    {
        LogDefinition log = _context.Definitions.Current.Version(batch.Header.LogId, batch.Header.LogVersion);
        LogRows rows = _active.RowsOf(log, CreateBatch);
        int count = batch.Count;
        EventId[] ids = ArrayPool<EventId>.Shared.Rent(count);
        int[] decoded = ArrayPool<int>.Shared.Rent(count);
        bool[] known = ArrayPool<bool>.Shared.Rent(count);
        try
        {
            CutRejections rejections = new(_active, log, _context.Counters.Of(log.FullName));
            int ok = rows.Decode(_decoder, batch, (ids, decoded), rejections);
            _context.Dedup.Probe(ids.AsSpan(0, ok), known.AsSpan(0, ok));
            Judge(batch, rows, (ids, decoded, known));
        }
        finally
        {
            ArrayPool<EventId>.Shared.Return(ids);
            ArrayPool<int>.Shared.Return(decoded);
            ArrayPool<bool>.Shared.Return(known);
        }
    }

    /// <summary>Walks the batch in offset order: `decoded` holds -1 for a rejected record, else its row.</summary>
    private void Judge(in TopicBatch batch, LogRows rows, (EventId[] Ids, int[] Decoded, bool[] Known) judged)
    {
        VolumeCounts.Counts counts = default;
        bool replay = (batch.Header.Flags & BatchFlags.Replay) != 0;
        int next = 0;
        for (int i = 0; i < batch.Count; i++)
        {
            RecordOutcome outcome = RecordOutcome.Rejected;
            if (judged.Decoded[i] >= 0)
            {
                EventId id = judged.Ids[next];
                outcome = judged.Known[next] || !_pending.TryAdd(id) ? RecordOutcome.Duplicate : RecordOutcome.Landed;
                next++;
                if (outcome == RecordOutcome.Landed)
                {
                    rows.MakeLive(judged.Decoded[i]);
                    _active.AddLandedId(id, rows.Retention);
                    if (rows.TryFindSkew(judged.Decoded[i], batch.Header.ReceivedMicroseconds, out long skewSeconds))
                    {
                        _active.Suspects.Add(rows.Log.FullName, batch, skewSeconds);
                    }

                    counts.Late += rows.IsLate(judged.Decoded[i], batch.Header.ReceivedMicroseconds) ? 1 : 0;
                }
            }

            counts.Add(outcome);
            _active.AddOutcome(batch.Partition, outcome);
            if (replay)
            {
                _active.Stream.AddReplay(
                    (batch.Partition, batch.BaseOffset + i),
                    batch.Origins[i],
                    outcome,
                    batch.Header.ReceivedMicroseconds);
            }
        }

        Count(batch, rows.Log.FullName, counts);
    }

    private LogBatch CreateBatch(LogDefinition log)
    {
        if (!_plans.TryGetValue((log.Id, log.Version), out DecodePlan? plan))
        {
            plan = DecodePlan.Compile(log, _context.Definitions.Current.TimeZone);
            _plans.Add((log.Id, log.Version), plan);
        }

        return new LogBatch(plan);
    }

    /// <summary>Gives whole batches to the engine until its share of bytes is used up.</summary>
    private struct BatchReader(StreamEngine engine, long bytesLeft) : IBatchSink
    {
        public bool Take(in TopicBatch batch)
        {
            engine.Take(batch);
            bytesLeft -= batch.Body.Length;
            return bytesLeft > 0;
        }
    }
}
