namespace Naru.Watch.Alerts;

/// <summary>
/// How an alert goes from ok over pending to firing and to resolved. Pure: an instance and a verdict in, the next
/// instance and what is to be told out. What fires is resolved only when it has not been so for a minute: no flapping.
/// </summary>
internal static class AlertMachine
{
    public static readonly TimeSpan ClearAfter = TimeSpan.FromMinutes(1);

    public static (AlertInstance Next, AlertNotice? Notice) Step(
        AlertDefinition alert, AlertInstance instance, Verdict verdict, DateTimeOffset now, TimeSpan? repeat)
    {
        AlertInstance seen = instance with { Seen = verdict.Seen };
        return (seen.State, verdict.Holds) switch
        {
            (AlertState.Firing, true) => GoesOn(alert, seen with { ClearSince = null }, now, repeat),
            (AlertState.Firing, false) => Clears(alert, seen, now),
            (AlertState.Pending, true) when now - seen.Since >= alert.For => Fires(alert, seen, now),
            (AlertState.Pending, true) => (seen, null),
            (_, true) when alert.For == TimeSpan.Zero => Fires(alert, seen, now),
            (_, true) => (seen with { State = AlertState.Pending, Since = now }, null),
            (AlertState.Pending, false) => (seen with { State = AlertState.Ok, Since = now }, null),
            _ => (seen, null),
        };
    }

    /// <summary>
    /// An alert that fired and is no longer defined, or concerns a log that is gone, is told to be over.
    /// </summary>
    public static AlertNotice? Dropped(AlertInstance instance, DateTimeOffset now) =>
        instance.State != AlertState.Firing
            ? null
            : new AlertNotice(
                instance.Alert, instance.Log, AlertState.Resolved, false, false, "no longer watched", "", now);

    private static (AlertInstance Next, AlertNotice? Notice) Fires(
        AlertDefinition alert, AlertInstance instance, DateTimeOffset now)
    {
        AlertInstance next = instance with
        {
            State = AlertState.Firing,
            Since = now,
            FiredAt = now,
            ResolvedAt = null,
            ClearSince = null,
            ToldAt = now,
        };
        return (next, Notice(alert, next, now, again: false));
    }

    private static (AlertInstance Next, AlertNotice? Notice) GoesOn(
        AlertDefinition alert, AlertInstance instance, DateTimeOffset now, TimeSpan? repeat)
    {
        if (repeat is null || now - (instance.ToldAt ?? instance.Since) < repeat)
        {
            return (instance, null);
        }

        return (instance with { ToldAt = now }, Notice(alert, instance, now, again: true));
    }

    private static (AlertInstance Next, AlertNotice? Notice) Clears(
        AlertDefinition alert, AlertInstance instance, DateTimeOffset now)
    {
        DateTimeOffset since = instance.ClearSince ?? now;
        if (alert.Kind != AlertKind.Query && now - since < ClearAfter)
        {
            return (instance with { ClearSince = since }, null);
        }

        AlertInstance next = instance with
        {
            State = AlertState.Resolved,
            Since = now,
            ResolvedAt = now,
            ClearSince = null,
            ToldAt = now,
        };
        return (next, Notice(alert, next, now, again: false));
    }

    private static AlertNotice Notice(AlertDefinition alert, AlertInstance instance, DateTimeOffset now, bool again) =>
        new(alert.Name, instance.Log, instance.State, alert.Critical, again, instance.Seen, alert.Description, now)
        {
            Once = alert.Kind == AlertKind.Query,
        };

    /// <summary>
    /// A query was asked. It is resolved as soon as it is not so, for it may not be asked again for long; that it fails
    /// is told once, and changes nothing of what was known.
    /// </summary>
    public static (AlertInstance Next, AlertNotice? Notice) Asked(
        AlertDefinition alert, AlertInstance instance, AlertReading reading, DateTimeOffset now)
    {
        AlertInstance ran = instance with { RanAt = now };
        if (reading.Failure is { } failure)
        {
            AlertNotice notice = Notice(alert, ran with { Seen = failure }, now, again: false) with { Fails = true };
            return (ran with { Failure = failure, Seen = failure }, instance.Failure is null ? notice : null);
        }

        return Step(
            alert,
            ran with { Failure = null, Value = reading.Value },
            new Verdict(reading.Holds, reading.Seen),
            now,
            alert.Query!.Again);
    }
}
