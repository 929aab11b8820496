namespace Naru.Demo;

/// <summary>What names one run of the sample shop: the same options give the same bytes.</summary>
internal sealed record ShopOptions
{
    /// <summary>The sample's.</summary>
    public static readonly TimeZoneInfo Zone = TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul");

    public long Seed { get; init; } = 1;

    /// <summary>Where history ends and live traffic begins.</summary>
    public required DateTimeOffset Start { get; init; }

    /// <summary>What a day is, as in the project's naru.yaml.</summary>
    public TimeZoneInfo TimeZone { get; init; } = Zone;

    /// <summary>Whole days before the day of <see cref="Start"/>.</summary>
    public int HistoryDays { get; init; } = 14;

    /// <summary>About so many events a day of history.</summary>
    public int EventsPerDay { get; init; } = 8_000;

    /// <summary>About so many live events a second.</summary>
    public int EventsPerSecond { get; init; } = 200;

    /// <summary>Most events in one request.</summary>
    public int BatchEventsMax { get; init; } = 500;
}
