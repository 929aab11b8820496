using System.Collections.Frozen;

namespace Naru.Aggregates;

/// <summary>
/// Functions of one row that a continuous query may call: the result follows from the arguments alone, so that stream
/// and batch agree for ever, and no hostile event can make one take memory or time out of proportion to its size.
/// </summary>
internal static class RowFunctions
{
    /// <summary>Longest text that `replace` may put in the place of each match.</summary>
    public const int ReplacementCharactersMax = 100;

    private const string Offered = """
        !~~ !~~* % & * ** + - / // << >> ^ ^@ | || ~ ~~ ~~* ~~~ ->> @
        abs acos add asin atan atan2 cbrt ceil ceiling cos cot degrees divide even exp fdiv floor fmod gcd greatest
        greatest_common_divisor isfinite isinf isnan lcm least least_common_multiple ln log log10 log2 mod multiply
        pi pow power radians round round_even roundbankers sign signbit sin sqrt subtract tan trunc xor bit_count
        ascii chr concat concat_ws contains ends_with suffix prefix starts_with instr position strpos lcase lower left
        right len length char_length character_length strlen ltrim rtrim trim md5 sha1 sha256 ord reverse split_part
        str_split string_split substr substring translate ucase unicode upper strip_accents url_decode url_encode hex
        unhex to_hex from_hex base64 to_base64 from_base64 nfc_normalize parse_filename
        ilike_escape like_escape not_ilike_escape not_like_escape replace regexp_extract regexp_full_match
        regexp_matches regexp_replace
        json_array_length json_contains json_exists json_extract json_extract_path json_extract_path_text
        json_extract_string json_type json_valid json_value
        array_contains array_extract array_has array_length cardinality element_at list_contains list_element
        list_extract list_has list_position array_position list_indexof array_indexof list_value
        century date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname
        dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms epoch_ns epoch_us era hour isodow isoyear
        julian last_day make_date make_timestamp make_timestamp_ms make_timestamptz microsecond millennium millisecond
        minute month monthname quarter second strftime strptime try_strptime time_bucket timezone to_timestamp week
        weekday weekofyear year yearweek to_centuries to_days to_decades to_hours to_microseconds to_millennia
        to_milliseconds to_minutes to_months to_quarters to_seconds to_weeks to_years
        coalesce nullif ifnull if
        """;

    private const string Clock = "depends on when it runs, so the batch could never agree with the stream";
    private const string Chance = "is chance, so the batch could never agree with the stream";
    private const string Large = "can make a text without bounds out of one event";
    private const string Slow = "can take minutes for one event";

    private static readonly FrozenSet<string> Known =
        Split(Offered).ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, (string Why, string Mend)> Refused =
        new (string Names, string Why, string Mend)[]
        {
            ("now today current_date current_time current_timestamp current_localtime current_localtimestamp "
                + "localtime localtimestamp get_current_time get_current_timestamp transaction_timestamp age ago",
                Clock, "use event_time or _received_at"),
            ("random setseed uuid uuidv4 uuidv7 gen_random_uuid", Chance,
                "use a column: _id is different for every event, md5(_id) is spread evenly"),
            ("nextval currval txid_current", "changes with every call", "use a column"),
            ("hash", "may change with the engine's version", "use md5(x)"),
            ("repeat lpad rpad range generate_series format printf bar array_resize list_resize", Large,
                "use concat, substr or a CASE"),
            ("levenshtein damerau_levenshtein editdist3 jaccard jaro_similarity jaro_winkler_similarity hamming "
                + "mismatches", Slow, "compare with =, LIKE or regexp_matches"),
            ("unnest flatten json_each json_tree regexp_split_to_table", "makes several rows out of one",
                "count what a list holds with list_contains(x, 'a') or len(x)"),
            ("error", "ends the query", "an expression that fails on a row is NULL for it"),
        }
        .SelectMany(static group => group.Names.Split(' ').Select(name => (name, group.Why, group.Mend)))
        .ToFrozenDictionary(static row => row.name, static row => (row.Why, row.Mend), StringComparer.Ordinal);

    public static IEnumerable<string> Names => Known.Where(static name => char.IsAsciiLetter(name[0]));

    public static bool IsOffered(string name) => Known.Contains(name);

    /// <summary>Why it may not be called, and the mend; null for a name that was not decided on.</summary>
    public static (string Why, string Mend)? Refusal(string name) =>
        Refused.TryGetValue(name, out (string Why, string Mend) refusal) ? refusal : null;

    private static string[] Split(string names) =>
        names.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
