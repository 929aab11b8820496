using Naru.Core.Events;

namespace Naru.Core.Windows;

/// <summary>
/// Places event times in the panes and windows of a <see cref="WindowSpec"/>. Panes have ordinals that ascend with
/// time; a window is named by the ordinal of its first pane, is <see cref="PanesPerWindow"/> panes long, and windows
/// begin every <see cref="PanesPerSlide"/> panes. Immutable; not for sessions.
/// </summary>
public sealed class WindowAssigner
{
    private readonly ProjectZone _zone;
    private readonly long _offset;

    public WindowAssigner(WindowSpec spec, ProjectZone zone)
    {
        Invariant.Hold(spec.Kind != WindowKind.Session && spec.Pane > 0);
        Invariant.Hold(spec.Slide > 0 && spec.Size % spec.Pane == 0 && spec.Slide % spec.Pane == 0);
        Spec = spec;
        _zone = zone;
        _offset = StandardOffset(zone);
        PanesPerWindow = spec.Size / spec.Pane;
        PanesPerSlide = spec.Slide / spec.Pane;
    }

    public WindowSpec Spec { get; }

    public long PanesPerWindow { get; }

    public long PanesPerSlide { get; }

    /// <summary>Microseconds that the zone's standard time is ahead of UTC: short windows align to it.</summary>
    public static long StandardOffset(ProjectZone zone) => zone.Zone.BaseUtcOffset.Ticks / 10;

    /// <summary>Ordinal of the pane that holds a time (Unix microseconds).</summary>
    public long PaneOf(long time) => Spec.IsDays
        ? FloorDivide(_zone.DayAt(time, out _), Spec.Pane)
        : FloorDivide(time + _offset, Spec.Pane);

    /// <summary>First instant of a pane in Unix microseconds; the end of the one before.</summary>
    public long StartOf(long pane) => Spec.IsDays
        ? _zone.ToUtc(pane * Spec.Pane * ProjectZone.DayMicroseconds)
        : (pane * Spec.Pane) - _offset;

    /// <summary>First instant after a window that begins with this pane.</summary>
    public long EndOf(long window) => StartOf(window + PanesPerWindow);

    /// <summary>
    /// The first window that holds a pane; the others follow every slide, the last begins at or before it.
    /// </summary>
    public long FirstWindowOf(long pane)
    {
        // The least multiple of the slide that is greater than pane - PanesPerWindow.
        long after = pane - PanesPerWindow;
        return (FloorDivide(after, PanesPerSlide) + 1) * PanesPerSlide;
    }

    /// <summary>The last window that holds a pane; before <see cref="FirstWindowOf"/> when none does (gaps).</summary>
    public long LastWindowOf(long pane) => FloorDivide(pane, PanesPerSlide) * PanesPerSlide;

    private static long FloorDivide(long value, long by)
    {
        long quotient = Math.DivRem(value, by, out long rest);
        return rest < 0 ? quotient - 1 : quotient;
    }
}
