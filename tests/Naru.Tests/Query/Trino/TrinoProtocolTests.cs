using System.Net;
using System.Reflection;
using Naru.Query;
using Naru.Query.Trino;

namespace Naru.Tests.Query.Trino;

/// <summary>What goes over the wire, request by request, where a client library would hide it.</summary>
public sealed class TrinoProtocolTests(TrinoHost host) : IClassFixture<TrinoHost>
{
    private const string Many = "SELECT i, 'a longer name of row ' || i FROM range(20000000) t(i)";
    private const string Endless =
        "SELECT count(*) FROM range(100000000000) a(i), range(100000000000) b(j) WHERE i + j = -1";

    [Fact]
    public async Task The_first_answer_names_the_query_and_carries_no_rows()
    {
        TrinoReply first = await host.PostAsync("SELECT 1", "X-Trino-User: me");
        Assert.Equal("QUEUED", first.State);
        Assert.Equal($"{host.Http.BaseAddress}v1/query/{first.Id}", first.Json.GetProperty("infoUri").GetString());
        Assert.StartsWith(
            $"{host.Http.BaseAddress}v1/statement/queued/{first.Id}/", first.Next, StringComparison.Ordinal);
        Assert.False(first.Json.TryGetProperty("data", out _));
        Assert.False(first.Json.TryGetProperty("columns", out _));
    }

