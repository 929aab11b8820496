namespace Naru.Core.Schedules;

/// <summary>What scheduled things are cut into.</summary>
public enum IntervalKind
{
    /// <summary>An hour of the zone's clock under one offset.</summary>
    Hour,

    /// <summary>A day of the zone.</summary>
    Day,
}

/// <summary>An hour or a day of a zone, in Unix microseconds: First inclusive, End exclusive.</summary>
public readonly record struct Interval(IntervalKind Kind, long First, long End);
