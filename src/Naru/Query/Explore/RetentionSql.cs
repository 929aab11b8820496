using static Naru.Query.Explore.ExploreFilters;

namespace Naru.Query.Explore;

/// <summary>
/// Who comes back. A user belongs to the day (week) of their first such event within the days asked for; period 0 is
/// that day, and counts who returned in it later than that event; period k is the k-th day (week) after it. Periods
/// that have not begun have no row.
/// </summary>
internal static class RetentionSql
{
    private const int PeriodsMax = 60;

    public static string Write(ExploreScope scope)
    {
        ExploreQuestion question = scope.Question;
        if (question.Unit is not ("day" or "week"))
        {
            throw Bad($"there is no unit \"{question.Unit}\" of a retention", "write day or week");
        }

        if (question.Periods is < 1 or > PeriodsMax)
        {
            throw Bad($"\"periods\" is {question.Periods}", $"write 1 to {PeriodsMax}");
        }

        ExploreEvents first = question.First
            ?? throw Bad("a retention has no first event", "write {\"first\": {\"log\": \"kr_shop.order\"}}");
        int length = question.Unit == "day" ? 1 : 7;
        string start = question.Unit == "day" ? "" : "CAST(date_trunc('week', ";
        string end = question.Unit == "day" ? "" : ") AS DATE)";
        return $"""
            WITH begins AS (
              {scope.Deeds(first)}),
            cohorts AS (
              SELECT who, min(ts) AS ts, {start}min(p_ymd){end} AS cohort FROM begins GROUP BY who),
            sizes AS (
              SELECT cohort, count(*) AS users FROM cohorts GROUP BY cohort),
            returns AS (
              {scope.Deeds(question.Again ?? first, (question.Periods + 1) * length)}),
            came AS (
              SELECT DISTINCT who, cohort, ({start}r.p_ymd{end} - cohort) // {length} AS period
              FROM returns AS r JOIN cohorts AS c USING (who) WHERE r.ts > c.ts),
            counted AS (
              SELECT cohort, period, count(*) AS returned FROM came GROUP BY cohort, period)
            SELECT s.cohort AS {Name(question.Unit)}, s.users, p.period, coalesce(c.returned, 0) AS returned,
              round(100.0 * coalesce(c.returned, 0) / s.users, 2) AS percent
            FROM sizes AS s CROSS JOIN range({question.Periods + 1}) AS p(period)
            LEFT JOIN counted AS c ON c.cohort = s.cohort AND c.period = p.period
            WHERE s.cohort + CAST(p.period AS INTEGER) * {length} <= current_date
            ORDER BY s.cohort, p.period
            """.ReplaceLineEndings("\n");
    }
}
