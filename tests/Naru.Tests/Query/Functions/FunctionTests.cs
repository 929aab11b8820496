using System.Text.Json;
using Naru.Access;
using Naru.Access.Tickets;
using Naru.Lake.DuckDb;
using Naru.Query;
using Naru.Query.Functions;
using Naru.Query.History;
using Naru.Query.Worker;
using Naru.Tests.Tidy;

namespace Naru.Tests.Query.Functions;

/// <summary>Functions by name and meaning, each through a real worker.</summary>
public sealed class FunctionTests(ShopLake shop) : IClassFixture<ShopLake>
{
    [Fact]
    public Task Trinos_words_mean_in_its_dialect_what_its_documentation_says() =>
        HoldAsync("trino.txt", SqlDialect.Trino);

    [Fact]
    public Task Our_functions_give_what_is_expected_in_the_usual_dialect() =>
        HoldAsync("naru.txt", SqlDialect.Naru);

    [Theory]
    [InlineData("SELECT 1 + 1, 'a' AS b, upper('x')", "_col0,b,_col2", true)]
    [InlineData("SELECT x, x / 2 FROM (VALUES 4) t(x)", "x,_col1", true)]
    [InlineData("SELECT count(*) FROM (VALUES 4) t(x) UNION ALL SELECT 5", "_col0", true)]
    [InlineData("SELECT approx_percentile(x, 0.5) FROM range(3) t(x)", "approx_percentile(x, 0.5)", false)]
    [InlineData("SELECT day_of_week(DATE '2026-01-01')", "day_of_week(CAST('2026-01-01' AS \"DATE\"))",
        false)]
    public async Task Columns_are_named_as_the_dialect_has_it(string sql, string names, bool trino)
    {
        MemorySink sink = await shop.RunAsync(new QueryRequest
        {
            Sql = sql, Principal = Principal.Open, Format = ResultFormat.Json,
            Dialect = trino ? SqlDialect.Trino : SqlDialect.Naru,
        });
        using JsonDocument answer = JsonDocument.Parse(sink.Text);
        Assert.Equal(names, string.Join(',', answer.RootElement.GetProperty("columns").EnumerateArray()
            .Select(static column => column.GetProperty("name").GetString())));
    }

    [Theory]
    [InlineData("SELECT 1,\n  nosuch FROM kr_shop.ad_click", QueryCodes.UnknownColumn, 2, 3)]
    [InlineData("SELECT X'41', 7 / 2,\n nosuch FROM kr_shop.ad_click", QueryCodes.UnknownColumn, 2, 2)]
    [InlineData("SELECT IF(true, 1), aprox_distinct(ad_id) FROM kr_shop.ad_click", QueryCodes.UnknownFunction, 1, 21)]
    [InlineData("SELECT X'41' FROM nosuch", QueryCodes.UnknownTable, 1, 19)]
    [InlineData("SELECT X'41' FROM FROM", QueryCodes.SyntaxError, 1, 19)]
    [InlineData("SELECT read_text('/etc/passwd')", QueryCodes.FunctionNotAllowed, 1, 8)]
    [InlineData("SELECT replace_type(1, 2, 3)", QueryCodes.FunctionNotAllowed, 1, 8)]
    [InlineData("SELECT naru_narrow(1)", QueryCodes.UnknownFunction, 1, 8)]
    [InlineData("SELECT 1 / 0", QueryCodes.DivisionByZero, null, null)]
    public async Task A_fault_is_told_at_its_place_in_the_text_as_sent(string sql, string code, int? line, int? column)
    {
        QueryException exception = await Assert.ThrowsAsync<QueryException>(() => shop.RunAsync(new QueryRequest
        {
            Sql = sql, Principal = Principal.Open, Format = ResultFormat.Json, Dialect = SqlDialect.Trino,
        }));
        Assert.Equal((code, line, column), (exception.Error.Code, exception.Error.Line, exception.Error.Column));
    }

    [Fact]
    public async Task A_mistyped_function_is_answered_with_the_nearest_one()
    {
        QueryError error = await shop.RefusedAsync("SELECT json_extract_scaler('{}', '$.a')");
        Assert.Equal("did you mean json_extract_scalar?", error.Hint);
    }

