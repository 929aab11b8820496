using System.Collections.Immutable;
using System.Globalization;
using Naru.Lake.DuckDb;

namespace Naru.Query.Functions.Scalars;

/// <summary>url_extract_*: null for a text that is no URL, as Trino has it.</summary>
internal static class UrlScalars
{
    private const DuckDbTypeKind Text = DuckDbTypeKind.Varchar;

    public static readonly ImmutableArray<ScalarFunction> All =
    [
        new("url_extract_protocol", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
        {
            if (UrlParts.IsUrl(row.Bytes(0)) && UrlParts.Cut(row.Bytes(0)).Scheme is { Length: > 0 } scheme)
            {
                result.Set(scheme);
            }
        }),
        new("url_extract_host", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
        {
            if (UrlParts.IsUrl(row.Bytes(0)) && UrlParts.Cut(row.Bytes(0)).Host is { Length: > 0 } host)
            {
                result.Set(host);
            }
        }),
        new("url_extract_port", [Text], DuckDbTypeKind.BigInt,
            static (in ScalarArguments row, in ScalarResult result) =>
            {
                if (UrlParts.IsUrl(row.Bytes(0))
                    && int.TryParse(
                        UrlParts.Cut(row.Bytes(0)).Port, NumberStyles.None, CultureInfo.InvariantCulture, out int port))
                {
                    result.Set((long)port);
                }
            }),
        new("url_extract_path", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
        {
            if (UrlParts.IsUrl(row.Bytes(0)))
            {
                result.Set(UrlParts.Decode(UrlParts.Cut(row.Bytes(0)).Path));
            }
        }),
        new("url_extract_query", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
        {
            if (UrlParts.IsUrl(row.Bytes(0)) && UrlParts.Cut(row.Bytes(0)) is { HasQuery: true } parts)
            {
                result.Set(UrlParts.Decode(parts.Query));
            }
        }),
        new("url_extract_fragment", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
        {
            if (UrlParts.IsUrl(row.Bytes(0)) && UrlParts.Cut(row.Bytes(0)) is { HasFragment: true } parts)
            {
                result.Set(UrlParts.Decode(parts.Fragment));
            }
        }),
        new("url_extract_parameter", [Text, Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
        {
            if (UrlParts.IsUrl(row.Bytes(0))
                && UrlParts.TryFindParameter(UrlParts.Cut(row.Bytes(0)).Query, row.Bytes(1), out var value))
            {
                result.Set(UrlParts.Decode(value));
            }
        }),
        new("naru_url_encode", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(UrlParts.Encode(row.Bytes(0)))),
        new("naru_url_decode", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(UrlParts.Decode(row.Bytes(0)))),
    ];
}
