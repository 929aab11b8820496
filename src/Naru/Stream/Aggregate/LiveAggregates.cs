using System.Collections.Immutable;
using Naru.Core.Windows;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Reads the layers of running aggregates, from any thread. The stream publishes what runs after each change; between
/// an engine that failed and the next one the last statuses stand, without rows.
/// </summary>
internal sealed class LiveAggregates : ILiveAggregates
{
    private volatile PublishedAggregates _published = new([]);

    /// <summary>By the stream, when what runs has changed.</summary>
    public void Publish(ImmutableArray<RunningAggregate> running)
    {
        if (running != _published.Running)
        {
            _published = new PublishedAggregates(running);
        }
    }

    public ImmutableArray<LiveStatus> List() =>
        [.. _published.Running.Select(static running => running.Status())];

    public AggregateStanding? Standing(string name) =>
        _published.ByName.TryGetValue(name, out RunningAggregate? running) ? running.Standing() : null;

    public LiveHead? Find(string name) => _published.ByName.TryGetValue(name, out RunningAggregate? running)
        ? new LiveHead(running.Plan, running.NextWatermark)
        : null;

    public LiveRows? Read(LiveRead read) => _published.ByName.TryGetValue(read.Name, out RunningAggregate? running)
        ? Read(running, read)
        : null;

    private static LiveRows? Read(RunningAggregate running, LiveRead read)
    {
        using OutputRows output = new(running.Plan, running.Zone, isNumbered: false);
        lock (running.LandedGate)
        {
            using LiveSnapshot? snapshot = LiveSnapshot.Of(running, read);
            if (snapshot is null)
            {
                return null;
            }

            ImmutableArray<LiveBlock> blocks = running.Windows is null ? Sessions(running, snapshot, read, output)
                : read.IsMerged ? Whole(running, snapshot, output)
                : Windows(running, snapshot, output);
            return new LiveRows
            {
                Status = snapshot.Status,
                Blocks = blocks,
                Rows = output.TakeBase(),
                Revisions = snapshot.Revisions,
            };
        }
    }

    private static ImmutableArray<LiveBlock> Windows(
        RunningAggregate running, LiveSnapshot snapshot, OutputRows output)
    {
        ImmutableArray<LiveBlock>.Builder blocks = ImmutableArray.CreateBuilder<LiveBlock>();
        foreach (LiveWindow window in snapshot.Windows)
        {
            int first = output.Count;
            if (!window.IsHeld)
            {
                GroupTable merged = snapshot.Layers.Merged(running.Plan, running.Windows!, window.Ordinal);
                output.Add(window.Start, window.End, merged);
                merged.Free();
            }

            bool isFinal = window.End <= snapshot.Status.Watermark;
            blocks.Add(new LiveBlock(window.Start, window.Version, first, output.Count - first, isFinal));
        }

        return blocks.ToImmutable();
    }

    /// <summary>One row per key over all windows of the range.</summary>
    private static ImmutableArray<LiveBlock> Whole(
        RunningAggregate running, LiveSnapshot snapshot, OutputRows output)
    {
        GroupTable merged = new(running.Plan);
        long version = 0;
        foreach (LiveWindow window in snapshot.Windows)
        {
            snapshot.Layers.AddPane(window.Ordinal, merged);
            version += window.Version;
        }

        if (merged.Count > 0)
        {
            output.Add(snapshot.Windows[0].Start, snapshot.Windows[^1].End, merged);
        }

        merged.Free();
        if (output.Count == 0)
        {
            return [];
        }

        bool isFinal = snapshot.Windows[^1].End <= snapshot.Status.Watermark;
        return [new LiveBlock(snapshot.Windows[0].Start, version, 0, output.Count, isFinal)];
    }

    private static ImmutableArray<LiveBlock> Sessions(
        RunningAggregate running, LiveSnapshot snapshot, LiveRead read, OutputRows output)
    {
        // A block of closed ones and a block of open ones: they change together.
        ImmutableArray<LiveBlock>.Builder blocks = ImmutableArray.CreateBuilder<LiveBlock>();
        foreach (bool isFinal in (ReadOnlySpan<bool>)[true, false])
        {
            long id = isFinal ? 0 : 1;
            int first = output.Count;
            if (!read.Held.TryGetValue(id, out long held) || held != snapshot.Changes)
            {
                snapshot.Layers.VisitSessions(running.Plan, (table, session) =>
                {
                    if (table.FirstAt(session) >= read.From && table.FirstAt(session) < read.To
                        && table.EndAt(session) <= snapshot.Status.Watermark == isFinal)
                    {
                        output.Add(table, session);
                    }
                });
            }

            blocks.Add(new LiveBlock(id, snapshot.Changes, first, output.Count - first, isFinal));
        }

        return blocks.ToImmutable();
    }

    private sealed class PublishedAggregates(ImmutableArray<RunningAggregate> running)
    {
        public ImmutableArray<RunningAggregate> Running { get; } = running;

        public ImmutableDictionary<string, RunningAggregate> ByName { get; } =
            running.ToImmutableDictionary(static each => each.Plan.Name, StringComparer.Ordinal);
    }
}
