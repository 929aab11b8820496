using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Watch.Alerts;

/// <summary>
/// Judges all alerts, keeps how they stand, and tells what changed. One look after the other, by one caller; readers
/// see whole books only. A notice is kept before it is sent: after a crash it may be told twice, never not at all.
/// </summary>
internal sealed class AlertWatch
{
    private readonly AlertSurroundings _around;
    private readonly WatchOptions _options;
    private readonly ILogger _logger;
    private readonly AlertJudge _judge;
    private ImmutableArray<AlertDefinition> _alerts = [];
    private ImmutableArray<Alarm> _alarms = [];
    private IReadOnlyList<string> _told = [];
    private readonly ConcurrentQueue<(string Alert, DateTimeOffset? Until, string By)> _mutes = new();
    private readonly ConcurrentQueue<AlertNotice> _announced = new();
    private volatile AlertBook _book;
    private AlertBook _kept;

    public AlertWatch(AlertSurroundings around, WatchOptions options, ILogger logger)
    {
        _around = around;
        _options = options;
        _logger = logger;
        _book = _kept = AlertBook.Read(around.Files, around.Paths.State);
        _judge = new AlertJudge(around.Time.GetUtcNow());
    }

    public AlertBook Book => _book;

    public ImmutableArray<AlertDefinition> Alerts => _alerts;

    /// <summary>Alarms that are so, as alerts.</summary>
    public IEnumerable<AlertDefinition> Alarms => _book.Instances
        .Where(static instance => AlarmAlerts.IsAlarm(instance.Alert))
        .Select(instance => DefinitionOf(instance)!);

    /// <summary>What an instance is of; null when that is gone.</summary>
    public AlertDefinition? DefinitionOf(AlertInstance instance) =>
        _alerts.FirstOrDefault(alert => alert.Name == instance.Alert)
        ?? (_alarms.FirstOrDefault(alarm => alarm.Name == instance.Alert) is { } known ? AlarmAlerts.Of(known) : null)
        ?? (AlarmAlerts.IsAlarm(instance.Alert) ? AlarmAlerts.Of(new Alarm(instance.Alert, "", "")) : null);

    /// <summary>When its query is asked next.</summary>
    public DateTimeOffset? NextOf(AlertDefinition alert, AlertInstance instance) =>
        alert.Query is { } query ? _around.Queries?.NextOf(query, instance) : null;

    /// <summary>Reads the files of `alerts/`; a wrong one is told once and leaves its alert as it was.</summary>
    public void Load()
    {
        MistakeList mistakes = new();
        string[] logs = [.. _around.Definitions.Current.Logs.Select(static log => log.FullName)];
        ImmutableArray<AlertDefinition> read = AlertFolder.Read(_around.Files, _around.Paths.Alerts, logs, mistakes);
        IReadOnlyList<Mistake> wrong = mistakes.Sorted();
        string[] wrongNames = [.. wrong.Select(static mistake => Path.GetFileNameWithoutExtension(mistake.File))];
        ImmutableArray<AlertDefinition> kept =
            [.. _alerts.Where(alert => wrongNames.Contains(alert.Name) && read.All(other => other.Name != alert.Name))];
        _alerts = [.. read.Concat(kept).OrderBy(static alert => alert.Name, StringComparer.Ordinal)];
        string[] told = [.. wrong.Select(static mistake => mistake.ToString())];
        foreach (string mistake in told.Except(_told))
        {
            WatchLog.Mistake(_logger, mistake);
        }

        _told = told;
    }