    [Fact]
    public async Task A_token_asked_again_gives_the_same_answer_and_older_ones_are_gone()
    {
        TrinoReply first = await host.PostAsync(Many);
        TrinoReply one = await host.GetAsync(first.Next!);
        TrinoReply again = await host.GetAsync(first.Next!);
        Assert.Equal(one.Body, again.Body);
        TrinoReply two = await host.GetAsync(one.Next!);
        Assert.NotEqual(one.Body, two.Body);
        Assert.Equal(two.Body, (await host.GetAsync(one.Next!)).Body);
        Assert.Equal(HttpStatusCode.Gone, (await host.GetAsync(first.Next!)).Status);
        string later = two.Next![..(two.Next!.LastIndexOf('/') + 1)] + "99";
        Assert.Equal(HttpStatusCode.NotFound, (await host.GetAsync(later)).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await host.Http.DeleteAsync(new Uri(two.Next!))).StatusCode);
    }

    [Fact]
    public async Task The_last_answer_can_be_had_again_too()
    {
        TrinoReply first = await host.PostAsync("SELECT 42");
        TrinoReply last = await host.GetAsync(first.Next!);
        Assert.Equal("FINISHED", last.State);
        Assert.Equal("[42]", last.Text);
        Assert.Equal(last.Body, (await host.GetAsync(first.Next!)).Body);
    }

    [Fact]
    public async Task An_address_is_as_good_as_its_secret_part()
    {
        TrinoReply first = await host.PostAsync("SELECT 1");
        string slug = first.Next!.Split('/')[^2];
        string other = first.Next.Replace(slug, new string('0', slug.Length), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await host.GetAsync(other)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await host.Http.DeleteAsync(new Uri(other))).StatusCode);
        string unknown = first.Next.Replace(first.Id, "20260101_000000_00000_abcde", StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await host.GetAsync(unknown)).Status);
        using HttpRequestMessage head = new(HttpMethod.Head, first.Next);
        Assert.Equal(HttpStatusCode.OK, (await host.Http.SendAsync(head)).StatusCode);
        Assert.Equal("[1]", (await host.GetAsync(first.Next)).Text);
    }

    [Fact]
    public async Task A_large_result_waits_for_its_client_and_not_in_the_servers_memory()
    {
        TrinoReply first = await host.PostAsync(Many);
        TrinoReply one = await host.GetAsync(first.Next!);
        TrinoReply two = await host.GetAsync(one.Next!);
        Assert.Equal("RUNNING", two.State);
        TrinoQuery query = host.Queries.Find(first.Id)!;

        // What was given, what is kept for the next answer, and one piece that came while it was full.
        Assert.InRange(query.Stats.Bytes, one.Body.Length + two.Body.Length - 10_000, 14_000_000);
        await host.Http.DeleteAsync(new Uri(two.Next!));
    }

    [Fact]
    public async Task A_cancelled_statement_says_that_it_was()
    {
        TrinoReply first = await host.PostAsync(Endless);
        TrinoReply running = await host.GetAsync(first.Next! + "?maxWait=1ms");
        Assert.NotNull(running.Next);
        Assert.Equal(HttpStatusCode.NoContent, (await host.Http.DeleteAsync(new Uri(running.Next))).StatusCode);
        TrinoReply last = await host.GetAsync(running.Next);
        Assert.Equal("FAILED", last.State);
        Assert.Equal("USER_CANCELED", last.ErrorName);
        Assert.Null(last.Next);
    }

    [Fact]
    public async Task A_killed_statement_tells_its_client_why()
    {
        TrinoReply first = await host.PostAsync(Endless);
        TrinoReply running = await host.GetAsync(first.Next! + "?maxWait=1ms");
        TrinoReply killed = await host.AskAsync(
            $"CALL system.runtime.kill_query(query_id => '{first.Id}', message => 'too hungry')");
        Assert.Equal("CALL", killed.Json.GetProperty("updateType").GetString());
        TrinoReply last = running;
        while (last.Next is string next)
        {
            last = await host.GetAsync(next);
        }

        Assert.Equal("ADMINISTRATIVELY_KILLED", last.ErrorName);
        Assert.Equal(38, last.Error.GetProperty("errorCode").GetInt32());
        Assert.Contains("too hungry", last.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prestos_headers_are_answered_with_its_own()
    {
        TrinoReply presto = await host.AskAsync("USE naru.kr_shop", "X-Presto-User: me");
        Assert.Equal("naru", presto.Headers["X-Presto-Set-Catalog"]);
        Assert.Equal("kr_shop", presto.Headers["X-Presto-Set-Schema"]);
        TrinoReply trino = await host.AskAsync("USE naru.kr_shop", "X-Trino-User: me");
        Assert.Equal("kr_shop", trino.Headers["X-Trino-Set-Schema"]);
    }

    [Theory]
    [InlineData("SET SESSION query_max_run_time = '1.5h'", "Set-Session", "query_max_run_time=1.5h", "SET SESSION")]
    [InlineData("reset session query_max_run_time;", "Clear-Session", "query_max_run_time", "RESET SESSION")]
    [InlineData("SET ROLE ALL", "Set-Role", "naru=ALL", "SET ROLE")]
    [InlineData("PREPARE \"a b\" FROM SELECT '?', ?", "Added-Prepare", "a%20b=SELECT%20%27%3F%27%2C%20%3F", "PREPARE")]
    [InlineData("DEALLOCATE PREPARE p", "Deallocated-Prepare", "p", "DEALLOCATE")]
    [InlineData("COMMIT", "Clear-Transaction-Id", "true", "COMMIT")]
    [InlineData("-- a comment\nROLLBACK WORK", "Clear-Transaction-Id", "true", "ROLLBACK")]
    public async Task A_sessions_statement_is_answered_by_a_header(
        string sql, string header, string value, string update)
    {
        TrinoReply reply = await host.AskAsync(sql, "X-Trino-Prepared-Statement: p=SELECT+1");
        Assert.Equal(value, reply.Headers[$"X-Trino-{header}"]);
        Assert.Equal(update, reply.Json.GetProperty("updateType").GetString());
        Assert.Equal("[true]", reply.Text);
    }

    [Fact]
    public async Task Unqualified_names_are_looked_up_in_the_sessions_schema_first()
    {
        const string Sql = "SELECT count(*) FROM ad_click";
        Assert.Equal("TABLE_NOT_FOUND", (await host.AskAsync(Sql)).ErrorName);
        Assert.Equal("[1510]", (await host.AskAsync(Sql, "X-Trino-Schema: kr_shop")).Text);
        Assert.Equal("TABLE_NOT_FOUND", (await host.AskAsync(Sql, "X-Trino-Schema: no'such\"one")).ErrorName);
        Assert.Equal("[1]", (await host.AskAsync(
            "SELECT count(*) FROM ad_daily", "X-Trino-Schema: kr_shop", "X-Trino-Catalog: naru")).Text);
    }

    [Theory]
    [InlineData("SELECT table_name FROM information_schema.tables ORDER BY 1")]
    [InlineData("SELECT TABLE_NAME FROM system.jdbc.tables WHERE table_schem LIKE '%' ESCAPE '\\' ORDER BY 1")]
    [InlineData("SELECT DISTINCT table_name FROM naru.information_schema.columns ORDER BY 1")]
    [InlineData("SELECT DISTINCT t.table_name FROM system.jdbc.columns t ORDER BY 1")]
    [InlineData("SELECT table_name FROM system.metadata.table_comments ORDER BY 1")]
    public async Task Lists_show_what_the_key_may_read_and_nothing_else(string sql)
    {
        Assert.Equal(
            """["ad_click"] ["ad_daily"] ["empty"]""",
            (await host.AskAsync(sql, "Authorization: Bearer reader")).Text.Replace('\n', ' '));
        Assert.Contains("impression", (await host.AskAsync(sql)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Show_and_describe_know_the_keys_rights()
    {
        string[] reader = ["Authorization: Bearer reader"];
        Assert.Equal("""["ad_click"] ["empty"]""",
            (await host.AskAsync("SHOW TABLES FROM kr_shop", reader)).Text.Replace('\n', ' '));
        Assert.DoesNotContain("kr_ad", (await host.AskAsync("SHOW SCHEMAS", reader)).Text, StringComparison.Ordinal);
        Assert.Equal("TABLE_NOT_FOUND", (await host.AskAsync("DESCRIBE kr_ad.impression", reader)).ErrorName);
        Assert.Equal("TABLE_NOT_FOUND", (await host.AskAsync("SELECT * FROM kr_ad.impression", reader)).ErrorName);
        Assert.Equal("SCHEMA_NOT_FOUND", (await host.AskAsync("SHOW TABLES FROM kr_ad", reader)).ErrorName);
        Assert.Equal("SCHEMA_NOT_FOUND", (await host.AskAsync("USE kr_ad", reader)).ErrorName);
        Assert.Equal("PERMISSION_DENIED",
            (await host.AskAsync("SELECT 1", "Authorization: Bearer writer")).ErrorName);
        Assert.Equal(HttpStatusCode.Unauthorized,
            (await host.PostAsync("SELECT 1", "Authorization: Bearer unknown")).Status);
    }

    [Fact]
    public async Task A_query_of_another_is_neither_shown_nor_ended()
    {
        TrinoReply first = await host.PostAsync(Endless);
        using HttpRequestMessage look = new(HttpMethod.Get, $"/v1/query/{first.Id}");
        look.Headers.TryAddWithoutValidation("Authorization", "Bearer reader");
        Assert.Equal(HttpStatusCode.NotFound, (await host.Http.SendAsync(look)).StatusCode);
        using HttpRequestMessage kill = new(HttpMethod.Delete, $"/v1/query/{first.Id}");
        kill.Headers.TryAddWithoutValidation("Authorization", "Bearer reader");
        Assert.Equal(HttpStatusCode.NotFound, (await host.Http.SendAsync(kill)).StatusCode);
        TrinoReply call = await host.AskAsync(
            $"CALL system.runtime.kill_query('{first.Id}', '')", "Authorization: Bearer reader");
        Assert.Equal("NOT_FOUND", call.ErrorName);
        TrinoReply seen = await host.AskAsync(
            $"SELECT count(*) FROM system.runtime.queries WHERE query_id = '{first.Id}'",
            "Authorization: Bearer reader");
        Assert.Equal("[0]", seen.Text);
        Assert.Equal(HttpStatusCode.NoContent, (await host.Http.DeleteAsync($"/v1/query/{first.Id}")).StatusCode);
        TrinoReply told = await TrinoReply.ReadAsync(await host.Http.GetAsync($"/v1/query/{first.Id}"));
        Assert.Equal("FAILED", told.Json.GetProperty("state").GetString());
        Assert.Equal("USER_CANCELED", told.Json.GetProperty("errorCode").GetProperty("name").GetString());
    }

    /// <summary>As Python's client begins: a probe, then parameters within EXECUTE IMMEDIATE.</summary>
    [Fact]
    public async Task Parameters_are_put_in_as_values_and_never_into_strings()
    {
        Assert.Equal("[1]", (await host.AskAsync("EXECUTE IMMEDIATE 'SELECT 1'")).Text);
        TrinoReply given = await host.AskAsync(
            """EXECUTE IMMEDIATE 'SELECT ''?'' AS "?", ? /* ? */, 5-?, ? -- ?' USING 'it''s; DROP', -1, X'AB' """);
        Assert.Equal("""["?","it's; DROP",6,"qw=="]""", given.Text);
        TrinoReply few = await host.AskAsync("EXECUTE IMMEDIATE 'SELECT ?, ?' USING 1");
        Assert.Equal("INVALID_PARAMETER_USAGE", few.ErrorName);
        Assert.Equal("INVALID_PARAMETER_USAGE", (await host.AskAsync("SELECT ?")).ErrorName);
        TrinoReply output = await host.AskAsync(
            "DESCRIBE OUTPUT p", "X-Trino-Prepared-Statement: p=SELECT+a%2C+%3F+AS+b+FROM+(SELECT+1+AS+a)+t");
        Assert.Equal("""["a","","","","integer",0,false]""", output.Text.Split('\n')[0]);
        Assert.Equal(
            "[[0,\"unknown\"]]",
            $"[{(await host.AskAsync("DESCRIBE INPUT p", "X-Trino-Prepared-Statement: p=SELECT+%3F")).Text}]");
    }

    [Fact]
    public async Task Clients_that_know_precise_times_are_given_them()
    {
        const string Sql = """
            SELECT TIMESTAMP '2024-01-01 00:00:00.123456' AS a, CAST('2024-01-01 01:02:03' AS TIMESTAMP_S) AS b,
                CAST('2024-01-01 01:02:03.5' AS TIMESTAMP_MS) AS c,
                CAST('2024-01-01 01:02:03.123456789' AS TIMESTAMP_NS) AS d,
                TIMESTAMP '1975-06-01 00:00:00.9999996 UTC' AS e, TIME '23:59:59.999999' AS f,
                ARRAY[TIMESTAMP '1969-12-31 23:59:59.999'] AS g, row(1, 'x') AS h
            """;
        TrinoReply precise = await host.AskAsync(Sql, "X-Trino-Client-Capabilities: PATH,PARAMETRIC_DATETIME");
        Assert.Equal(
            """
            ["2024-01-01 00:00:00.123456","2024-01-01 01:02:03","2024-01-01 01:02:03.500",
            "2024-01-01 01:02:03.123456789","1975-06-01 09:00:00.999999 Asia/Seoul","23:59:59.999999",
            ["1969-12-31 23:59:59.999000"],[1,"x"]]
            """.ReplaceLineEndings(""),
            precise.Text);
        Assert.Equal(
            [
                "timestamp(6)", "timestamp(0)", "timestamp(3)", "timestamp(9)", "timestamp(6) with time zone",
                "time(6)", "array(timestamp(6))", "row(integer, varchar)",
            ],
            precise.ColumnTypes);
        Assert.Equal(
            """{"rawType":"timestamp with time zone","arguments":[{"kind":"LONG","value":6}]}""",
            precise.Json.GetProperty("columns")[4].GetProperty("typeSignature").GetRawText());
        TrinoReply plain = await host.AskAsync(Sql);
        Assert.Equal(
            """
            ["2024-01-01 00:00:00.123","2024-01-01 01:02:03.000","2024-01-01 01:02:03.500",
            "2024-01-01 01:02:03.123","1975-06-01 09:00:01.000 Asia/Seoul","23:59:59.999",
            ["1969-12-31 23:59:59.999"],[1,"x"]]
            """.ReplaceLineEndings(""),
            plain.Text);
        Assert.Equal("timestamp", plain.ColumnTypes.First());
    }

    [Fact]
    public async Task Places_of_errors_are_those_of_the_text_that_was_sent()
    {
        TrinoReply reply = await host.AskAsync("SELECT current_user,\n X'AB', nope, 1 FROM kr_shop.ad_click");
        Assert.Equal("""{"lineNumber":2,"columnNumber":9}""", reply.Error.GetProperty("errorLocation").GetRawText());
        TrinoReply second = await host.AskAsync("EXPLAIN SELECT '한글', current_schema, nope FROM kr_shop.ad_click");
        Assert.Equal(
            """{"lineNumber":1,"columnNumber":38}""", second.Error.GetProperty("errorLocation").GetRawText());
    }

    [Fact]
    public async Task A_silent_clients_query_is_stopped()
    {
        TrinoReply first = await host.PostAsync(Endless);
        TrinoQuery query = host.Queries.Find(first.Id)!;
        Naru.Sim.ManualTimeProvider clock = new();
        TrinoQueries queries = new(
            new QueryOptions { ClientSilenceMax = TimeSpan.FromMinutes(5) },
            clock,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        TrinoQuery silent = new(query.Start, clock);
        Assert.True(queries.TryAdd(silent));
        clock.Advance(TimeSpan.FromMinutes(4));
        queries.Sweep();
        Assert.Equal(TrinoState.Queued, silent.State);
        silent.Seen();
        clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        queries.Sweep();
        Assert.False(silent.Stopped.IsCancellationRequested);
        clock.Advance(TimeSpan.FromSeconds(2));
        queries.Sweep();
        Assert.True(silent.Stopped.IsCancellationRequested);
        Assert.Equal(TrinoErrors.Abandoned, silent.Error!.Code);
        Assert.NotNull(queries.Find(first.Id));
        clock.Advance(TimeSpan.FromMinutes(10));
        queries.Sweep();
        Assert.Null(queries.Find(first.Id));
        await host.Http.DeleteAsync($"/v1/query/{first.Id}");
    }

    [Fact]
    public async Task Results_that_nobody_comes_for_have_a_bound_together()
    {
        TrinoStart start = host.Queries.Find((await host.PostAsync("SELECT 1")).Id)!.Start;
        Naru.Sim.ManualTimeProvider clock = new();
        TrinoQueries queries = new(
            new QueryOptions(), clock, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance)
        {
            HeldBytesMax = 300,
        };
        for (int i = 0; i < 5; i++)
        {
            TrinoQuery query = new(start with { Id = $"query-{i}" }, clock);
            Assert.True(queries.TryAdd(query));
            await query.DataAsync(new byte[100], CancellationToken.None);
            query.Finish(rows: 1);
            if (i == 2)
            {
                (TrinoAnswer? answer, int _) = await query.AnswerAsync(1, TimeSpan.Zero, CancellationToken.None);
                Assert.Equal(TrinoState.Finished, answer!.State);
            }

            clock.Advance(TimeSpan.FromSeconds(1));
        }

        // The third had been given to its client, so it went when the fifth came; then the oldest would have to.
        Assert.Null(queries.Find("query-2"));
        Assert.NotNull(queries.Find("query-0"));
        Assert.True(queries.TryAdd(new TrinoQuery(start with { Id = "query-5" }, clock)));
        Assert.Null(queries.Find("query-0"));
        Assert.NotNull(queries.Find("query-1"));
    }

    [Fact]
    public void Every_code_of_ours_has_one_of_Trinos()
    {
        string[] missing =
        [
            .. typeof(QueryCodes).GetFields(BindingFlags.Static | BindingFlags.Public)
                .Select(static field => (string)field.GetRawConstantValue()!)
                .Where(static code => !TrinoErrors.ByCode.ContainsKey(code)),
        ];
        Assert.Empty(missing);
        TrinoErrorCode zero = TrinoErrors.Of(new QueryError(QueryCodes.ValueError, "division by zero")).Code;
        Assert.Equal((8, "USER_ERROR"), (zero.Code, zero.Type));
        Assert.Equal("INSUFFICIENT_RESOURCES", TrinoErrors.Of(new QueryError(QueryCodes.Timeout, "late")).Code.Type);
        Assert.Equal("INTERNAL_ERROR", TrinoErrors.Of(new QueryError(QueryCodes.Internal, "broken")).Code.Type);
    }
}
