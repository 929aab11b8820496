using System.Text.Json;
using System.Text.Json.Serialization;

namespace Naru.Query.Explore;

/// <summary>
/// Body of `POST /v1/explore`, set as it is read: an analysis in the words of the console's form (docs/explore.md).
/// </summary>
internal sealed record ExploreQuestion
{
    /// <summary>`trend`, `funnel`, `retention` or `segment`.</summary>
    public required string Kind { get; set; }

    /// <summary>First and last day, `2026-11-14` or `today-6`; both in the same way.</summary>
    public string From { get; set; } = "today-6";

    public string To { get; set; } = "today";

    /// <summary>The field that says who: `user_id`.</summary>
    public string? User { get; set; }

    /// <summary>Trend and segment: the events.</summary>
    public ExploreEvents? Events { get; set; }

    /// <summary>Trend: `minute`, `hour` or `day`. Retention: `day` or `week`.</summary>
    public string Unit { get; set; } = "day";

    /// <summary>Trend: `count`, `users`, `sum`, `avg`, `min`, `max`, `p50`, `p90`, `p95`, `p99`.</summary>
    public string Measure { get; set; } = "count";

    /// <summary>Trend: the field that is measured.</summary>
    public string? Of { get; set; }

    /// <summary>Trend, funnel and segment: the field by whose values rows are split.</summary>
    public string? By { get; set; }

    /// <summary>Values of `by` that have rows of their own.</summary>
    public int Top { get; set; } = 8;

    /// <summary>Trend: the period before as well.</summary>
    public bool Compare { get; set; }

    /// <summary>Funnel: what is done, in this order.</summary>
    public IReadOnlyList<ExploreEvents> Steps { get; set; } = [];

    /// <summary>Funnel: from the first step to the last.</summary>
    public string Within { get; set; } = "1d";

    /// <summary>Retention: what makes a user one of a day's.</summary>
    public ExploreEvents? First { get; set; }

    /// <summary>Retention: what is coming back; null is the same as the first.</summary>
    public ExploreEvents? Again { get; set; }

    /// <summary>Retention: how many days or weeks after.</summary>
    public int Periods { get; set; } = 7;

    /// <summary>Segment: what its users have done besides, or never.</summary>
    public IReadOnlyList<ExploreDeed> Deeds { get; set; } = [];
}

/// <summary>Events of one log that meet every filter.</summary>
internal record ExploreEvents
{
    public required string Log { get; set; }

    public IReadOnlyList<ExploreFilter> Filters { get; set; } = [];
}

/// <summary>Users who did so at least so many times within the days; zero: never.</summary>
internal sealed record ExploreDeed : ExploreEvents
{
    public int Times { get; set; } = 1;
}

/// <summary>A condition on one field.</summary>
/// <param name="Field">Its name.</param>
/// <param name="Is">A word of <see cref="ExploreFilters"/>.</param>
/// <param name="Values">As text, whatever the field's type is.</param>
internal sealed record ExploreFilter(string Field, string Is, IReadOnlyList<string>? Values);

/// <summary>The statement that answers a question; it is what `POST /v1/sql` then runs.</summary>
internal sealed record ExploreAnswer(string Sql);

/// <summary>`GET /v1/explore`: what the caller may explore.</summary>
internal sealed record ExploreLogs(IReadOnlyList<ExploreLog> Logs);

internal sealed record ExploreLog(string Log, string Description, IReadOnlyList<ExploreField> Fields);

internal sealed record ExploreField(string Name, string Type, string? Description, bool Sensitive);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ExploreQuestion))]
[JsonSerializable(typeof(ExploreAnswer))]
[JsonSerializable(typeof(ExploreLogs))]
internal sealed partial class ExploreJson : JsonSerializerContext
{
    public static readonly ExploreJson Readable = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