    [Fact]
    public async Task Countries_of_addresses_come_from_the_file_that_the_setting_names()
    {
        string file = Path.Combine(shop.Lake.Root, "ip.csv");
        File.WriteAllText(file, "start,end,country\n1.0.0.0,1.0.0.255,AU\n");
        QueryService service = new(
            ShopLake.Options with { IpCountryFile = file },
            shop.Lake,
            shop.Pools,
            new QueryRegistry(1, TimeProvider.System),
            new QueryKeepers(TicketBook.None, NoHistory.Instance),
            TimeProvider.System,
            shop.Log);
        MemorySink sink = new();
        await service.RunAsync(
            new QueryRequest
            {
                Sql = "SELECT ip_country('1.0.0.7') AS a, ip_country('9.9.9.9') AS b",
                Principal = Principal.Open,
                Format = ResultFormat.Csv,
            },
            sink,
            TestContext.Current.CancellationToken);
        Assert.Equal("a,b\nAU,\n", sink.Text);
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task Trinos_dialect_opens_no_way_that_is_shut()
    {
        List<string> wrong = [];
        foreach ((string statement, string outcome) in EscapeTests.Statements)
        {
            string sql = statement
                .Replace("{secure}", shop.Lake.FilesOf(ShopLake.ClicksSecure)[0], StringComparison.Ordinal)
                .Replace("{lake}", shop.Lake.Lake, StringComparison.Ordinal);
            foreach (string asked in (string[])[sql, sql + " -- X'41'", $"WITH a AS (SELECT X'41') {sql}"])
            {
                string came = await OutcomeAsync(asked);
                if (came != outcome && !(asked.StartsWith("WITH", StringComparison.Ordinal)
                    && came is QueryCodes.SyntaxError or QueryCodes.NotAQuery))
                {
                    wrong.Add($"{asked}: {came}, not {outcome}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task Every_scalar_takes_whatever_it_is_given()
    {
        Dictionary<DuckDbTypeKind, string> arguments = new()
        {
            [DuckDbTypeKind.Varchar] = "s",
            [DuckDbTypeKind.Blob] = "encode(s)",
            [DuckDbTypeKind.BigInt] = "n",
            [DuckDbTypeKind.Double] = "d",
        };
        IEnumerable<string> calls = OwnScalars.All
            .Where(static scalar => OwnFunctions.NewNames.Contains(scalar.Name) && scalar.Name != "ip_country")
            .Select(scalar => $"TRY({scalar.Name}({string.Join(", ", scalar.Parameters.Select(
                (kind, at) => at == 1 && kind == DuckDbTypeKind.Varchar ? "s2" : arguments[kind]))}))");
        const string Texts = "(''), ('%'), ('%%%4'), ('http://'), ('://'), ('?'), ('&&&=='), ('?=&='), ('http://[::'), "
            + "('http://@:@:/:'), ('http://a:99999999999999999999/'), ('#?#?'), ('\u00e9\U0001F469\u200d'), "
            + "(repeat('%', 100000)), (repeat('a.', 50000)), ('http://' || repeat('x.', 50000)), ('$[\"'), (NULL)";
        MemorySink sink = await shop.RunAsync(new QueryRequest
        {
            Sql = $"SELECT {string.Join(", ", calls.Select(static call => $"count({call} IS NULL)"))} "
                + $"FROM (VALUES {Texts}) t(s), (VALUES ('q'), ('')) u(s2), "
                + "(VALUES (0), (-1), (36), (9223372036854775807)) v(n), "
                + "(VALUES ('nan'::DOUBLE), ('-inf'::DOUBLE), (1e300), (0.5)) w(d)",
            Principal = Principal.Open,
            Format = ResultFormat.Csv,
        });
        Assert.All(sink.Text.Split('\n')[1].Split(','), static count => Assert.Equal("576", count));
    }

    private async Task<string> OutcomeAsync(string sql)
    {
        try
        {
            await shop.RunAsync(new QueryRequest
            {
                Sql = sql, Principal = Principal.Open, Format = ResultFormat.Csv, Dialect = SqlDialect.Trino,
            });
            return EscapeTests.Answered;
        }
        catch (QueryException exception)
        {
            return exception.Error.Code;
        }
    }

    private async Task HoldAsync(string file, SqlDialect dialect)
    {
        List<string> wrong = [];
        foreach ((string Expression, string Expected)[] chunk in ReadCases(file).Chunk(25))
        {
            string[]? together = chunk.Any(static one => one.Expected.StartsWith('!'))
                ? null
                : await TryValuesAsync(chunk.Select(static one => one.Expression), dialect);
            for (int i = 0; i < chunk.Length; i++)
            {
                (string expression, string expected) = chunk[i];
                string found = together?[i] ?? await ValueAsync(expression, dialect);
                bool right = expected.StartsWith('!')
                    ? found.StartsWith('!') && found.Contains(expected[1..], StringComparison.OrdinalIgnoreCase)
                    : found == expected;
                if (!right)
                {
                    wrong.Add($"{expression}\n    is {found}\n    not {expected}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private async Task<string> ValueAsync(string expression, SqlDialect dialect)
    {
        try
        {
            return (await ValuesAsync([expression], dialect))[0];
        }
        catch (QueryException exception)
        {
            return "!" + exception.Error.Message;
        }
    }

    private async Task<string[]?> TryValuesAsync(IEnumerable<string> expressions, SqlDialect dialect)
    {
        try
        {
            return await ValuesAsync(expressions, dialect);
        }
        catch (QueryException)
        {
            return null;
        }
    }

    private async Task<string[]> ValuesAsync(IEnumerable<string> expressions, SqlDialect dialect)
    {
        IEnumerable<string> casts = expressions.Select(static one => $"CAST({one} AS VARCHAR)");
        MemorySink sink = await shop.RunAsync(new QueryRequest
        {
            Sql = $"SELECT {string.Join(", ", casts)}",
            Principal = Principal.Open,
            Format = ResultFormat.Json,
            Dialect = dialect,
        });
        using JsonDocument answer = JsonDocument.Parse(sink.Text);
        return [.. answer.RootElement.GetProperty("rows")[0].EnumerateArray().Select(static cell => cell.GetString())
            .Select(static text => text is null ? "NULL" : text.Length == 0 ? "(empty)" : text)];
    }

    /// <summary>Those that are to fail last, so that the others can be asked many at a time.</summary>
    private static IEnumerable<(string Expression, string Expected)> ReadCases(string file)
    {
        string path = Path.Combine(Repository.Root, "tests", "Naru.Tests", "Query", "Functions", file);
        return File.ReadLines(path)
            .Where(static line => line.Length > 0 && !line.StartsWith('#'))
            .Select(static line => (line[..line.LastIndexOf(" => ", StringComparison.Ordinal)],
                line[(line.LastIndexOf(" => ", StringComparison.Ordinal) + 4)..]))
            .OrderBy(static one => one.Item2.StartsWith('!'));
    }
}