    /// <summary>One look: judges every alert and sends what is due.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        Load();
        Dictionary<string, AlertReading> read = _around.Queries is null ? [] : await _around.Queries
            .TakeAsync(_alerts, _book, _around.Time.GetUtcNow(), cancellationToken).ConfigureAwait(false);
        Judge(read);
        Keep();
        await SendAsync(cancellationToken).ConfigureAwait(false);
        Keep();
    }

    private void Judge(Dictionary<string, AlertReading> read)
    {
        DateTimeOffset now = _around.Time.GetUtcNow();
        TimeSpan window = _alerts.IsEmpty ? TimeSpan.Zero : _alerts.Max(static alert => alert.Window);
        _judge.Take(_around.Source.Read(), now, window);
        List<AlertInstance> instances = [];
        AlertBook book = Muted(now);
        foreach (AlertDefinition alert in _alerts)
        {
            foreach (string log in LogsOf(alert))
            {
                AlertInstance known = book.Find(alert.Name, log, now);
                (AlertInstance next, AlertNotice? notice) = alert.Kind != AlertKind.Query
                    ? AlertMachine.Step(
                        alert, known, _judge.Judge(alert, log, now), now, _options.RepeatInterval)
                    : read.TryGetValue(alert.Name, out AlertReading? reading)
                        ? AlertMachine.Asked(alert, known, reading, now)
                        : (known, null);
                instances.Add(next);
                book = Tell(book, alert.Webhook, notice, now);
            }
        }

        _alarms = [.. (_around.Alarms?.Invoke() ?? []).SelectMany(source => source.Read(now))];
        foreach ((AlertDefinition alarm, Verdict verdict) in AlarmAlerts.Judge(_alarms, book))
        {
            (AlertInstance next, AlertNotice? notice) = AlertMachine.Step(
                alarm, book.Find(alarm.Name, "", now), verdict, now, repeat: null);
            instances.Add(next);
            book = Tell(book, null, notice, now);
        }

        foreach (AlertInstance gone in book.Instances.Where(old =>
            instances.TrueForAll(kept => kept.Alert != old.Alert || kept.Log != old.Log)))
        {
            book = Tell(book, null, AlertMachine.Dropped(gone, now), now);
        }

        while (_announced.TryDequeue(out AlertNotice? notice))
        {
            book = Tell(book, null, notice, now);
        }

        _book = book with { Instances = [.. instances] };
    }

    /// <summary>
    /// Tells nothing of an alert until then; null: tells again. Kept at the next look, within seconds.
    /// </summary>
    public void Mute(string alert, DateTimeOffset? until, string by) => _mutes.Enqueue((alert, until, by));

    /// <summary>
    /// Tells something that happened once, where alerts that name no webhook of their own are told. At the next look,
    /// within seconds.
    /// </summary>
    public void Announce(AlertNotice notice) => _announced.Enqueue(notice);

    /// <summary>Whether there is anywhere to tell alerts that name no webhook of their own.</summary>
    public bool IsTold => _options.Webhook.Length > 0;

    /// <summary>Until when and by whom an alert is muted, as last said.</summary>
    public (DateTimeOffset Until, string By)? MuteOf(string alert)
    {
        foreach ((string name, DateTimeOffset? until, string by) in _mutes.Reverse())
        {
            if (name == alert)
            {
                return until is { } end ? (end, by) : null;
            }
        }

        return _book.Mutes.FirstOrDefault(mute => mute.Alert == alert && mute.Until > _around.Time.GetUtcNow())
            is { } kept ? (kept.Until, kept.By) : null;
    }

    private AlertBook Muted(DateTimeOffset now)
    {
        AlertBook book = _book;
        while (_mutes.TryDequeue(out (string Alert, DateTimeOffset? Until, string By) mute))
        {
            book = book.Mute(mute.Alert, mute.Until, mute.By, now);
        }

        return book;
    }

    private AlertBook Tell(AlertBook book, string? webhook, AlertNotice? notice, DateTimeOffset now)
    {
        if (notice is null)
        {
            return book;
        }

        string log = notice.Log.Length == 0 ? "" : $" on {notice.Log}";
        if (notice.Fails)
        {
            WatchLog.Failing(_logger, notice.Alert, notice.Text);
        }
        else if (notice.State == AlertState.Firing)
        {
            WatchLog.Firing(_logger, notice.Alert, log, notice.Text);
        }
        else
        {
            WatchLog.Resolved(_logger, notice.Alert, log, notice.Text);
        }

        string target = webhook ?? _options.Webhook;
        bool told = target.Length > 0 && !book.IsMuted(notice.Alert, now);
        book = book.Note(notice, told);
        return told ? book.Tell(target, notice, now + _options.GroupWait) : book;
    }

    private IEnumerable<string> LogsOf(AlertDefinition alert)
    {
        if (alert.Kind is AlertKind.Lag or AlertKind.Disk or AlertKind.Query)
        {
            return [""];
        }

        if (alert.Kind is AlertKind.AggregateDifference or AlertKind.AggregateLag)
        {
            return _judge.Aggregates;
        }

        return _around.Definitions.Current.Logs
            .Where(log => !log.Retired && alert.Concerns(log.FullName))
            .Select(static log => log.FullName);
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        foreach (AlertOutbox outbox in _book.Outboxes)
        {
            DateTimeOffset now = _around.Time.GetUtcNow();
            if (outbox.Notices.IsEmpty || outbox.NextTryAt > now)
            {
                continue;
            }

            string project = Path.GetFileName(_around.Paths.Root.TrimEnd('/'));
            string? address = SecretReference.Read(
                outbox.Webhook, _around.Files, _around.Paths.Root, out string problem);
            if (address is not null && outbox.Notices.Any(static notice => notice.Once))
            {
                _book = _book.Begun(outbox.Webhook);
                if (!Keep())
                {
                    // Told without being known to be told, a crash would tell it again.
                    continue;
                }
            }

            string? failure = address is null ? problem : await _around.Sender
                .SendAsync(address, AlertMessage.Write(project, outbox.Notices), cancellationToken)
                .ConfigureAwait(false);
            _book = _book.Tried(outbox.Webhook, outbox.Notices.Length, failure, _around.Time.GetUtcNow());
            if (failure is not null)
            {
                WatchLog.NotSent(_logger, outbox.Notices.Length, outbox.Failures + 1, failure);
            }
        }
    }

    /// <summary>Keeps the book when something changed that a restart must know.</summary>
    private bool Keep()
    {
        bool same = _kept.Outboxes == _book.Outboxes && _kept.Events == _book.Events && _kept.Mutes == _book.Mutes
            && _kept.Instances.Length == _book.Instances.Length
            && _kept.Instances.Zip(_book.Instances).All(static pair =>
                pair.First with { Seen = "" } == pair.Second with { Seen = "" });
        if (same)
        {
            return true;
        }

        try
        {
            AlertBook book = _book;
            book.Write(_around.Files, _around.Paths.State);
            _kept = book;
            return true;
        }
        catch (StorageException exception)
        {
            WatchLog.NotKept(_logger, exception.Message);
            return false;
        }
    }
}

/// <summary>What the watch works with.</summary>
internal sealed record AlertSurroundings(
    IFileSystem Files,
    ProjectPaths Paths,
    IDefinitionSource Definitions,
    IWatchSource Source,
    IWebhookSender Sender)
{
    public required TimeProvider Time { get; init; }

    /// <summary>Found at the first look: what they read has alerts among its tables. Null: there are none.</summary>
    public Func<IEnumerable<IAlarmSource>>? Alarms { get; init; }

    /// <summary>Null: queries are not asked.</summary>
    public AlertQueries? Queries { get; init; }
}
