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
    private IReadOnlyList<string> _told = [];
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
        Judge();
        Keep();
        await SendAsync(cancellationToken).ConfigureAwait(false);
        Keep();
    }

    private void Judge()
    {
        DateTimeOffset now = _around.Time.GetUtcNow();
        TimeSpan window = _alerts.IsEmpty ? TimeSpan.Zero : _alerts.Max(static alert => alert.Window);
        _judge.Take(_around.Source.Read(), now, window);
        List<AlertInstance> instances = [];
        AlertBook book = _book;
        foreach (AlertDefinition alert in _alerts)
        {
            foreach (string log in LogsOf(alert))
            {
                (AlertInstance next, AlertNotice? notice) = AlertMachine.Step(
                    alert, book.Find(alert.Name, log, now), _judge.Judge(alert, log, now), now,
                        _options.RepeatInterval);
                instances.Add(next);
                book = Tell(book, alert.Webhook, notice, now);
            }
        }

        foreach (AlertInstance gone in book.Instances.Where(old =>
            instances.TrueForAll(kept => kept.Alert != old.Alert || kept.Log != old.Log)))
        {
            book = Tell(book, null, AlertMachine.Dropped(gone, now), now);
        }

        _book = book with { Instances = [.. instances] };
    }

    private AlertBook Tell(AlertBook book, string? webhook, AlertNotice? notice, DateTimeOffset now)
    {
        if (notice is null)
        {
            return book;
        }

        string log = notice.Log.Length == 0 ? "" : $" on {notice.Log}";
        if (notice.State == AlertState.Firing)
        {
            WatchLog.Firing(_logger, notice.Alert, log, notice.Text);
        }
        else
        {
            WatchLog.Resolved(_logger, notice.Alert, log, notice.Text);
        }

        string target = webhook ?? _options.Webhook;
        return target.Length == 0 ? book : book.Tell(target, notice, now + _options.GroupWait);
    }

    private IEnumerable<string> LogsOf(AlertDefinition alert)
    {
        if (alert.Kind is AlertKind.Lag or AlertKind.Disk)
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
    private void Keep()
    {
        bool same = _kept.Outboxes == _book.Outboxes && _kept.Instances.Length == _book.Instances.Length
            && _kept.Instances.Zip(_book.Instances).All(static pair =>
                pair.First with { Seen = "" } == pair.Second with { Seen = "" });
        if (same)
        {
            return;
        }

        try
        {
            AlertBook book = _book;
            book.Write(_around.Files, _around.Paths.State);
            _kept = book;
        }
        catch (StorageException exception)
        {
            WatchLog.NotKept(_logger, exception.Message);
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
}
