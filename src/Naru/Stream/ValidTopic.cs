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
    public long Read(int partition, long offset, Take take)
    {
        long next = offset;
        foreach (LandingRecord landing in LandingLog.Read(files, landingsDirectory, 1, long.MaxValue))
        {
            PartitionLanding range = landing.Partitions[partition];
            if (landing.Incarnation != events.Incarnation || range.To <= next)
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
