using static Naru.Query.Functions.FunctionGroup;

namespace Naru.Query.Functions;

/// <summary>Text, patterns, bytes and addresses by Presto's names.</summary>
internal static class TextFunctions
{
    public static readonly FunctionGroup New = new("Text",
    [
        Macro("levenshtein_distance(a, b)", "(a, b) AS levenshtein(a, b)", "Edits between two texts.") with
        {
            Differs = "Counts bytes.",
        },
        Macro("hamming_distance(a, b)", "(a, b) AS hamming(a, b)", "Places that differ; the lengths must agree."),
        Macro("codepoint(text)", "(c) AS unicode(c)", "Unicode code point of the first character."),
        Macro("normalize(text[, form])", "(t) AS nfc_normalize(t), (t, f) AS CASE WHEN upper(f) = 'NFC' "
            + "THEN nfc_normalize(t) ELSE error('only the form NFC is offered') END",
            "Unicode normalisation in form NFC.") with { Differs = "NFD, NFKC and NFKD are refused." },
        Macro("split_to_map(text, entries, pairs)",
            "(t, e, p) AS map_from_entries(list_transform(string_split(t, e), "
            + "lambda x: row(split_part(x, p, 1), substr(x, len(split_part(x, p, 1)) + len(p) + 1))))",
            "MAP of `a=1;b=2`."),
        Scalar("soundex(text)", "Sound of an English word."),
        Scalar("luhn_check(digits)", "Whether the last digit is the Luhn check of the others."),
        Scalar("from_utf8(bytes)", "Text of bytes; what is no UTF-8 becomes U+FFFD."),
        Macro("to_utf8(text)", "(t) AS encode(t)", "Bytes of a text."),
    ]);

    public static readonly FunctionGroup Patterns = new("Regular expressions",
    [
        Macro("regexp_like(text, pattern)", "(t, p) AS regexp_matches(t, p)", "Whether the pattern is found."),
        Macro("regexp_split(text, pattern)", "(t, p) AS string_split_regex(t, p)", "Array of what stands between."),
        Macro("regexp_count(text, pattern)", "(t, p) AS len(regexp_extract_all(t, p))", "How often it is found."),
    ])
    {
        Note = "Patterns are RE2's in both dialects: time is linear in the text; no look-around, no back-references.",
    };

    public static readonly FunctionGroup Bytes = new("Bytes and hashes",
    [
        Macro("to_base64url(bytes)",
            "(b) AS replace(replace(to_base64(b), '+', '-'), '/', '_')", "Base64 with - and _."),
        Macro("from_base64url(text)", "(t) AS from_base64(replace(replace(t, '-', '+'), '_', '/'))",
            "Bytes of base64 with - and _."),
        Scalar("sha512(bytes)", "SHA-512, as bytes."),
        Scalar("crc32(bytes)", "CRC-32, as BIGINT."),
        Scalar("xxhash64(bytes)", "XXH64 of seed 0, as 8 bytes, the highest first."),
        Scalar("hmac_sha256(bytes, key)", "HMAC with SHA-256, as bytes."),
    ]);

    public static readonly FunctionGroup Addresses = new("URLs",
    [
        Scalar("url_extract_protocol(url)", "`https`."),
        Scalar("url_extract_host(url)", "`example.com`."),
        Scalar("url_extract_port(url)", "8443, as BIGINT; null when none is written."),
        Scalar("url_extract_path(url)", "`/a/b`, decoded; empty when there is none."),
        Scalar("url_extract_query(url)", "What stands after `?`, decoded."),
        Scalar("url_extract_fragment(url)", "What stands after `#`, decoded."),
        Scalar("url_extract_parameter(url, name)", "First value of that name in the query, decoded."),
    ])
    {
        Note = "A text that is no URL by RFC 2396 (a blank, a half of `%2F`) gives null. For addresses as logs have "
            + "them, see query_param below.",
    };
}
