using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Naru.Lake.DuckDb;

namespace Naru.Query.Functions.Scalars;

/// <summary>Scalars over texts, bytes and addresses. None allocates more than a few times its argument.</summary>
internal static class TextScalars
{
    private const DuckDbTypeKind Text = DuckDbTypeKind.Varchar;
    private const DuckDbTypeKind Blob = DuckDbTypeKind.Blob;
    private const DuckDbTypeKind Whole = DuckDbTypeKind.BigInt;

    /// <summary>What a division by zero in Trino's dialect is told; its error code follows from this.</summary>
    public const string DivisionByZeroWords = "division by zero";

    public static readonly ImmutableArray<ScalarFunction> All =
    [
        new("naru_mysql_format", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(TimeFormats.OfMySql(row.Text(0)))),
        new("naru_joda_format", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(TimeFormats.OfJoda(row.Text(0)))),
        new("naru_json_path", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(JsonPath(row.Text(0)))),
        new("from_utf8", [Blob], Text, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(row.Text(0))),
        new("soundex", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(Soundex(row.Text(0)))),
        new("luhn_check", [Text], DuckDbTypeKind.Boolean, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(Luhn(row.Bytes(0)))),
        new("sha512", [Blob], Blob, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(SHA512.HashData(row.Bytes(0)))),
        new("hmac_sha256", [Blob, Blob], Blob, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(HMACSHA256.HashData(row.Bytes(1), row.Bytes(0)))),
        new("crc32", [Blob], Whole, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set((long)Checksums.Crc32(row.Bytes(0)))),
        new("xxhash64", [Blob], Blob, static (in ScalarArguments row, in ScalarResult result) =>
        {
            Span<byte> bytes = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, Checksums.XxHash64(row.Bytes(0)));
            result.Set(bytes);
        }),
        new("from_base", [Text, Whole], Whole, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(FromBase(row.Text(0), row.Value<long>(1)))),
        new("naru_shift_left", [Whole, Whole], Whole, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(row.Value<long>(1) is >= 0 and < 64 and long bits ? row.Value<long>(0) << (int)bits : 0L)),
        new("naru_shift_right", [Whole, Whole], Whole, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(row.Value<long>(1) is >= 0 and < 64 and long bits ? row.Value<long>(0) >>> (int)bits : 0L)),
        new("naru_cardinality", [DuckDbTypeKind.Any], Whole, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(row.Kind(0) is DuckDbTypeKind.List or DuckDbTypeKind.Map
                ? (long)row.Value<DuckDbListEntry>(0).Length
                : throw new ScalarException("cardinality takes an array or a map"))),
        new("naru_replacement", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(Replacement(row.Text(0)))),
        new("naru_type_name", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(TypeNames.OfTrino(row.Text(0)))),
        new("human_readable_seconds", [DuckDbTypeKind.Double], Text,
            static (in ScalarArguments row, in ScalarResult result) => result.Set(Seconds(row.Value<double>(0)))),
    ];

    /// <summary>`$["a b"].c[0]` as DuckDB writes it: `$."a b".c[0]`.</summary>
    private static string JsonPath(string path)
    {
        if (path.Length == 0 || path[0] != '$')
        {
            // Presto takes a bare name for a member.
            return path.Length == 0 ? "$" : "$." + path;
        }

        StringBuilder result = new(path.Length + 4);
        for (int i = 0; i < path.Length; i++)
        {
            bool quoted = path[i] == '[' && i + 1 < path.Length && path[i + 1] is '"' or '\'';
            int end = quoted ? path.IndexOf($"{path[i + 1]}]", i + 2, StringComparison.Ordinal) : -1;
            if (end < 0)
            {
                result.Append(path[i]);
                continue;
            }

            result.Append(".\"").Append(path.AsSpan(i + 2, end - i - 2)).Append('"');
            i = end + 1;
        }

        return result.ToString();
    }

    /// <summary>Java's $1, ${1}, \$ and \\ as RE2's \1 and \\.</summary>
    private static string Replacement(string text)
    {
        StringBuilder result = new(text.Length + 4);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length)
            {
                i++;
                result.Append(text[i] == '\\' ? @"\\" : text[i].ToString());
            }
            else if (text[i] == '$')
            {
                bool braced = i + 1 < text.Length && text[i + 1] == '{';
                int digit = i + (braced ? 2 : 1);
                if (digit >= text.Length || !char.IsAsciiDigit(text[digit])
                    || (braced && (digit + 1 >= text.Length || text[digit + 1] != '}')))
                {
                    throw new ScalarException("after $ in a replacement stands the number of a group, 0 to 9");
                }

                result.Append('\\').Append(text[digit]);
                i = digit + (braced ? 1 : 0);
            }
            else
            {
                result.Append(text[i]);
            }
        }

        return result.ToString();
    }

    private static string Soundex(string word)
    {
        Span<char> code = stackalloc char[4];
        int count = 0;
        char last = '0';
        foreach (char character in word)
        {
            char letter = char.ToUpperInvariant(character);
            if (!char.IsAsciiLetterUpper(letter))
            {
                throw new ScalarException("soundex takes words of the letters A to Z");
            }

            char digit = "01230120022455012623010202"[letter - 'A'];
            if (count == 0)
            {
                code[count++] = letter;
            }
            else if (digit != '0' && digit != last && count < code.Length)
            {
                code[count++] = digit;
            }

            last = letter is 'H' or 'W' ? last : digit;
        }

        code[count..].Fill('0');
        return count == 0 ? "" : new string(code);
    }

    private static bool Luhn(ReadOnlySpan<byte> digits)
    {
        int sum = 0;
        for (int i = 0; i < digits.Length; i++)
        {
            int digit = digits[^(i + 1)] - '0';
            if (digit is < 0 or > 9)
            {
                throw new ScalarException("luhn_check takes digits only");
            }

            int doubled = digit * 2;
            sum = (sum + ((i & 1) == 0 ? digit : doubled > 9 ? doubled - 9 : doubled)) % 10;
        }

        return digits.Length > 0 && sum == 0;
    }

    private static long FromBase(string text, long radix)
    {
        if (radix is < 2 or > 36)
        {
            throw new ScalarException("a base is from 2 to 36");
        }

        bool negative = text.StartsWith('-');
        long value = 0;
        foreach (char character in text.AsSpan(negative ? 1 : 0))
        {
            int digit = char.IsAsciiDigit(character) ? character - '0'
                : char.IsAsciiLetter(character) ? (character | 0x20) - 'a' + 10
                : int.MaxValue;
            Int128 next = digit < radix
                ? ((Int128)value * radix) + digit
                : throw new ScalarException($"that is no number of base {radix}");
            value = next <= long.MaxValue ? (long)next : throw new ScalarException("the number is beyond BIGINT");
        }

        return text.Length > (negative ? 1 : 0)
            ? negative ? -value : value
            : throw new ScalarException("an empty text is no number");
    }

    private static string Seconds(double seconds)
    {
        if (!double.IsFinite(seconds) || Math.Abs(seconds) > long.MaxValue / 2)
        {
            throw new ScalarException("that many seconds cannot be told");
        }

        long left = Math.Abs((long)Math.Round(seconds, MidpointRounding.AwayFromZero));
        StringBuilder result = new();
        foreach ((string unit, long size) in (ReadOnlySpan<(string, long)>)
            [("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)])
        {
            long count = left / size;
            left %= size;
            if (count > 0 || (size == 1 && result.Length == 0))
            {
                result.Append(result.Length > 0 ? ", " : "").Append(CultureInfo.InvariantCulture, $"{count} {unit}")
                    .Append(count == 1 ? "" : "s");
            }
        }

        return result.ToString();
    }
}
