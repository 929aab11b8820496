using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Schedules;
using Naru.Ledger;
using Naru.Models;
using Naru.Watch;

namespace Naru.Server;

/// <summary>What is told of things that are done by intervals: what failed for good, what is late, what warned.
/// </summary>
internal sealed class ScheduleAlarms(
    ScheduledThings things, IntervalLedger ledger, InputBook inputs, IntervalCalendar calendar) : IAlarmSource
{
    /// <summary>What was late longer ago than this is a matter of `naru plan`.</summary>
    private static readonly TimeSpan Lateness = TimeSpan.FromDays(31);

    public IEnumerable<Alarm> Read(DateTimeOffset now)
    {
        long time = (now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        foreach (IScheduled thing in things.All)
        {
            IReadOnlyList<LedgerEntry> entries = ledger.Of(thing.Thing, thing.Every);
            foreach ((string what, string text) in
                ((string, string)[])[
                    ("failed", Failed(thing, entries)), ("late", Late(thing, time)), ("warned", Warned(entries))])
            {
                if (text.Length > 0)
                {
                    yield return new Alarm($"{thing.Thing.Replace('/', ' ')} {what}", text, thing.Owner);
                }
            }
        }
    }

    /// <summary>What the schedule tries no more.</summary>
    private string Failed(IScheduled thing, IReadOnlyList<LedgerEntry> entries)
    {
        LedgerEntry[] failed =
        [
            .. entries.Where(entry => entry.Record is { State: FillState.Failed } record
                && (record.Held is not null || record.Failures > thing.Rules.Retries)),
        ];
        return failed.Length == 0 ? "" : $"{Names(failed.Length, failed[^1].Interval)}: {failed[^1].Record.Why}";
    }

    private string Late(IScheduled thing, long now)
    {
        if (thing.Rules.Sla is not { } sla || inputs.StartOf(thing) is not { } start)
        {
            return "";
        }

        long from = Math.Max(start, now - (Lateness.Ticks / TimeSpan.TicksPerMicrosecond));
        Interval[] late =
        [
            .. calendar.Between(thing.Every, from, now).Where(interval =>
                interval.End <= now && sla.Of(interval, calendar.Zone) <= now
                && ledger.Find(thing.Thing, interval)?.Record.Filled is null),
        ];

        // Where only the newest is done by itself, nobody waits for the others.
        if (thing.IsWhole || thing.Rules.LatestOnly)
        {
            late = [.. late.TakeLast(1).Where(interval => calendar.Next(calendar.Next(interval)).First > now)];
        }

        return late.Length == 0 ? ""
            : $"{Names(late.Length, late[^1])} should have been done by "
                + calendar.TimeOf(sla.Of(late[^1], calendar.Zone));
    }

    /// <summary>Of the interval that was done last: a good one after it ends the alarm.</summary>
    private string Warned(IReadOnlyList<LedgerEntry> entries)
    {
        LedgerEntry? last = entries.Where(static entry => entry.Record.State == FillState.Done)
            .MaxBy(static entry => entry.Record.EndedAt);
        return last?.Record.Warnings is { } warnings ? $"{calendar.Name(last.Interval)}: {warnings}" : "";
    }

    private string Names(int count, Interval last) => count == 1
        ? calendar.Name(last)
        : string.Create(CultureInfo.InvariantCulture, $"{count} intervals, the last {calendar.Name(last)}");
}
