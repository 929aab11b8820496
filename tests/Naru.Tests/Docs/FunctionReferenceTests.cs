using System.Text;
using Naru.Query.Functions;
using Naru.Query.Gate;
using Naru.Tests.Tidy;

namespace Naru.Tests.Docs;

/// <summary>docs/sql-functions.md is the registry of functions, in words.</summary>
public sealed class FunctionReferenceTests
{
    [Fact]
    public void The_page_of_functions_is_what_the_registry_says() =>
        Golden.Check(Path.Combine(Repository.Root, "docs", "sql-functions.md"), Page());

    [Fact]
    public void Every_function_has_a_case_that_calls_it()
    {
        string cases = Repository.Read("tests/Naru.Tests/Query/Functions/trino.txt")
            + Repository.Read("tests/Naru.Tests/Query/Functions/naru.txt");
        string[] missing =
        [
            .. OwnFunctions.New.Concat(OwnFunctions.Trino).SelectMany(static group => group.Functions)
                .Select(static function => function.Name).Distinct()
                .Where(name => !cases.Contains(name + "(", StringComparison.OrdinalIgnoreCase)),
        ];
        Assert.True(missing.Length == 0, $"in no case: {string.Join(", ", missing)}");
    }

    [Fact]
    public void A_new_name_is_none_that_the_engine_has_already()
    {
        string[] clashes =
        [
            .. OwnFunctions.New.SelectMany(static group => group.Functions)
                .Where(static function => function.Arguments is null).Select(static function => function.Name)
                .Where(static name => SqlFunctions.MayCall(name) || SqlFunctions.IsRefused(name)),
        ];
        Assert.True(clashes.Length == 0, string.Join(", ", clashes));
    }

    private static string Page()
    {
        StringBuilder page = new(
            """
            # Functions

            This page is written from the program by `NARU_ACCEPT=1 ./test Reference`; do not edit it.

            SQL is DuckDB 1.5's, with all of its functions that read nothing but their arguments. On this page are those
            that Naru adds: names that people know from Presto and Trino, geometry, and what search and ad logs need.
            They are there in both dialects. Names that DuckDB has with another meaning keep DuckDB's, except in Trino's
            dialect: `/v1/statement` speaks it, and so do `POST /v1/sql?dialect=trino` and `naru sql --dialect trino`.

            What is not on this page is DuckDB's in both dialects, or is not offered. Of Trino's there are not:
            HyperLogLog and quantile digests as values, machine learning,
            `MATCH_RECOGNIZE`, `JSON_TABLE`, `json_query`, colours,
            Teradata's functions, `word_stem`, SphericalGeography.

            A null argument makes a null result unless it is said otherwise.

            """);
        foreach (FunctionGroup group in OwnFunctions.New)
        {
            Append(page, group);
        }

        page.Append("\n# Trino's dialect\n");
        Append(page, TrinoFunctions.Functions);
        page.Append("\n## Operators and syntax\n\n| | |\n| --- | --- |\n");
        foreach ((string form, string meaning) in TrinoFunctions.Syntax)
        {
            page.Append($"| {Code(form)} | {meaning.Replace("|", "\\|")} |\n");
        }

        page.Append(
            """

            ## What stays otherwise

            - An array's or map's subscript that is not there gives null; Trino fails.
            - Conversions that DuckDB makes by itself (`'1' = 1`) are made; Trino fails.
            - Text of values is DuckDB's: `CAST(1.5e0 AS VARCHAR)` is `1.5`, not `1.5E0`; of a time, the fraction only
              when there is one.
            - VARCHAR(n) and CHAR(n) neither cut nor pad.
            - `CAST(text AS JSON)` reads JSON; in Trino it makes a JSON string.
            - A TIMESTAMP WITH TIME ZONE carries no zone: it is shown in the project's.
            - `avg` and division of DECIMAL give DOUBLE.
            - A date less a date is a number of days; in Trino an interval.
            - `ln(0)` and `sqrt(-1)` fail; in Trino they give an infinity and NaN.
            - Division of INTEGER by INTEGER gives BIGINT.

            """);
        return page.ToString();
    }

    private static void Append(StringBuilder page, FunctionGroup group)
    {
        page.Append($"\n## {group.Title}\n");
        if (group.Note.Length > 0)
        {
            page.Append($"\n{group.Note}\n");
        }

        page.Append("\n| Function | What it gives | Not as in Trino |\n| --- | --- | --- |\n");
        foreach (OwnFunction function in group.Functions)
        {
            page.Append($"| {Code(function.Form)} | {function.Meaning.Replace("|", "\\|")} "
                + $"| {function.Differs.Replace("|", "\\|")} |\n");
        }
    }

    private static string Code(string text) => $"`{text.Replace("|", "\\|")}`";
}
