using System.Collections.Immutable;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Stream.Decode;

namespace Naru.Stream.Impact;

/// <summary>
/// Tries a definition on the events that the topic still holds: decodes each under the new definition and under the
/// version that it came with. Reads only; runs beside the stream and takes nothing from it but time.
/// </summary>
internal sealed class TopicImpactTest(ITopicLog topic, IDefinitionSource definitions) : IImpactTest
{
    /// <summary>Records that are read of a partition at most, of all logs: the newest.</summary>
    private const long RecordsMax = 4_000_000;

    private const int ExamplesMax = 3;

    public ValueTask<ImpactReport> RunAsync(
        LogDefinition next, DateTimeOffset since, CancellationToken cancellationToken) =>
        new(Task.Run(() => Run(next, since, cancellationToken), cancellationToken));

    private ImpactReport Run(LogDefinition next, DateTimeOffset since, CancellationToken cancellationToken)
    {
        Tally tally = new(next, definitions.Current);
        bool complete = true;
        for (int partition = 0; partition < topic.PartitionCount; partition++)
        {
            PartitionOffsets offsets = topic.Offsets(partition);
            long asked = topic.OffsetAt(partition, since.ToUnixTimeMilliseconds() * 1000);
            long first = Math.Max(Math.Max(asked, offsets.First), offsets.Durable - RecordsMax);
            complete &= first <= Math.Max(asked, offsets.First);
            if (first < offsets.Durable)
            {
                Sink sink = new(tally, cancellationToken);
                topic.Read(partition, first, ref sink);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }

        return tally.Report(complete);
    }

    private readonly struct Sink(Tally tally, CancellationToken cancellationToken) : IBatchSink
    {
        public bool Take(in TopicBatch batch)
        {
            // Replays are events that were counted when they came first.
            const BatchFlags Skipped = BatchFlags.Rejected | BatchFlags.Replay;
            if (batch.Header.LogId == tally.LogId && (batch.Header.Flags & Skipped) == 0)
            {
                tally.Add(batch);
            }

            return !cancellationToken.IsCancellationRequested;
        }
    }

    private sealed class Tally(LogDefinition next, DefinitionSet published)
    {
        private readonly EventDecoder _decoder = new();
        private readonly EventDecoder _decoderNow = new();
        private readonly DecodePlan _next = DecodePlan.Compile(next, published.TimeZone);
        private readonly Dictionary<int, DecodePlan> _plans = [];
        private readonly Dictionary<(RejectReason Reason, string Path), Found> _found = [];
        private long _events;
        private long _rejected;
        private long _rejectedNow;

        public int LogId => next.Id;

        public void Add(in TopicBatch batch)
        {
            DecodePlan now = PlanOf(batch.Header.LogVersion);
            int at = 0;
            foreach (int length in batch.Lengths)
            {
                ReadOnlySpan<byte> record = batch.Body.Slice(at, length);
                at += length;
                _events++;
                _rejectedNow += _decoderNow.TryCheck(now, record, out _) ? 0 : 1;
                if (!_decoder.TryCheck(_next, record, out Rejection rejection))
                {
                    _rejected++;
                    Add(rejection);
                }
            }
        }

        public ImpactReport Report(bool complete) => new(
            _events,
            _rejected,
            _rejectedNow,
            complete,
            [
                .. _found.OrderByDescending(static pair => pair.Value.Count)
                    .ThenBy(static pair => pair.Key.Reason)
                    .ThenBy(static pair => pair.Key.Path, StringComparer.Ordinal)
                    .Select(static pair => new ImpactReason(
                        pair.Key.Reason, pair.Key.Path, pair.Value.Count, [.. pair.Value.Examples])),
            ]);

        private void Add(in Rejection rejection)
        {
            // An index within an array is not another reason: tags[2] counts with tags[0].
            int index = rejection.Path.IndexOf('[', StringComparison.Ordinal);
            string path = index > 0 ? rejection.Path[..index] : rejection.Path;
            if (!_found.TryGetValue((rejection.Reason, path), out Found? found))
            {
                found = new Found();
                _found.Add((rejection.Reason, path), found);
            }

            found.Count++;
            if (found.Examples.Count < ExamplesMax)
            {
                found.Examples.Add(rejection.Message);
            }
        }

        private DecodePlan PlanOf(int version)
        {
            if (!_plans.TryGetValue(version, out DecodePlan? plan))
            {
                plan = DecodePlan.Compile(published.Version(next.Id, version), published.TimeZone);
                _plans.Add(version, plan);
            }

            return plan;
        }
    }

    private sealed class Found
    {
        public long Count { get; set; }

        public SortedSet<string> Examples { get; } = new(StringComparer.Ordinal);
    }
}
