namespace Naru.Watch.Alerts;

/// <summary>Persisted by its name in snake_case: names never change.</summary>
internal enum AlertState
{
    Ok,

    /// <summary>It is so, but not yet for as long as `for` says.</summary>
    Pending,

    Firing,

    /// <summary>It fired, and is no longer so.</summary>
    Resolved,
}

/// <summary>One alert over one log (empty for lag and disk): how it stands. Immutable.</summary>
internal sealed record AlertInstance
{
    public required string Alert { get; init; }

    public required string Log { get; init; }

    public AlertState State { get; init; }

    /// <summary>When the state was taken.</summary>
    public required DateTimeOffset Since { get; init; }

    public DateTimeOffset? FiredAt { get; init; }

    public DateTimeOffset? ResolvedAt { get; init; }

    /// <summary>Since when it is no longer so, while it fires still.</summary>
    public DateTimeOffset? ClearSince { get; init; }

    public DateTimeOffset? ToldAt { get; init; }

    /// <summary>What was seen last, in words.</summary>
    public string Seen { get; init; } = "";

    /// <summary>Query: when it ran last.</summary>
    public DateTimeOffset? RanAt { get; init; }

    /// <summary>Query: the value that was seen last.</summary>
    public string? Value { get; init; }

    /// <summary>Query: why it could not be asked; null when it could.</summary>
    public string? Failure { get; init; }
}

/// <summary>Not told until then. Of an alert, over all its logs.</summary>
internal sealed record AlertMute(string Alert, DateTimeOffset Until, string By);

/// <summary>What became of an alert once, and whether that was put on its way to somebody.</summary>
internal sealed record AlertEvent(string Alert, string Log, DateTimeOffset At, string What, string Text, bool Told);

/// <summary>Something to tell: one line of a message.</summary>
internal sealed record AlertNotice(
    string Alert, string Log, AlertState State, bool Critical, bool Again, string Text, string Description,
        DateTimeOffset At)
{
    /// <summary>Its query fails; whether it is so is not known.</summary>
    public bool Fails { get; init; }

    /// <summary>Rather not told than told twice, where a crash leaves unknown whether it was.</summary>
    public bool Once { get; init; }

    public string What => Fails ? "failing" : State == AlertState.Firing ? "firing" : "resolved";
}
