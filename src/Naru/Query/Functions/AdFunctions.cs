using static Naru.Query.Functions.FunctionGroup;

namespace Naru.Query.Functions;

/// <summary>What search and ad logs are asked for every day.</summary>
internal static class AdFunctions
{
    public static readonly FunctionGroup New = new("Search and ad logs",
    [
        Scalar("query_param(url, name)",
            "First value of that name in an address's query, decoded; also of addresses that are no right URL."),
        Macro("referrer_channel(referrer[, page])",
            "(r) AS naru_referrer_channel(coalesce(r, ''), ''), "
            + "(r, p) AS naru_referrer_channel(coalesce(r, ''), coalesce(p, ''))",
            "`paid`, `search`, `social`, `email`, `referral`, `internal` or `direct`: by the page's click ids and "
            + "utm_medium first, then by the referring site."),
        Scalar("referrer_search_term(referrer)", "The words searched for, when a searching site tells them."),
        Scalar("user_agent_class(header)",
            "STRUCT(browser, os, device, bot); device is desktop, mobile, tablet, tv, bot or other."),
        Scalar("is_bot(header)", "Whether a User-Agent header is a program's; an empty one is."),
        Scalar("ip_country(address)",
            "Country of an IPv4 or IPv6 address as two letters, by the file of the setting `query.ip_country_file`."),
        Macro("ctr(clicks, impressions)", "(c, i) AS CASE WHEN i > 0 THEN CAST(c AS DOUBLE) / i END",
            "Clicks for each impression; null without impressions."),
        Macro("ctr_interval(clicks, impressions[, confidence])",
            "(c, i) AS naru_wilson(CAST(c AS DOUBLE), CAST(i AS DOUBLE), CAST(1.959963984540054 AS DOUBLE)), "
            + "(c, i, p) AS naru_wilson(CAST(c AS DOUBLE), CAST(i AS DOUBLE), naru_normal_quantile(CAST(p AS DOUBLE)))",
            "STRUCT(low, high): Wilson's interval of the rate, 95% unless told otherwise."),
        Macro("wilson_lower(successes, trials[, confidence])",
            "(c, i) AS struct_extract(ctr_interval(c, i), 'low'), "
            + "(c, i, p) AS struct_extract(ctr_interval(c, i, p), 'low')",
            "Lower end of Wilson's interval: sorts rates by what is sure of them."),
        Macro("wilson_upper(successes, trials[, confidence])",
            "(c, i) AS struct_extract(ctr_interval(c, i), 'high'), "
            + "(c, i, p) AS struct_extract(ctr_interval(c, i, p), 'high')",
            "Upper end of Wilson's interval."),
        Macro("starts_session(time, previous, gap)",
            "(t, p, g) AS CASE WHEN p IS NULL OR t - p > g THEN 1 ELSE 0 END",
            "1 when a session begins: more than the gap after the event before, or the first; its running sum numbers "
            + "sessions."),
    ])
    {
        Note = "Sessions of a user, 30 minutes apart: "
            + "`sum(starts_session(t, p, INTERVAL 30 MINUTE)) OVER (PARTITION BY user ORDER BY t)` over rows that have "
            + "`lag(t) OVER (PARTITION BY user ORDER BY t) AS p`.",
    };
}
