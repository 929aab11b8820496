using System.Collections.Immutable;
using Naru.Core.Events;

namespace Naru.Watch.Alerts;

/// <summary>
/// Runs the queries of alerts that are due, each at most once at a time, beside the watch: what is slow holds no other
/// alert up. Called by the watch alone.
/// </summary>
/// <param name="asker">Found when the first is asked: what answers SQL has alerts among its tables.</param>
/// <param name="zone">Of schedules.</param>
internal sealed class AlertQueries(Func<IAlertAsker> asker, ProjectZone zone)
{
    private readonly Dictionary<string, (AlertQuery Query, Task<AlertReading> Reading)> _running =
        new(StringComparer.Ordinal);

    /// <summary>Starts what is due, and gives what has ended since.</summary>
    public async Task<Dictionary<string, AlertReading>> TakeAsync(
        ImmutableArray<AlertDefinition> alerts, AlertBook book, DateTimeOffset now, CancellationToken stop)
    {
        foreach (AlertDefinition alert in alerts)
        {
            if (alert.Query is { } query && !_running.ContainsKey(alert.Name)
                && NextOf(query, book.Find(alert.Name, "", now)) <= now)
            {
                _running.Add(alert.Name, (query, asker().AskAsync(query, stop)));
            }
        }

        Dictionary<string, AlertReading> ended = new(StringComparer.Ordinal);
        foreach ((string name, (AlertQuery query, Task<AlertReading> reading)) in _running.ToArray())
        {
            if (!reading.IsCompleted)
            {
                continue;
            }

            _running.Remove(name);

            // What was asked by a file that says something else by now tells nothing of that.
            bool same = alerts.Any(alert => alert.Name == name && alert.Query == query);
            if (same && reading.IsCompletedSuccessfully)
            {
                ended.Add(name, await reading.ConfigureAwait(false));
            }
            else if (same && !stop.IsCancellationRequested)
            {
                string why = reading.Exception?.InnerException?.GetType().Name ?? "it was ended";
                ended.Add(name, AlertReading.Failed($"the query could not be asked ({why})"));
            }
        }

        return ended;
    }

    public DateTimeOffset? NextOf(AlertQuery query, AlertInstance instance) =>
        query.Next(instance.RanAt, instance.Since, zone);
}
