using System.Globalization;
using Naru.Core.Text;

namespace Naru.Watch.Alerts;

/// <summary>What an alert says of one moment: whether it is so, and what was seen.</summary>
internal readonly record struct Verdict(bool Holds, string Seen);

/// <summary>
/// Judges samples against alerts. Pure: samples and time in, verdicts out. Keeps the samples of the longest window,
/// for rates; counts that go back (a restart) begin anew.
/// </summary>
internal sealed class AlertJudge
{
    private readonly LinkedList<(DateTimeOffset At, Dictionary<string, LogSample> Logs)> _history = new();
    private readonly DateTimeOffset _startedAt;
    private WatchSample _now = new([], TimeSpan.Zero, 0, 0);

    public AlertJudge(DateTimeOffset startedAt) => _startedAt = startedAt;

    /// <summary>Names of the aggregates of the last sample.</summary>
    public IEnumerable<string> Aggregates => _now.Aggregates.Select(static aggregate => aggregate.Name);

    /// <summary>Takes a sample; keeps those of the last <paramref name="window"/>.</summary>
    public void Take(WatchSample sample, DateTimeOffset now, TimeSpan window)
    {
        Dictionary<string, LogSample> logs = sample.Logs.ToDictionary(static log => log.Log, StringComparer.Ordinal);
        _now = sample;
        _history.AddLast((now, logs));

        // One sample at or before the window's start stays: counts are differences to it.
        while (_history.First!.Next is { } second && second.Value.At <= now - window)
        {
            _history.RemoveFirst();
        }
    }

    public Verdict Judge(AlertDefinition alert, string log, DateTimeOffset now) => alert.Kind switch
    {
        AlertKind.InvalidRate => Rate(alert, log, now),
        AlertKind.Silence => Silence(alert, log, now),
        AlertKind.Lag => Lag(alert),
        AlertKind.AggregateDifference => Differences(Aggregate(log)),
        AlertKind.AggregateLag => Standing(alert, Aggregate(log)),
        _ => Disk(alert),
    };

    private Verdict Rate(AlertDefinition alert, string log, DateTimeOffset now)
    {
        LogSample last = Of(_history.Last!.Value.Logs, log);
        LogSample first = Of(StartOf(now - alert.Window), log);
        bool restarted = last.Received < first.Received || last.Rejected < first.Rejected;
        long received = restarted ? last.Received : last.Received - first.Received;
        long rejected = restarted ? last.Rejected : last.Rejected - first.Rejected;

        // Replays are rejected again without being received again.
        double share = received == 0 ? 0 : Math.Min(1, (double)rejected / received);
        string seen = string.Create(
            CultureInfo.InvariantCulture,
            $"{100 * share:0.0}% of {received} events in {DurationText.Format(alert.Window)} rejected "
            + $"(limit {100 * alert.AboveShare:0.0}%)");
        return new Verdict(received >= alert.EventsMin && share > alert.AboveShare, seen);
    }

    /// <summary>The newest sample that is not younger than a moment, or the oldest there is.</summary>
    private Dictionary<string, LogSample> StartOf(DateTimeOffset moment)
    {
        LinkedListNode<(DateTimeOffset At, Dictionary<string, LogSample> Logs)> node = _history.First!;
        while (node.Next is { } next && next.Value.At <= moment)
        {
            node = next;
        }

        return node.Value.Logs;
    }

    private Verdict Silence(AlertDefinition alert, string log, DateTimeOffset now)
    {
        // A server that was down heard nothing: silence counts from its start on.
        DateTimeOffset heard = Of(_history.Last!.Value.Logs, log).LastReceivedAt ?? _startedAt;
        TimeSpan silent = now - (heard > _startedAt ? heard : _startedAt);
        string limit = DurationText.Format(alert.AboveAge);
        return new Verdict(silent > alert.AboveAge, $"nothing received for {Rounded(silent)} (limit {limit})");
    }

    private Verdict Lag(AlertDefinition alert) => new(
        _now.LagAge > alert.AboveAge,
        $"events wait {Rounded(_now.LagAge)} for their landing (limit {DurationText.Format(alert.AboveAge)})");

    private AggregateSample Aggregate(string name) => _now.Aggregates.FirstOrDefault(each => each.Name == name);

    private static Verdict Differences(AggregateSample aggregate) => new(
        aggregate.Differences > 0,
        string.Create(
            CultureInfo.InvariantCulture,
            $"the last verification found {aggregate.Differences} differences between the table and the lake"));

    private static Verdict Standing(AlertDefinition alert, AggregateSample aggregate) => new(
        aggregate.Stands > alert.AboveAge,
        $"events come and the watermark has stood still for {Rounded(aggregate.Stands)} "
        + $"(limit {DurationText.Format(alert.AboveAge)})");

    private Verdict Disk(AlertDefinition alert)
    {
        double share = _now.TotalBytes == 0 ? 1 : (double)_now.FreeBytes / _now.TotalBytes;
        string limit = alert.BelowBytes > 0
            ? SizeText.Format(alert.BelowBytes)
            : string.Create(CultureInfo.InvariantCulture, $"{100 * alert.BelowShare:0.0}%");
        string seen = string.Create(
            CultureInfo.InvariantCulture,
                $"{_now.FreeBytes / (1 << 20)} MB ({100 * share:0.0}%) of the disk are free (limit {limit})");
        bool holds = alert.BelowBytes > 0 ? _now.FreeBytes < alert.BelowBytes : share < alert.BelowShare;
        return new Verdict(holds, seen);
    }

    private static LogSample Of(Dictionary<string, LogSample> logs, string log) =>
        logs.TryGetValue(log, out LogSample sample) ? sample : new LogSample(log, 0, 0, null);

    private static string Rounded(TimeSpan age) => age < TimeSpan.FromMinutes(2)
        ? $"{(long)age.TotalSeconds}s"
        : DurationText.Format(TimeSpan.FromMinutes((long)age.TotalMinutes));
}
