using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Naru.Core.Topics;
using Naru.Stream.Landing;

namespace Naru.Stream;

/// <summary>
/// Counts of one cut per (log, minute of receipt). Added to once a batch, as a batch has one log and one receipt.
/// </summary>
internal sealed class VolumeCounts
{
    public const string NoLog = "";

    private readonly Dictionary<(string Log, long Minute), Counts> _counts = [];

    public ref Counts At(string log, long receivedMicroseconds) =>
        ref CollectionsMarshal.GetValueRefOrAddDefault(
            _counts, (log, Math.DivRem(receivedMicroseconds, 60_000_000).Quotient), out _)!;

    public ImmutableArray<VolumeCount> ToImmutable() =>
    [
        .. _counts
            .OrderBy(static pair => pair.Key)
            .Select(static pair => new VolumeCount(
                pair.Key.Log,
                pair.Key.Minute,
                pair.Value.Received,
                pair.Value.Replayed,
                pair.Value.Landed,
                pair.Value.Duplicate,
                pair.Value.Rejected,
                pair.Value.Late)),
    ];

    internal struct Counts
    {
        public long Received;
        public long Replayed;
        public long Landed;
        public long Duplicate;
        public long Rejected;
        public long Late;

        public void Add(in Counts other)
        {
            Received += other.Received;
            Replayed += other.Replayed;
            Landed += other.Landed;
            Duplicate += other.Duplicate;
            Rejected += other.Rejected;
            Late += other.Late;
        }

        public void Add(RecordOutcome outcome)
        {
            switch (outcome)
            {
                case RecordOutcome.Landed:
                    Landed++;
                    break;
                case RecordOutcome.Duplicate:
                    Duplicate++;
                    break;
                default:
                    Rejected++;
                    break;
            }
        }
    }
}
