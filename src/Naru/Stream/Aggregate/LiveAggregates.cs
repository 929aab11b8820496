using System.Collections.Immutable;
using Naru.Core.Windows;
using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Reads the layers of running aggregates under their gates, from any thread. The stream publishes what runs after each
/// change; between an engine that failed and the next one the last statuses stand, without rows.
/// </summary>
internal sealed class LiveAggregates : ILiveAggregates
{
    private ImmutableArray<RunningAggregate> _running = [];

    /// <summary>By the stream, when what runs has changed.</summary>
    public void Publish(ImmutableArray<RunningAggregate> running) =>
        ImmutableInterlocked.InterlockedExchange(ref _running, running);

    public ImmutableArray<LiveStatus> List() =>
        [.. _running.Select(StatusOf).OfType<LiveStatus>()];

    public ValueTask<LiveRows?> ReadAsync(LiveRead read, CancellationToken cancellationToken)
    {
        foreach (RunningAggregate running in _running)
        {
            if (running.Plan.Name == read.Name)
            {
                return ValueTask.FromResult(Read(running, read));
            }
        }

        return ValueTask.FromResult<LiveRows?>(null);
    }

    /// <summary>Null when its layers are given back.</summary>
    public static LiveStatus? StatusOf(RunningAggregate running)
    {
        lock (running.Gate)
        {
            return running.IsFreed ? null : StatusUnderGate(running);
        }
    }

    private static LiveStatus StatusUnderGate(RunningAggregate running)
    {
        long groups = 0;
        long bytes = 0;
        foreach (AggregateState layer in running.Layers())
        {
            groups += layer.Groups;
            bytes += layer.MemoryBytes;
        }

        long open = running.Windows is { } windows
            ? running.HeldWindows().Count(window => windows.EndOf(window) > running.NextWatermark)
            : groups;
        return new LiveStatus
        {
            Plan = running.Plan,
            Watermark = running.NextWatermark,
            AsOf = running.TakenAt,
            IsBuilding = running.BuildingTo is not null || running.Failure is not null,
            OpenWindows = open,
            Groups = groups,
            StateBytes = bytes,
            LateEvents = running.Late,
            Revisions = running.Revisions,
        };
    }

    private static LiveRows? Read(RunningAggregate running, LiveRead read)
    {
        lock (running.Gate)
        {
            if (running.IsFreed)
            {
                return null;
            }

            using OutputRows output = new(running.Plan, running.Zone);
            ImmutableArray<LiveBlock> blocks = running.Windows is null ? Sessions(running, read, output)
                : read.IsMerged ? Whole(running, read, output)
                : Windows(running, read, output);
            return new LiveRows
            {
                Status = StatusUnderGate(running),
                Blocks = blocks,
                Rows = output.TakeBase(),
            };
        }
    }

    private static ImmutableArray<LiveBlock> Windows(RunningAggregate running, LiveRead read, OutputRows output)
    {
        WindowAssigner windows = running.Windows!;
        ImmutableArray<LiveBlock>.Builder blocks = ImmutableArray.CreateBuilder<LiveBlock>();
        foreach (long window in running.HeldWindows())
        {
            long start = windows.StartOf(window);
            if (start < read.From || start >= read.To)
            {
                continue;
            }

            long end = windows.EndOf(window);
            bool isFinal = end <= running.NextWatermark;
            long version = running.VersionOf(window);
            int first = output.Count;
            if (!read.Held.TryGetValue(start, out long held) || held != version)
            {
                GroupTable merged = running.Merged(window);
                output.Add(start, end, merged);
                merged.Free();
            }

            blocks.Add(new LiveBlock(start, version, first, output.Count - first, isFinal, 0));
        }

        return blocks.ToImmutable();
    }

    /// <summary>One row per key over all windows of the range.</summary>
    private static ImmutableArray<LiveBlock> Whole(RunningAggregate running, LiveRead read, OutputRows output)
    {
        WindowAssigner windows = running.Windows!;
        GroupTable merged = new(running.Plan);
        long first = long.MaxValue;
        long end = long.MinValue;
        long version = 0;
        foreach (long window in running.HeldWindows())
        {
            long start = windows.StartOf(window);
            if (start >= read.From && start < read.To)
            {
                foreach (AggregateState layer in running.Layers())
                {
                    if (layer.Find(window) is { } table)
                    {
                        merged.Merge(table);
                    }
                }

                first = Math.Min(first, start);
                end = Math.Max(end, windows.EndOf(window));
                version += running.VersionOf(window);
            }
        }

        if (merged.Count > 0)
        {
            output.Add(first, end, merged);
        }

        merged.Free();
        return output.Count == 0 ? []
            : [new LiveBlock(first, version, 0, output.Count, end <= running.NextWatermark, 0)];
    }

    private static ImmutableArray<LiveBlock> Sessions(RunningAggregate running, LiveRead read, OutputRows output)
    {
        // A block of closed ones and a block of open ones: they change together.
        SessionTable merged = running.MergedSessions();
        ImmutableArray<LiveBlock>.Builder blocks = ImmutableArray.CreateBuilder<LiveBlock>();
        foreach (bool isFinal in (ReadOnlySpan<bool>)[true, false])
        {
            long id = isFinal ? 0 : 1;
            int first = output.Count;
            if (!read.Held.TryGetValue(id, out long held) || held != running.Changes)
            {
                for (int session = 0; session < merged.NumberEnd; session++)
                {
                    if (merged.IsLive(session) && merged.FirstAt(session) >= read.From
                        && merged.FirstAt(session) < read.To
                        && merged.EndAt(session) <= running.NextWatermark == isFinal)
                    {
                        output.Add(
                            merged.FirstAt(session),
                            merged.EndAt(session),
                            merged.KeyOf(session),
                            (merged.Accumulators, session));
                    }
                }
            }

            blocks.Add(new LiveBlock(id, running.Changes, first, output.Count - first, isFinal, 0));
        }

        merged.Free();
        return blocks.ToImmutable();
    }
}
