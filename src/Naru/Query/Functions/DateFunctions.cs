using static Naru.Query.Functions.FunctionGroup;

namespace Naru.Query.Functions;

/// <summary>Dates and times by Presto's names.</summary>
internal static class DateFunctions
{
    public static readonly FunctionGroup New = new("Dates and times",
    [
        Macro("date_format(timestamp, format)", "(t, f) AS strftime(t, naru_mysql_format(f))",
            "Text of a time by MySQL's format: `%Y-%m-%d %H:%i:%s`.") with
        {
            Differs = "The format must be a constant.",
        },
        Rewrite("date_parse(text, format)", "strptime($1, $2~mysql)",
            "TIMESTAMP of a text by MySQL's format.") with
        {
            Differs = "The format must be a constant; `%f` reads up to 6 digits.",
        },
        Macro("format_datetime(timestamp, format)", "(t, f) AS strftime(t, naru_joda_format(f))",
            "Text of a time by Joda's format: `yyyy-MM-dd HH:mm:ss.SSS`.") with
        {
            Differs = "The format must be a constant; letters `k K C G` are refused.",
        },
        Rewrite("parse_datetime(text, format)", "naru_instant(strptime($1, $2~joda))",
            "TIMESTAMP WITH TIME ZONE of a text by Joda's format; without a zone in it, the project's.") with
        {
            Differs = "The format must be a constant.",
        },
        Macro("from_unixtime(seconds[, zone])", "(s) AS to_timestamp(s), (s, z) AS to_timestamp(s)",
            "TIMESTAMP WITH TIME ZONE of seconds since 1970.") with
        {
            Differs = "A value carries no zone of its own: the zone is taken and changes nothing.",
        },
        Macro("from_unixtime_nanos(nanoseconds)", "(n) AS make_timestamptz(CAST(n // 1000 AS BIGINT))",
            "TIMESTAMP WITH TIME ZONE of nanoseconds since 1970, cut to microseconds."),
        Macro("to_unixtime(timestamp)", "(t) AS epoch(CAST(t AS TIMESTAMP WITH TIME ZONE))",
            "Seconds since 1970 as DOUBLE; a time without a zone is one of the project's zone."),
        Rewrite("date_add(unit, n, x)", "naru_date_add($1, $2, $3)",
            "x and n units: millisecond … year; a DATE stays a DATE.") with { Arguments = (3, 3) },
        Macro("day_of_week(x)", "(x) AS isodow(x)", "1 is Monday, 7 is Sunday."),
        Macro("dow(x)", "(x) AS isodow(x)", "As day_of_week."),
        Macro("day_of_month(x)", "(x) AS day(x)", "Day of the month."),
        Macro("day_of_year(x)", "(x) AS dayofyear(x)", "Day of the year, from 1."),
        Macro("doy(x)", "(x) AS dayofyear(x)", "As day_of_year."),
        Macro("week_of_year(x)", "(x) AS week(x)", "ISO week, 1 to 53."),
        Macro("year_of_week(x)", "(x) AS isoyear(x)", "Year of the ISO week."),
        Macro("yow(x)", "(x) AS isoyear(x)", "As year_of_week."),
        Macro("last_day_of_month(x)", "(x) AS last_day(x)", "DATE of the month's last day."),
        Macro("at_timezone(timestamp, zone)", "(t, z) AS timezone(z, CAST(t AS TIMESTAMP WITH TIME ZONE))",
            "The clock in a zone at that instant, as TIMESTAMP.") with
        {
            Differs = "Trino gives a TIMESTAMP WITH TIME ZONE of that zone; here no value carries a zone.",
        },
        Macro("with_timezone(timestamp, zone)", "(t, z) AS timezone(z, CAST(t AS TIMESTAMP))",
            "TIMESTAMP WITH TIME ZONE of a clock's time in a zone."),
        Macro("current_timezone()", "() AS current_setting('TimeZone')", "The project's zone."),
        Macro("to_iso8601(x)",
            "(x) AS CASE typeof(x) WHEN 'DATE' THEN CAST(CAST(x AS DATE) AS VARCHAR) "
            + "WHEN 'TIMESTAMP WITH TIME ZONE' THEN strftime(timezone('UTC', CAST(x AS TIMESTAMP WITH TIME ZONE)), "
            + "'%Y-%m-%dT%H:%M:%S.%gZ') ELSE strftime(CAST(x AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%g') END",
            "ISO 8601 text; an instant in UTC, with Z."),
        Macro("from_iso8601_timestamp(text)", "(t) AS CAST(t AS TIMESTAMP WITH TIME ZONE)",
            "TIMESTAMP WITH TIME ZONE; without a zone in it, the project's.") with
        {
            Differs = "Week dates (2020-W10) are not read.",
        },
        Macro("from_iso8601_date(text)", "(t) AS CAST(t AS DATE)", "DATE of `2020-05-11`.") with
        {
            Differs = "Week dates are not read.",
        },
        Scalar("human_readable_seconds(seconds)", "`1 minute, 36 seconds`; a DOUBLE is rounded."),
    ]);
}
