using static Naru.Query.Explore.ExploreFilters;

namespace Naru.Query.Explore;

/// <summary>
/// The events that meet every condition: how many, of how many users, which share of all; and the most frequent values
/// of a field among them. Deeds narrow it to users who did something at least so often, or never, in the same days.
/// </summary>
internal static class SegmentSql
{
    private const int DeedsMax = 5;

    public static string Write(ExploreScope scope)
    {
        ExploreQuestion question = scope.Question;
        ExploreSource source = scope.Source(question.Events);
        source.Using([scope.User, question.By, .. ExploreScope.FieldsOf(question.Events!)]);
        string day = source.Own("p_ymd");
        List<string> matches = [.. source.Conditions(question.Events!.Filters), .. Deeds(scope, source)];
        string match = matches.Count == 0 ? "true" : $"coalesce({string.Join("\n    AND ", matches)}, false)";
        string group = question.By is null ? "" : $"{source.Group(question.By)} AS grp, ";
        string events = source.Select(
            [$"{group}{scope.Who(source)}", $"{match} AS matches"], [scope.Days.Within(day)]);
        return question.By is null ? Size(events) : Values(events, question);
    }

    private static IEnumerable<string> Deeds(ExploreScope scope, ExploreSource source)
    {
        if (scope.Question.Deeds.Count > DeedsMax)
        {
            throw Bad($"{scope.Question.Deeds.Count} deeds are too many", $"write at most {DeedsMax}");
        }

        foreach (ExploreDeed deed in scope.Question.Deeds)
        {
            if (deed.Times is < 0 or > 1_000_000)
            {
                throw Bad($"\"times\" is {deed.Times}", "write how often at least; 0 is never");
            }

            string who = $"CAST({source.Column(scope.User)} AS VARCHAR)";
            string having = deed.Times > 1 ? $" HAVING count(*) >= {deed.Times}" : "";
            string users = $"(\n    SELECT who FROM ({scope.Deeds(deed)}) AS done GROUP BY who{having})";

            // Who is nobody did nothing: such an event is of no segment.
            yield return $"{who} {(deed.Times == 0 ? "NOT IN" : "IN")} {users}";
        }
    }

    private static string Size(string events) => $"""
        WITH events AS (
          {events})
        SELECT count(*) FILTER (WHERE matches) AS events, count(DISTINCT who) FILTER (WHERE matches) AS users,
          round(100.0 * count(*) FILTER (WHERE matches) / nullif(count(*), 0), 2) AS percent_of_events,
          round(100.0 * count(DISTINCT who) FILTER (WHERE matches) / nullif(count(DISTINCT who), 0), 2)
            AS percent_of_users
        FROM events
        """.ReplaceLineEndings("\n");

    private static string Values(string events, ExploreQuestion question) => $"""
        WITH events AS (
          {events}),
        segment AS (
          SELECT grp, who FROM events WHERE matches),
        whole AS (
          SELECT count(*) AS events, count(DISTINCT who) AS users FROM segment)
        SELECT s.grp AS {Name(question.By!)}, count(*) AS events, count(DISTINCT s.who) AS users,
          round(100.0 * count(*) / any_value(w.events), 2) AS percent_of_events,
          round(100.0 * count(DISTINCT s.who) / nullif(any_value(w.users), 0), 2) AS percent_of_users
        FROM segment AS s CROSS JOIN whole AS w
        GROUP BY s.grp
        ORDER BY events DESC, s.grp
        LIMIT {question.Top}
        """.ReplaceLineEndings("\n");
}
