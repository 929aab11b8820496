using System.Globalization;
using System.Text;
using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Windows;

namespace Naru.Stream.Batch;

/// <summary>
/// Windows that begin in [First, End), in the unit of a <see cref="BatchWindows"/>: computed together.
/// </summary>
internal readonly record struct BatchPass(long First, long End);

/// <summary>
/// A window specification as arithmetic in SQL. Windows are named by their starts in a unit: Unix microseconds, or days
/// since 1970-01-01 where sizes are days of the calendar. Written apart from the stream's assigner on purpose: what
/// both agree on was thought twice.
/// </summary>
internal sealed class BatchWindows
{
    private const long SecondMicroseconds = 1_000_000;

    private readonly ProjectZone _zone;
    private readonly long _standardOffset;

    public BatchWindows(WindowSpec spec, ProjectZone zone)
    {
        Invariant.Hold(spec.Size > 0 && (spec.Slide > 0) == (spec.Kind != WindowKind.Session));
        Spec = spec;
        _zone = zone;
        _standardOffset = zone.Zone.BaseUtcOffset.Ticks / TimeSpan.TicksPerMicrosecond;
    }

    public WindowSpec Spec { get; }

    public bool IsSession => Spec.Kind == WindowKind.Session;

    /// <summary>First instant of a window, in Unix microseconds.</summary>
    public long StartOf(long window) =>
        Spec.IsDays ? _zone.ToUtc(window * ProjectZone.DayMicroseconds) : window;

    /// <summary>First instant after a window; not of sessions, whose ends their events make.</summary>
    public long EndOf(long window) => StartOf(window + Spec.Size);

    /// <summary>
    /// Cuts the windows whose starts are in [from, to) into passes of about a length, in order; none is empty.
    /// </summary>
    public IEnumerable<BatchPass> Passes(long from, long to, TimeSpan length)
    {
        if (IsSession)
        {
            long span = length.Ticks / TimeSpan.TicksPerMicrosecond;
            for (long first = from; first < to; first += span)
            {
                yield return new BatchPass(first, Math.Min(first + span, to));
            }

            yield break;
        }

        long unit = Spec.IsDays ? ProjectZone.DayMicroseconds : 1;
        long wanted = Math.Max(Spec.Size, length.Ticks / TimeSpan.TicksPerMicrosecond / unit);
        long step = Spec.Slide * Math.Max(1, wanted / Spec.Slide);
        long end = FirstAtOrAfter(to);
        for (long first = FirstAtOrAfter(from); first < end; first += step)
        {
            yield return new BatchPass(first, Math.Min(first + step, end));
        }
    }

    /// <summary>Event times that windows of a pass may hold, in Unix microseconds, half open.</summary>
    public (long From, long To) EventsOf(BatchPass pass) =>
        IsSession ? (pass.First - Spec.Size, pass.End + Spec.Size) : (StartOf(pass.First), EndOf(pass.End));

    /// <summary>
    /// The windows that an event is in, as SQL over its time `t` in Unix microseconds: one row a window.
    /// </summary>
    /// <param name="from">No event is before it.</param>
    /// <param name="to">No event is at or after it.</param>
    public string Sql(long from, long to)
    {
        string time = Spec.IsDays ? Day("t", from, to) : "t";
        string aligned = Spec.IsDays || _standardOffset == 0 ? time : Text($"({time} + {_standardOffset})");
        string last = Text($"{time} - {FloorModulo(aligned, Spec.Slide)}");

        // Windows that begin at the last start, and each slide earlier while they still reach the event.
        return Spec.Kind == WindowKind.Hop
            ? Text($"unnest(range({last}, {time} - {Spec.Size}, -{Spec.Slide}))")
            : last;
    }

    /// <summary>The day that the project's clock shows, as SQL over a time in Unix microseconds.</summary>
    public string Day(string time, long from, long to)
    {
        string local = Text($"({time} + {OffsetSql(time, from, to)})");
        string midnight = Text($"{local} - {FloorModulo(local, ProjectZone.DayMicroseconds)}");
        return Text($"(({midnight}) // {ProjectZone.DayMicroseconds})");
    }

    /// <summary>The hour that the project's clock shows, likewise.</summary>
    public string Hour(string time, long from, long to)
    {
        string rest = FloorModulo(Text($"({time} + {OffsetSql(time, from, to)})"), ProjectZone.DayMicroseconds);
        return Text($"({rest} // {ProjectZone.HourMicroseconds})");
    }

    /// <summary>How far the zone's clock is ahead: a constant, or one for each stretch between its changes.</summary>
    private string OffsetSql(string time, long from, long to)
    {
        long at = Math.Max(from, ProjectZone.FirstMicroseconds);
        long end = Math.Min(to, ProjectZone.LastMicroseconds);
        long offset = _zone.OffsetAt(at);
        StringBuilder sql = new("CASE");
        while (at < end)
        {
            long next = Math.Min(at + ProjectZone.DayMicroseconds, end);
            if (_zone.OffsetAt(next) != offset)
            {
                next = FirstWithout(offset, at, next);
                sql.Append(CultureInfo.InvariantCulture, $" WHEN {time} < {next} THEN {offset}");
                offset = _zone.OffsetAt(next);
            }

            at = next;
        }

        return sql.Length == "CASE".Length ? Text($"{offset}") : sql.Append(Text($" ELSE {offset} END")).ToString();
    }

    /// <summary>Zones change at whole seconds.</summary>
    private long FirstWithout(long offset, long before, long after)
    {
        while (after - before > 1)
        {
            long middle = before + ((after - before) / 2);
            (before, after) = _zone.OffsetAt(middle) == offset ? (middle, after) : (before, middle);
        }

        Invariant.Hold(after % SecondMicroseconds == 0);
        return after;
    }

    /// <summary>The first window that begins at an instant or later.</summary>
    private long FirstAtOrAfter(long instant)
    {
        if (!Spec.IsDays)
        {
            return instant + Modulo(-(instant + _standardOffset), Spec.Slide);
        }

        long day = _zone.DayAt(instant, out _);
        long window = day - Modulo(day, Spec.Slide);
        while (StartOf(window) < instant)
        {
            window += Spec.Slide;
        }

        return window;
    }

    private static long Modulo(long value, long by) => ((value % by) + by) % by;

    private static string FloorModulo(string value, long by) => Text($"((({value}) % {by} + {by}) % {by})");

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
