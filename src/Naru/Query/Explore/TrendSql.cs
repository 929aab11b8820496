using static Naru.Query.Explore.ExploreFilters;

namespace Naru.Query.Explore;

/// <summary>
/// A measure over time. Minutes, hours and days without an event are there, with 0 where it is a count.
/// </summary>
internal static class TrendSql
{
    private const int MinuteDaysMax = 3;
    private const int HourDaysMax = 62;

    public static string Write(ExploreScope scope)
    {
        ExploreQuestion question = scope.Question;
        RequireUnit(scope);
        ExploreSource source = scope.Source(question.Events);
        string? measured = question.Measure == "count" ? null : question.Measure == "users" ? scope.User : question.Of
            ?? throw Bad($"nothing is measured by \"{question.Measure}\"", "write {\"of\": \"amount\"}");
        source.Using([measured, question.By, .. ExploreScope.FieldsOf(question.Events!)]);
        if (question.Measure is not ("count" or "users"))
        {
            RequireNumber(source, measured!);
        }

        string unit = Name(question.Unit);
        string grouped = question.By is null ? "" : ", s.grp";
        string name = Name(question.Measure is "count" ? "events" : question.Measure);
        string by = question.By is null ? "" : $", s.grp AS {Name(question.By)}";
        string before = question.Compare ? $", {Filled(question, "c.before")} AS before" : "";
        string joined = question.By is null ? "c.ts = s.ts" : "c.ts = s.ts AND c.grp = s.grp";
        return $"""
            WITH {(question.By is null ? "events" : "all_events")} AS (
              {Events(scope, source, measured)}),
            {Groups(scope)}counted AS (
              SELECT ts{(question.By is null ? "" : ", grp")}, {Measures(question)}
              FROM events GROUP BY ALL),
            spine AS (
              {Spine(scope)})
            SELECT s.ts AS {unit}{by}, {Filled(question, "c.value")} AS {name}{before}
            FROM spine AS s LEFT JOIN counted AS c ON {joined}
            ORDER BY s.ts{grouped}
            """.ReplaceLineEndings("\n");
    }

    private static void RequireUnit(ExploreScope scope)
    {
        (string unit, int most) = scope.Question.Unit switch
        {
            "minute" => ("minute", MinuteDaysMax),
            "hour" => ("hour", HourDaysMax),
            "day" => ("day", ExploreDays.DaysMax),
            string other => throw Bad($"there is no unit \"{other}\"", "write minute, hour or day"),
        };
        if (scope.Days.Count > most)
        {
            throw Bad($"{scope.Days.Count} days are too many by {unit}", $"ask for at most {most} days, or by day");
        }
    }

    private static void RequireNumber(ExploreSource source, string field)
    {
        if (source.TypeOf(field).Kind is not (Lake.Columns.ColumnKind.Int32 or Lake.Columns.ColumnKind.Int64
            or Lake.Columns.ColumnKind.Double or Lake.Columns.ColumnKind.Decimal))
        {
            throw Bad($"\"{field}\" is no number", "count events or users, or measure a field that is a number");
        }
    }

    private static string Events(ExploreScope scope, ExploreSource source, string? measured)
    {
        ExploreQuestion question = scope.Question;
        string day = source.Own("p_ymd");
        string at = question.Unit == "day" ? day : $"date_trunc('{question.Unit}', {source.Own("_event_time")})";
        if (question.Compare)
        {
            // What was so many days before stands at the moment that it is compared with.
            string later = question.Unit == "day" ? $"{scope.Days.Count}" : $"INTERVAL {scope.Days.Count} DAY";
            at = $"CASE WHEN {day} < {scope.Days.First} THEN {at} + {later} ELSE {at} END";
        }

        List<string> columns = [$"{at} AS ts"];
        if (question.By is not null)
        {
            columns.Add($"{source.Group(question.By)} AS grp");
        }

        if (measured is not null)
        {
            columns.Add($"{source.Column(measured)} AS value");
        }

        if (question.Compare)
        {
            columns.Add($"{day} >= {scope.Days.First} AS now");
        }

        return source.Select(
            columns,
            [
                scope.Days.Within(day, before: question.Compare ? scope.Days.Count : 0),
                .. source.Conditions(question.Events!.Filters),
            ]);
    }

    /// <summary>The values with the most events keep their names.</summary>
    private static string Groups(ExploreScope scope) => scope.Question.By is null ? "" : $"""
        top AS (
          SELECT grp FROM all_events{(scope.Question.Compare ? " WHERE now" : "")}
          GROUP BY grp ORDER BY count(*) DESC, grp LIMIT {scope.Question.Top}),
        events AS (
          SELECT * REPLACE (CASE WHEN grp IN (SELECT grp FROM top) THEN grp ELSE {ExploreScope.Other} END AS grp)
          FROM all_events),

        """;

    private static string Measures(ExploreQuestion question)
    {
        string call = question.Measure switch
        {
            "count" => "count(*)",
            "users" => "count(DISTINCT value)",
            "sum" or "avg" or "min" or "max" => $"{question.Measure}(value)",
            "p50" or "p90" or "p95" or "p99" => $"quantile_cont(value, 0.{question.Measure[1..]})",
            _ => throw Bad(
                $"there is no measure \"{question.Measure}\"",
                "measures: count, users, sum, avg, min, max, p50, p90, p95, p99"),
        };
        return question.Compare
            ? $"{call} FILTER (WHERE now) AS value, {call} FILTER (WHERE NOT now) AS before"
            : $"{call} AS value";
    }

    /// <summary>Every moment of the time asked for that has begun, for each value.</summary>
    private static string Spine(ExploreScope scope)
    {
        ExploreQuestion question = scope.Question;
        string moments = question.Unit == "day"
            ? $"SELECT CAST(unnest(generate_series({scope.Days.First}, {scope.Days.Last}, INTERVAL 1 DAY)) AS DATE)"
                + " AS ts"
            : $"SELECT unnest(generate_series(CAST({scope.Days.First} AS TIMESTAMPTZ), "
                + $"least(now(), CAST({scope.Days.Day(scope.Days.Count)} AS TIMESTAMPTZ) - INTERVAL 1 MICROSECOND), "
                + $"INTERVAL 1 {question.Unit.ToUpperInvariant()})) AS ts";
        return question.By is null
            ? moments
            : $"SELECT m.ts, g.grp FROM ({moments}) AS m CROSS JOIN (SELECT DISTINCT grp FROM counted) AS g";
    }

    private static string Filled(ExploreQuestion question, string value) =>
        question.Measure is "count" or "users" or "sum" ? $"coalesce({value}, 0)" : value;
}
