using System.Diagnostics;
using Naru.Access;
using Naru.Query;
using Naru.Query.Worker;

namespace Naru.Tests.Query;

/// <summary>
/// H11: hostile statements and their outcomes; <see cref="WayMatrixTests"/> asks them all, by every way.
/// </summary>
public class EscapeTests(ShopLake shop) : IClassFixture<ShopLake>
{
    internal const string Answered = "ok";

    /// <summary>What the open principal is told; a reader is never told more.</summary>
    internal static readonly (string Sql, string Outcome)[] Statements =
    [
        ("SELECT * FROM read_text('/etc/passwd')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM read_csv('/etc/passwd')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM read_blob('/proc/self/environ')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM read_parquet('{secure}')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM parquet_scan('{secure}')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM parquet_metadata('{secure}')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM parquet_schema('{secure}')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM parquet_kv_metadata('{secure}')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM '{secure}'", QueryCodes.UnknownTable),
        ("SELECT * FROM \"{secure}\"", QueryCodes.UnknownTable),
        ("FROM '/etc/passwd'", QueryCodes.UnknownTable),
        ("SELECT * FROM glob('{lake}/**')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM sniff_csv('/etc/passwd')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM query('SELECT 1')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM query_table('kr_shop.ad_click')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM query_table(['duckdb_settings'])", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM histogram('kr_shop.ad_click', cost)", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM json_execute_serialized_sql('{}')", QueryCodes.FunctionNotAllowed),
        ("SELECT json_serialize_plan('SELECT 1')", QueryCodes.FunctionNotAllowed),
        ("SELECT json_serialize_sql('SELECT 1')", QueryCodes.FunctionNotAllowed),
        ("SELECT current_setting('temp_directory')", QueryCodes.FunctionNotAllowed),
        ("SELECT main.current_setting('allowed_paths')", QueryCodes.FunctionNotAllowed),
        ("SELECT getvariable('x')", QueryCodes.FunctionNotAllowed),
        ("SELECT getenv('HOME')", QueryCodes.UnknownFunction),
        ("SELECT write_log('x')", QueryCodes.FunctionNotAllowed),
        ("SELECT sleep_ms(100000)", QueryCodes.FunctionNotAllowed),
        ("SELECT nextval('x')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM enable_logging()", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM enable_profiling()", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM enable_peg_parser()", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM checkpoint()", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM truncate_duckdb_logs()", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM duckdb_settings()", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM duckdb_views()", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM duckdb_secrets()", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM duckdb_logs", QueryCodes.UnknownTable),
        ("SELECT * FROM duckdb_settings", QueryCodes.UnknownTable),
        ("SELECT * FROM sqlite_master", QueryCodes.UnknownTable),
        ("SELECT * FROM pg_catalog.pg_settings", QueryCodes.UnknownTable),
        ("SELECT * FROM information_schema.routines", QueryCodes.UnknownTable),
        ("SELECT * FROM system.main.duckdb_settings", QueryCodes.UnknownTable),
        ("SELECT * FROM pragma_table_info('kr_shop.ad_click')", QueryCodes.FunctionNotAllowed),
        ("COPY (SELECT 1) TO '{secure}' (USE_TMP_FILE false)", QueryCodes.NotAQuery),
        ("EXPLAIN ANALYZE COPY (SELECT 1) TO '{secure}' (USE_TMP_FILE false)", QueryCodes.NotAQuery),
        ("EXPLAIN COPY (SELECT 1) TO '{secure}'", QueryCodes.NotAQuery),
        ("EXPORT DATABASE '{lake}'", QueryCodes.NotAQuery),
        ("ATTACH '{lake}/x.db'", QueryCodes.NotAQuery),
        ("ATTACH ':memory:'", QueryCodes.NotAQuery),
        ("CREATE TABLE t AS SELECT 1", QueryCodes.NotAQuery),
        ("CREATE MACRO m() AS TABLE FROM read_text('/etc/passwd')", QueryCodes.NotAQuery),
        ("DROP VIEW kr_shop.ad_click", QueryCodes.NotAQuery),
        ("DELETE FROM kr_shop.ad_click", QueryCodes.NotAQuery),
        ("SET lock_configuration = false", QueryCodes.NotAQuery),
        ("SET VARIABLE x = 1", QueryCodes.NotAQuery),
        ("RESET enable_external_access", QueryCodes.NotAQuery),
        ("PRAGMA enable_profiling", QueryCodes.NotAQuery),
        ("CALL enable_logging()", QueryCodes.NotAQuery),
        ("INSTALL httpfs", QueryCodes.NotAQuery),
        ("LOAD '/tmp/x.duckdb_extension'", QueryCodes.NotAQuery),
        ("SELECT 1; DROP VIEW kr_shop.ad_click", QueryCodes.SeveralStatements),
        ("SELECT 1; SELECT 2", QueryCodes.SeveralStatements),
        ("SELECT $1", QueryCodes.ParametersNotSupported),
        ("WITH t AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM t", QueryCodes.FunctionNotAllowed),
        ("SELECT (SELECT max(content) FROM read_text('/etc/passwd'))", QueryCodes.FunctionNotAllowed),
        ("SELECT 1 ORDER BY (SELECT content FROM read_text('/etc/passwd'))", QueryCodes.FunctionNotAllowed),
        ("SELECT 1 LIMIT (SELECT count(*) FROM duckdb_settings())", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM duckdb_settings, (WITH duckdb_settings AS (SELECT 1) SELECT 1) t", QueryCodes.UnknownTable),
        ("DESCRIBE SELECT * FROM read_text('/etc/passwd')", QueryCodes.FunctionNotAllowed),
        ("SUMMARIZE FROM read_text('/etc/passwd')", QueryCodes.FunctionNotAllowed),
        ("SELECT * FROM (SHOW TABLES)", QueryCodes.NotSupported),
        ("SHOW VARIABLES", QueryCodes.NotSupported),
        ("SELECT * FROM kr_shop.ad_click AT (VERSION => 1)", QueryCodes.NotUnderstood),
        ("SELECT count(*) FROM kr_shop.ad_click", Answered),
        ("SHOW TABLES", Answered),
        ("EXPLAIN ANALYZE SELECT count(*) FROM kr_shop.ad_click", Answered),
    ];

    [Fact]
    public async Task Secure_fields_are_unreadable_without_the_right_by_any_way()
    {
        string[] asked =
        [
            "SELECT * FROM kr_shop.\"ad_click$secure\"",
            "SELECT user_id FROM naru.kr_shop.\"ad_click$secure\"",
            "DESCRIBE kr_shop.\"ad_click$secure\"",
            "SUMMARIZE kr_shop.\"ad_click$secure\"",
            "EXPLAIN SELECT * FROM kr_shop.\"ad_click$secure\"",
            "EXPLAIN ANALYZE SELECT * FROM kr_shop.\"ad_click$secure\"",
            "SELECT * FROM kr_shop.\"ad_click$raw\"",
            "SELECT (SELECT max(user_id) FROM kr_shop.\"ad_click$secure\")",
        ];
        foreach (string sql in asked)
        {
            QueryError error = await shop.RefusedAsync(sql, ShopLake.Reader);
            Assert.Equal(QueryCodes.Forbidden, error.Code);
            Assert.Equal(403, error.Status);
        }

        string columns = await shop.AskAsync(
            "SELECT table_name, column_name FROM information_schema.columns", principal: ShopLake.Reader);
        Assert.DoesNotContain("secure", columns, StringComparison.Ordinal);
        Assert.DoesNotContain("user_id", columns, StringComparison.Ordinal);
        Assert.DoesNotContain("impression", columns, StringComparison.Ordinal);
        Assert.Contains("placement", columns, StringComparison.Ordinal);

        QueryError other = await shop.RefusedAsync("SELECT * FROM kr_ad.impression", ShopLake.Reader);
        Assert.Equal("table \"kr_ad.impression\" does not exist", other.Message);
        string secret = await shop.AskAsync(
            "SELECT user_id FROM kr_shop.\"ad_click$secure\"", principal: ShopLake.SecureReader);
        Assert.Equal("user_id\nsecret-canary\n", secret);
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task What_allocates_without_bound_or_plans_for_ever_ends_alone()
    {
        string nested = string.Concat(Enumerable.Repeat("SELECT (", 40)) + "SELECT 1" + new string(')', 40);
        string lambda = string.Concat(Enumerable.Repeat("list_transform([1], x -> ", 30)) + "x" + new string(')', 30);
        string[] allowed =
        [
            QueryCodes.OutOfMemory, QueryCodes.WorkerEnded, QueryCodes.ValueError, QueryCodes.Timeout,
            QueryCodes.TooComplex,
        ];
        (string Sql, string[] Codes)[] hostile =
        [
            ("SELECT length(repeat('x', 2000000000))", allowed),
            ("SELECT len(range(2000000000))", allowed),
            (nested, [QueryCodes.TooComplex]),
            ($"SELECT {lambda}", [QueryCodes.TooComplex]),
            ($"SELECT {string.Join(" + ", Enumerable.Repeat("1", 900))}", [QueryCodes.TooComplex]),
            ("SELECT " + new string('(', 60_000) + "1", [QueryCodes.SyntaxError, QueryCodes.WorkerEnded]),
            ("SELECT '" + new string('x', 200_000) + "'", [QueryCodes.StatementTooLong]),
        ];
        foreach ((string sql, string[] codes) in hostile)
        {
            Assert.Contains(await OutcomeAsync(sql, Principal.Open), codes);
            Assert.Equal("n\n1\n", await shop.AskAsync("SELECT 1 AS n"));
        }
    }

    [Fact]
    public async Task A_query_past_its_deadline_ends_within_a_second()
    {
        QueryRequest request = new()
        {
            Sql = "SELECT count(*) FROM range(100000000000) a, range(1000) b",
            Principal = Principal.Open,
            Format = ResultFormat.Csv,
            Timeout = TimeSpan.FromSeconds(1),
        };
        long started = Stopwatch.GetTimestamp();
        QueryException exception = await Assert.ThrowsAsync<QueryException>(() => shop.RunAsync(request));
        Assert.Equal(QueryCodes.Timeout, exception.Error.Code);
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0.9, 30);
        Assert.Equal("n\n1\n", await shop.AskAsync("SELECT 1 AS n"));
        Assert.Equal(0, shop.Lake.OpenLeases);
    }

    [Fact]
    public async Task A_client_that_goes_away_ends_its_query()
    {
        using CancellationTokenSource gone = new(TimeSpan.FromMilliseconds(500));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => shop.AskAsync(
            "SELECT count(*) FROM range(100000000000) a, range(1000) b", stop: gone.Token));
        Assert.Equal("n\n1\n", await shop.AskAsync("SELECT 1 AS n"));
        Assert.Equal(0, shop.Pool.Counts.Busy);
    }

    [Fact]
    public async Task No_error_tells_a_path()
    {
        string[] failing =
        [
            "SELECT cost::DATE FROM kr_shop.ad_click",
            "SELECT CAST('x' AS INTEGER)",
            "SELECT nosuch FROM kr_shop.ad_click",
            "SELECT error('/etc/passwd and /var/lib/x.parquet')", "SELECT sum(ad_id) FROM kr_shop.ad_click",
        ];
        foreach (string sql in failing)
        {
            QueryError error = await shop.RefusedAsync(sql);
            Assert.DoesNotContain("/", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(".parquet", error.Message, StringComparison.Ordinal);
        }
    }

    private async Task<string> OutcomeAsync(string sql, Principal principal)
    {
        try
        {
            await shop.AskAsync(sql, ResultFormat.Csv, principal);
            return Answered;
        }
        catch (QueryException exception)
        {
            return exception.Error.Code;
        }
    }
}
