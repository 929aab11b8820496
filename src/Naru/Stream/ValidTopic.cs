using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Stream.Landing;

namespace Naru.Stream;

/// <summary>
/// The readable topic `valid`: the events that landed, in offset order, with the offsets of `events`. Not a second
/// copy: the topic's segments beside the verdicts of the landings. A reader never passes the last landing.
/// </summary>
internal sealed class ValidTopic(ITopicLog events, IFileSystem files, string landingsDirectory)
{
    /// <summary>
    /// Takes one landed record; its memory is valid only during the call. False ends the read after it.
    /// </summary>
    public delegate bool Take(in TopicBatch batch, int position, ReadOnlySpan<byte> record);

    /// <summary>
    /// Gives every landed record of the partition from <paramref name="offset"/> on, until <paramref name="take"/>
    /// returns false or the last landing's end. Returns the offset to go on from.
    /// </summary>
    public long Read(int partition, long offset, Take take) => Read(partition, offset, 1, take);

    /// <summary>As above, when the offset is known to lie in no landing before <paramref name="landing"/>.</summary>
    public long Read(int partition, long offset, long landing, Take take)
    {
        long next = offset;
        foreach (LandingRecord record in LandingLog.Read(files, landingsDirectory, landing, long.MaxValue))
        {
            PartitionLanding range = record.Partitions[partition];
            if (record.Incarnation != events.Incarnation || range.To <= next)
            {
                continue;
            }

            RecordOutcome[] outcomes = new RecordOutcome[range.To - range.From];
            OutcomeRuns.Expand(range.Outcomes, range.From, range.From, outcomes);
            Reader reader = new(range, outcomes, take, Math.Max(next, range.From));
            events.Read(partition, reader.Next, ref reader);
            next = reader.Next;
            if (reader.Ended)
            {
                break;
            }
        }

        return next;
    }

    /// <summary>
    /// A landing before which no record at or behind these offsets (one a partition) lies: of the files of landings,
    /// the last whose first landing begins before all of them.
    /// </summary>
    public long LandingBefore(ReadOnlySpan<long> offsets)
    {
        foreach (long first in LandingLog.FirstNumbersOf(files, landingsDirectory).Reverse())
        {
            LandingRecord? record = LandingLog.Read(files, landingsDirectory, first, first).FirstOrDefault();
            bool before = record is not null && record.Incarnation == events.Incarnation;
            foreach (PartitionLanding range in record?.Partitions ?? [])
            {
                before &= range.From <= offsets[range.Partition];
            }

            if (before)
            {
                return first;
            }
        }

        return 1;
    }

    private struct Reader(PartitionLanding range, RecordOutcome[] outcomes, Take take, long from) : IBatchSink
    {
        public long Next { get; private set; } = from;

        public bool Ended { get; private set; }

        bool IBatchSink.Take(in TopicBatch batch)
        {
            int at = 0;
            for (int i = 0; i < batch.Count; i++)
            {
                long offset = batch.BaseOffset + i;
                ReadOnlySpan<byte> record = batch.Body.Slice(at, batch.Lengths[i]);
                at += batch.Lengths[i];
                if (offset < Next)
                {
                    continue;
                }

                // Landings end at batch ends, so a batch belongs to one landing whole.
                Invariant.Hold(offset < range.To);
                Next = offset + 1;
                if (outcomes[offset - range.From] == RecordOutcome.Landed && !take(batch, i, record))
                {
                    Ended = true;
                    return false;
                }
            }

            return Next < range.To;
        }
    }
}
