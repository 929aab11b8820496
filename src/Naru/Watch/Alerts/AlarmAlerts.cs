using System.Collections.Immutable;

namespace Naru.Watch.Alerts;

/// <summary>Alarms as the alerts that they would be if files said them.</summary>
internal static class AlarmAlerts
{
    /// <summary>Names of alerts are words, so what has a blank is no file's.</summary>
    public static bool IsAlarm(string alert) => alert.Contains(' ', StringComparison.Ordinal);

    public static AlertDefinition Of(Alarm alarm) => new()
    {
        Name = alarm.Name,
        Kind = AlertKind.Alarm,
        Description = alarm.Owner.Length == 0 ? "" : $"owner {alarm.Owner}",
        Owner = alarm.Owner.Length == 0 ? null : alarm.Owner,
    };

    /// <summary>Every alarm that is so, then those that fire and are so no longer.</summary>
    public static IEnumerable<(AlertDefinition Alert, Verdict Verdict)> Judge(
        ImmutableArray<Alarm> alarms, AlertBook book)
    {
        foreach (Alarm alarm in alarms)
        {
            yield return (Of(alarm), new Verdict(true, alarm.Text));
        }

        foreach (AlertInstance instance in book.Instances)
        {
            if (instance.State == AlertState.Firing && IsAlarm(instance.Alert)
                && alarms.All(alarm => alarm.Name != instance.Alert))
            {
                yield return (
                    new AlertDefinition { Name = instance.Alert, Kind = AlertKind.Alarm },
                    new Verdict(false, instance.Seen));
            }
        }
    }
}
