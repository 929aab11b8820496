using System.Globalization;
using Naru.Core.Text;
using static Naru.Query.Explore.ExploreFilters;

namespace Naru.Query.Explore;

/// <summary>
/// Steps in order, per user (docs/explore.md says exactly how). A user's events have one order: by time; at one moment
/// by the first step that they are, then by their place in the topic. From every event of the first step the nearest
/// later event of the second is sought, from that the nearest of the third; a later choice never reaches further. What
/// counts for a user is the beginning that came furthest, of those the earliest.
/// </summary>
internal static class FunnelSql
{
    private const int StepsMax = 10;
    private static readonly TimeSpan WithinMax = TimeSpan.FromDays(92);

    public static string Write(ExploreScope scope)
    {
        IReadOnlyList<ExploreEvents> steps = scope.Question.Steps;
        if (steps.Count is < 2 or > StepsMax)
        {
            throw Bad($"a funnel of {steps.Count} steps", $"write 2 to {StepsMax} steps");
        }

        if (!DurationText.TryParse(scope.Question.Within, out TimeSpan within)
            || within <= TimeSpan.Zero || within > WithinMax)
        {
            throw Bad($"\"within\" is \"{scope.Question.Within}\"", "write 30m, 1d, … of at most 92d");
        }

        string[] logs = [.. steps.Select(static step => step.Log).Distinct(StringComparer.Ordinal)];
        string events = string.Join("\n  UNION ALL\n  ", logs.Select(log => Events(scope, log, within)));
        string first = string.Concat(steps.Select(static (_, index) => $" WHEN s{index + 1} THEN {index + 1}"));
        string chains = string.Join(",\n", Enumerable.Range(2, steps.Count - 1).Select(Chain));
        return $"""
            WITH events AS (
              {events}),
            numbered AS (
              SELECT *, row_number() OVER (ORDER BY who, ts, CASE{first} END, part, place) AS n FROM events),
            to1 AS (
              SELECT who, grp, n AS begun, n AS n1, ts AS at1 FROM numbered WHERE s1 AND {scope.Days.Within("p_ymd")}),
            {chains},
            {Furthest(steps.Count, within)},
            {Answer(scope)}
            """.ReplaceLineEndings("\n");
    }

    /// <summary>The events of a log that are any of the steps.</summary>
    private static string Events(ExploreScope scope, string log, TimeSpan within)
    {
        IReadOnlyList<ExploreEvents> steps = scope.Question.Steps;
        string? by = steps[0].Log == log ? scope.Question.By : null;
        ExploreSource source = ExploreSource.Find(scope.Readable, log).Using(
            [scope.User, by, .. steps.Where(step => step.Log == log).SelectMany(ExploreScope.FieldsOf)]);
        List<string> columns =
        [
            scope.Who(source), $"{source.Own("_event_time")} AS ts", source.Own("p_ymd"),
            $"{source.Own("_topic_partition")} AS part", $"{source.Own("_topic_offset")} AS place",
            by is null ? "CAST(NULL AS VARCHAR) AS grp" : $"{source.Group(by)} AS grp",
        ];
        List<string> any = [];
        for (int i = 0; i < steps.Count; i++)
        {
            string holds = "false";
            if (steps[i].Log == log)
            {
                string[] conditions = [.. source.Conditions(steps[i].Filters)];
                holds = conditions.Length == 0 ? "true" : $"coalesce({string.Join(" AND ", conditions)}, false)";
                any.Add(holds);
            }

            columns.Add($"{holds} AS s{i + 1}");
        }

        List<string> where =
        [
            scope.Days.Within(source.Own("p_ymd"), after: (int)Math.Ceiling(within.TotalDays)),
            $"{source.Column(scope.User)} IS NOT NULL",
        ];
        if (!any.Contains("true"))
        {
            where.Add($"({string.Join(" OR ", any)})");
        }

        return source.Select(columns, where);
    }

    /// <summary>
    /// A step that is not reached has the highest number, behind which nothing comes: in DuckDB 1.5 a left ASOF join
    /// finds rows for a null.
    /// </summary>
    private static string Chain(int step) => string.Create(CultureInfo.InvariantCulture, $"""
        to{step} AS (
          SELECT c.*, coalesce(e.n, {long.MaxValue}) AS n{step}, e.ts AS at{step} FROM to{step - 1} AS c
          ASOF LEFT JOIN (SELECT who, n, ts FROM numbered WHERE s{step}) AS e
            ON c.who = e.who AND c.n{step - 1} < e.n)
        """);

    private static string Furthest(int steps, TimeSpan within)
    {
        string window = within.Milliseconds == 0
            ? string.Create(CultureInfo.InvariantCulture, $"INTERVAL {within.TotalSeconds:0} SECOND")
            : string.Create(CultureInfo.InvariantCulture, $"INTERVAL {within.TotalMilliseconds:0} MILLISECOND");
        string depths = string.Concat(Enumerable.Range(2, steps - 1).Reverse().Select(step => string.Create(
            CultureInfo.InvariantCulture, $" WHEN at{step} <= at1 + {window} THEN {step}")));
        return $"""
            furthest AS (
              SELECT *, CASE{depths} ELSE 1 END AS depth FROM to{steps}
              QUALIFY row_number() OVER (PARTITION BY who ORDER BY depth DESC, begun) = 1)
            """;
    }

    private static string Answer(ExploreScope scope)
    {
        IReadOnlyList<ExploreEvents> steps = scope.Question.Steps;
        string names = string.Join(", ", steps.Select(static (step, index) => $"({index + 1}, {Literal(step.Log)})"));
        string taken = string.Concat(steps.Select(static (_, index) => string.Create(
            CultureInfo.InvariantCulture, $" WHEN {index + 1} THEN epoch(at{index + 1}) - epoch(at1)")));
        string? by = scope.Question.By;
        string counted = $"""
            counted AS (
              SELECT {(by is null ? "" : "grp, ")}step, log, count(*) FILTER (WHERE depth >= step) AS users,
                median(CASE step{taken} END) FILTER (WHERE depth >= step) AS seconds
              FROM {(by is null ? "furthest" : "split")} CROSS JOIN (VALUES {names}) AS steps(step, log)
              GROUP BY ALL)
            """;
        string split = by is null ? "" : $"""
            top AS (
              SELECT grp FROM furthest GROUP BY grp ORDER BY count(*) DESC, grp LIMIT {scope.Question.Top}),
            split AS (
              SELECT * REPLACE (CASE WHEN grp IN (SELECT grp FROM top) THEN grp ELSE {ExploreScope.Other} END AS grp)
              FROM furthest),

            """;
        string over = by is null ? "ORDER BY step" : "PARTITION BY grp ORDER BY step";
        return $"""
            {split}{counted}
            SELECT {(by is null ? "" : $"grp AS {Name(by)}, ")}step, log, users,
              round(100.0 * users / nullif(first_value(users) OVER ({over}), 0), 2) AS percent_of_first,
              round(100.0 * users / nullif(lag(users, 1, users) OVER ({over}), 0), 2) AS percent_of_before,
              round(seconds, 3) AS median_seconds
            FROM counted
            ORDER BY {(by is null ? "" : "max(users) OVER (PARTITION BY grp) DESC, grp, ")}step
            """;
    }
}
