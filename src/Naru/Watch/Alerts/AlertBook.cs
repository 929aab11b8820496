using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Watch.Alerts;

/// <summary>Notices that wait for their webhook.</summary>
internal sealed record AlertOutbox(string Webhook, ImmutableArray<AlertNotice> Notices)
{
    /// <summary>Tries that failed since one succeeded.</summary>
    public int Failures { get; init; }

    public DateTimeOffset NextTryAt { get; init; }

    public string Problem { get; init; } = "";

    /// <summary>The first so many are being sent; kept before they are.</summary>
    public int Sending { get; init; }
}

/// <summary>How all alerts stand, and what is still to be told. Immutable; kept in `data/state/alerts.json`.</summary>
internal sealed record AlertBook(ImmutableArray<AlertInstance> Instances, ImmutableArray<AlertOutbox> Outboxes)
{
    /// <summary>Newest last; beyond it the oldest go.</summary>
    public const int EventsMax = 500;

    /// <summary>Notices kept for a webhook that does not answer; beyond it the oldest go.</summary>
    public const int NoticesMax = 1000;

    private const string Kind = "alerts";
    private const int Format = 1;
    private const string FileName = "alerts.json";

    public static readonly AlertBook Empty = new([], []);

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    public ImmutableArray<AlertMute> Mutes { get; init; } = [];

    public ImmutableArray<AlertEvent> Events { get; init; } = [];

    public static AlertBook Read(IFileSystem files, string folder)
    {
        using JsonDocument? body = StateFile.Read(files, $"{folder}/{FileName}", Kind, Format);
        return (body?.Deserialize<AlertBook>(Json) ?? Empty).Recovered();
    }

    /// <summary>
    /// What was being sent when the server ended may have been told. Those of queries are not told again; the others
    /// are.
    /// </summary>
    private AlertBook Recovered() => this with
    {
        Outboxes =
        [
            .. Outboxes.Select(static outbox => outbox.Sending == 0 ? outbox : outbox with
            {
                Sending = 0,
                Problem = "the server ended while it told something; it may not have come",
                Notices = [.. outbox.Notices.Where((notice, index) => index >= outbox.Sending || !notice.Once)],
            }),
        ],
    };

    /// <summary>Marks all that waits for a webhook as being sent.</summary>
    public AlertBook Begun(string webhook) => this with
    {
        Outboxes =
        [
            .. Outboxes.Select(outbox =>
                outbox.Webhook == webhook ? outbox with { Sending = outbox.Notices.Length } : outbox),
        ],
    };

    public bool IsMuted(string alert, DateTimeOffset now) =>
        Mutes.Any(mute => mute.Alert == alert && mute.Until > now);

    /// <summary>Until null ends a mute; those that are over go.</summary>
    public AlertBook Mute(string alert, DateTimeOffset? until, string by, DateTimeOffset now)
    {
        IEnumerable<AlertMute> others = Mutes.Where(mute => mute.Alert != alert && mute.Until > now);
        return this with { Mutes = [.. until is { } end ? others.Append(new AlertMute(alert, end, by)) : others] };
    }

    public AlertBook Note(AlertNotice notice, bool told) => this with
    {
        Events =
        [
            .. Events.Append(new AlertEvent(
                notice.Alert, notice.Log, notice.At, notice.What, notice.Text, told)).TakeLast(EventsMax),
        ],
    };

    public void Write(IFileSystem files, string folder)
    {
        files.CreateDirectory(folder);
        StateFile.Write(
            files, $"{folder}/{FileName}", Kind, Format, JsonSerializer.SerializeToUtf8Bytes(this, Json));
    }

    public AlertInstance Find(string alert, string log, DateTimeOffset now) =>
        Instances.FirstOrDefault(instance => instance.Alert == alert && instance.Log == log)
        ?? new AlertInstance { Alert = alert, Log = log, Since = now };

    /// <summary>Puts a notice in the outbox of its webhook, to go out when the group's time is over.</summary>
    public AlertBook Tell(string webhook, AlertNotice notice, DateTimeOffset sendAt)
    {
        int index = Outboxes.ToList().FindIndex(outbox => outbox.Webhook == webhook);
        if (index < 0)
        {
            return this with { Outboxes = Outboxes.Add(new AlertOutbox(webhook, [notice]) { NextTryAt = sendAt }) };
        }

        AlertOutbox outbox = Outboxes[index];
        ImmutableArray<AlertNotice> notices = [.. outbox.Notices.Add(notice).TakeLast(NoticesMax)];
        DateTimeOffset next = outbox.Notices.IsEmpty && outbox.Failures == 0 ? sendAt : outbox.NextTryAt;
        return this with
        {
            Outboxes = Outboxes.SetItem(index, outbox with { Notices = notices, NextTryAt = next }),
        };
    }

    /// <summary>
    /// After a try: what was sent leaves the outbox, or the next try waits twice as long, at most 5 minutes.
    /// </summary>
    public AlertBook Tried(string webhook, int sent, string? problem, DateTimeOffset now)
    {
        int index = Outboxes.ToList().FindIndex(outbox => outbox.Webhook == webhook);
        Invariant.Hold(index >= 0 && sent <= Outboxes[index].Notices.Length);
        AlertOutbox outbox = Outboxes[index];
        AlertOutbox next = problem is null
            ? outbox with { Notices = outbox.Notices.RemoveRange(0, sent), Failures = 0, Problem = "", Sending = 0 }
            : outbox with
            {
                Sending = 0,
                Failures = outbox.Failures + 1,
                Problem = problem,
                NextTryAt = now + TimeSpan.FromSeconds(Math.Min(300, 1L << Math.Min(10, outbox.Failures))),
            };
        return this with { Outboxes = Outboxes.SetItem(index, next) };
    }
}
