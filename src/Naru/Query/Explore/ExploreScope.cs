using Naru.Query.Gate;
using static Naru.Query.Explore.ExploreFilters;

namespace Naru.Query.Explore;

/// <summary>A question with what its parts share.</summary>
internal sealed record ExploreScope(ExploreQuestion Question, ReadableTables Readable, ExploreDays Days)
{
    public const int TopMax = 100;

    /// <summary>What stands for the values of `by` that have no rows of their own.</summary>
    public const string Other = "'…'";

    /// <summary>The statement that answers the question.</summary>
    /// <exception cref="QueryException">It cannot be asked, or not by this caller.</exception>
    public static string Write(ExploreQuestion question, ReadableTables readable)
    {
        ExploreScope scope = new(question, readable, ExploreDays.Read(question.From, question.To));
        if (question.Top is < 1 or > TopMax)
        {
            throw Bad($"\"top\" is {question.Top}", $"write 1 to {TopMax}");
        }

        return question.Kind switch
        {
            "trend" => TrendSql.Write(scope),
            "funnel" => FunnelSql.Write(scope),
            "retention" => RetentionSql.Write(scope),
            "segment" => SegmentSql.Write(scope),
            _ => throw Bad(
                $"there is no analysis \"{question.Kind}\"", "analyses: trend, funnel, retention, segment"),
        };
    }

    public ExploreSource Source(ExploreEvents? events) => events is null
        ? throw Bad($"a {Question.Kind} has no events", "write {\"events\": {\"log\": \"kr_shop.order\"}}")
        : ExploreSource.Find(Readable, events.Log);

    public string User => Question.User
        ?? throw Bad($"a {Question.Kind} has no user", "write {\"user\": \"user_id\"}: the field that says who");

    /// <summary>Who, as one type in every log.</summary>
    public string Who(ExploreSource source) => $"CAST({source.Column(User)} AS VARCHAR) AS who";

    /// <summary>Fields that a part's filters name.</summary>
    public static IEnumerable<string?> FieldsOf(ExploreEvents events) =>
        events.Filters.Select(static filter => filter.Field);

    /// <summary>Who did it on these days, and when: the rows of `who`, `at`, `p_ymd`.</summary>
    public string Deeds(ExploreEvents events, int after = 0)
    {
        ExploreSource source = ExploreSource.Find(Readable, events.Log).Using([User, .. FieldsOf(events)]);
        return source.Select(
            [Who(source), $"{source.Own("_event_time")} AS ts", source.Own("p_ymd")],
            [
                Days.Within(source.Own("p_ymd"), after: after),
                $"{source.Column(User)} IS NOT NULL",
                .. source.Conditions(events.Filters),
            ]);
    }
}
