using System.Collections.Immutable;
using Naru.Core.Windows;

namespace Naru.Stream.Aggregate;

/// <summary>
/// What a reader takes along from under <see cref="RunningAggregate.Gate"/>: which windows there are, and the layers
/// with a copy of the active one, for that alone goes on changing while the reader holds
/// <see cref="RunningAggregate.LandedGate"/>. The copy is as small as what came since the last cut.
/// </summary>
internal sealed class LiveSnapshot : IDisposable
{
    private readonly AggregateState _copy;

    private LiveSnapshot(RunningAggregate running, LiveRead read)
    {
        Status = running.Status();
        Changes = running.Changes;
        Revisions = running.WindowRevisions;
        Windows = running.Windows is { } windows ? WindowsOf(running, windows, read) : [];
        _copy = CopyOf(running);
        Layers = new AggregateLayers(
            [.. running.Layers().Each.Select(layer => layer == running.Active ? _copy : layer)]);
    }

    public LiveStatus Status { get; }

    public long Changes { get; }

    public ImmutableDictionary<long, int> Revisions { get; }

    /// <summary>The windows of the range that was asked for, ascending; none of sessions.</summary>
    public ImmutableArray<LiveWindow> Windows { get; }

    public AggregateLayers Layers { get; }

    /// <summary>Null when the layers are given back. Made, read and disposed under the landed gate.</summary>
    public static LiveSnapshot? Of(RunningAggregate running, LiveRead read)
    {
        lock (running.Gate)
        {
            return running.IsFreed ? null : new LiveSnapshot(running, read);
        }
    }

    public void Dispose() => _copy.Free();

    private static ImmutableArray<LiveWindow> WindowsOf(
        RunningAggregate running, WindowAssigner windows, LiveRead read)
    {
        ImmutableArray<LiveWindow>.Builder chosen = ImmutableArray.CreateBuilder<LiveWindow>();
        foreach (long window in running.Layers().WindowsHeld(windows))
        {
            long start = windows.StartOf(window);
            if (start >= read.From && start < read.To)
            {
                long version = running.VersionOf(window);
                bool isHeld = read.Held.TryGetValue(start, out long held) && held == version;
                chosen.Add(new LiveWindow(window, start, windows.EndOf(window), version, isHeld));
            }
        }

        return chosen.DrainToImmutable();
    }

    /// <summary>Panes of the active layer that some window needs of which rows are made.</summary>
    private AggregateState CopyOf(RunningAggregate running)
    {
        AggregateState copy = running.NewLayer();
        if (running.Active.Sessions is { } sessions)
        {
            copy.Sessions!.Merge(sessions, long.MinValue, removed: null);
        }

        foreach (long pane in running.Active.Panes)
        {
            if (Windows.Any(window => !window.IsHeld && pane >= window.Ordinal
                && pane < window.Ordinal + running.Windows!.PanesPerWindow))
            {
                running.Active.AddTo(copy.Pane(pane), pane);
            }
        }

        return copy;
    }
}

/// <param name="Ordinal">Its number among the panes.</param>
/// <param name="Start">Unix microseconds.</param>
/// <param name="End">Unix microseconds.</param>
/// <param name="Version">Another number whenever its rows may be others.</param>
/// <param name="IsHeld">The reader has its rows.</param>
internal readonly record struct LiveWindow(long Ordinal, long Start, long End, long Version, bool IsHeld);
