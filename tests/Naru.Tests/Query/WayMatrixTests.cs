using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Naru.Access;
using Naru.Query;
using Naru.Query.Trino;
using Naru.Tests.Query.Trino;

namespace Naru.Tests.Query;

/// <summary>
/// Every hostile statement by every role over every way that takes SQL and gives rows out: answered or refused as the
/// rights say, with the lake as it was.
/// </summary>
public sealed class WayMatrixTests(TrinoHost host) : IClassFixture<TrinoHost>
{
    private const string Answered = EscapeTests.Answered;

    /// <summary>What Trino's clients are told otherwise: words that mean something else there.</summary>
    private static readonly Dictionary<string, string> OtherwiseInTrino = new()
    {
        ["SET lock_configuration = false"] = "SYNTAX_ERROR",
        ["SET VARIABLE x = 1"] = "SYNTAX_ERROR",
        ["CALL enable_logging()"] = "PROCEDURE_NOT_FOUND",
    };

    [Theory]
    [InlineData("/v1/sql")]
    [InlineData("/v1/downloads")]
    [InlineData("/v1/statement")]
    [Trait("Size", "Slow")]
    public async Task Every_statement_is_answered_or_refused_with_its_code_for_every_role(string way)
    {
        string before = HashOfLake();
        List<string> wrong = [];

        // Role by role: a change of owner starts a worker anew.
        foreach (Principal role in TrinoHost.Roles)
        {
            foreach ((string statement, string outcome) in EscapeTests.Statements)
            {
                string sql = statement
                    .Replace("{secure}", host.Shop.Lake.FilesOf(ShopLake.ClicksSecure)[0], StringComparison.Ordinal)
                    .Replace("{lake}", host.Shop.Lake.Lake, StringComparison.Ordinal);
                string wanted = Wanted(statement, outcome, role);
                if (way == "/v1/statement" && wanted != Answered)
                {
                    string name = TrinoErrors.ByCode[wanted].Name;
                    wanted = wanted == QueryCodes.Forbidden
                        ? name
                        : OtherwiseInTrino.GetValueOrDefault(statement, name);
                }

                (string came, string text) = await AskAsync(way, sql, role);
                if (came != wanted)
                {
                    wrong.Add($"{role.Name}: {came}, not {wanted}: {sql}");
                }

                Assert.DoesNotContain("canary", text, StringComparison.Ordinal);
                Assert.DoesNotContain("root:", text, StringComparison.Ordinal);
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(before, HashOfLake());
    }

    [Fact]
    public async Task A_filtered_or_masked_table_gives_the_same_rows_over_every_way()
    {
        string[] asked =
        [
            "SELECT placement, count(*) AS n, count(ad_id) AS ads, sum(cost) AS cost FROM kr_shop.ad_click "
                + "GROUP BY 1 ORDER BY 1 NULLS FIRST",
            "SELECT _topic_offset, ad_id, placement FROM kr_shop.ad_click WHERE _topic_offset % 100 = 2 ORDER BY 1",
        ];
        foreach (Principal role in (Principal[])[ShopLake.Filtered, ShopLake.Masked, ShopLake.Reader])
        {
            foreach (string sql in asked)
            {
                string rows = await RowsAsync("/v1/sql", sql, role);
                Assert.Equal(rows, await RowsAsync("/v1/downloads", sql, role));
                Assert.Equal(rows, await RowsAsync("/v1/statement", sql, role));
                Assert.Equal(role == ShopLake.Filtered, !rows.Contains("search", StringComparison.Ordinal));
                bool tells = role != ShopLake.Masked && sql == asked[1];
                Assert.Equal(tells, rows.Contains("ad-", StringComparison.Ordinal));
                string sheet = await SheetAsync(sql, role);
                Assert.Equal(rows.Split('\n').Length + 1, sheet.Split("<row>").Length - 1);
                Assert.Equal(role == ShopLake.Filtered, !sheet.Contains("search", StringComparison.Ordinal));
                Assert.Equal(tells, sheet.Contains("ad-", StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public async Task A_statement_that_needs_no_worker_is_kept_in_the_history_like_the_others()
    {
        TrinoReply shown = await host.AskAsync("SHOW SCHEMAS", "Authorization: Bearer reader");
        TrinoReply unknown = await host.AskAsync("CALL nothing()", "Authorization: Bearer reader");
        TrinoReply denied = await host.AskAsync("SHOW SCHEMAS", "Authorization: Bearer writer");
        await Platform.Wait.ForAsync(
            () => Task.FromResult(host.Shop.History.Has(shown.Id)), TimeSpan.FromSeconds(30), () => "it is not kept");
        QueryEntry entry = host.Shop.History[shown.Id];
        Assert.Equal((QueryState.Finished, "reader", "SHOW SCHEMAS"), (entry.State, entry.Owner, entry.Sql));
        Assert.True(entry.Rows > 1);
        await Platform.Wait.ForAsync(
            () => Task.FromResult(host.Shop.History.Has(unknown.Id) && host.Shop.History.Has(denied.Id)),
            TimeSpan.FromSeconds(30),
            () => "it is not kept");
        Assert.Equal("procedure_not_found", host.Shop.History[unknown.Id].Error!.Code);
        Assert.Equal("permission_denied", host.Shop.History[denied.Id].Error!.Code);
    }

    [Fact]
    public async Task Another_callers_download_is_none()
    {
        using HttpResponseMessage made = await PostAsync("/v1/downloads?format=csv", "SELECT 1", ShopLake.Reader);
        string path = JsonDocument.Parse(await made.Content.ReadAsStringAsync()).RootElement
            .GetProperty("path").GetString()!;
        foreach (Principal other in (Principal[])[ShopLake.Masked, Principal.Open])
        {
            using HttpResponseMessage refused = await SendAsync(HttpMethod.Get, path, null, other);
            Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        }

        using HttpResponseMessage given = await SendAsync(HttpMethod.Get, path, null, ShopLake.Reader);
        Assert.Equal("1\n1\n", await given.Content.ReadAsStringAsync());
    }

    private static string Wanted(string statement, string outcome, Principal role)
    {
        bool plan = statement.StartsWith("EXPLAIN", StringComparison.Ordinal) && outcome == Answered;
        bool ruled = role == ShopLake.Filtered || role == ShopLake.Masked;
        return role == ShopLake.Writer || (plan && ruled) ? QueryCodes.Forbidden : outcome;
    }

    private async Task<string> RowsAsync(string way, string sql, Principal role)
    {
        (string came, string text) = await AskAsync(way, sql, role);
        Assert.True(came == Answered, text);
        if (way != "/v1/statement")
        {
            // Without the header.
            return text[(text.IndexOf('\n') + 1)..].TrimEnd('\n');
        }

        return string.Join('\n', text.Split('\n').Select(static row => string.Join(',', JsonDocument.Parse(row)
            .RootElement.EnumerateArray().Select(static cell => cell.ToString()))));
    }

    /// <summary>All text of the workbook that a role is given.</summary>
    private async Task<string> SheetAsync(string sql, Principal role)
    {
        using HttpResponseMessage answer = await PostAsync("/v1/sql?format=xlsx", sql, role);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using ZipArchive workbook = new(await answer.Content.ReadAsStreamAsync());
        StringBuilder text = new();
        foreach (ZipArchiveEntry entry in workbook.Entries)
        {
            using StreamReader reader = new(await entry.OpenAsync());
            text.Append(await reader.ReadToEndAsync());
        }

        return text.ToString();
    }

    /// <summary>The code of the refusal, or that it was answered; and all that was said.</summary>
    private async Task<(string Outcome, string Text)> AskAsync(string way, string sql, Principal role)
    {
        if (way == "/v1/statement")
        {
            TrinoReply reply = await host.AskAsync(sql, $"Authorization: Bearer {role.Name}");
            bool fails = reply.Json.TryGetProperty("error", out _);
            return fails ? (reply.ErrorName, reply.Message) : (Answered, reply.Text);
        }

        HttpResponseMessage answer = await PostAsync($"{way}?format=csv", sql, role);
        if (way == "/v1/downloads" && answer.StatusCode == HttpStatusCode.OK)
        {
            using JsonDocument made = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            answer.Dispose();
            answer = await SendAsync(HttpMethod.Get, made.RootElement.GetProperty("path").GetString()!, null, role);
        }

        using (answer)
        {
            string text = await answer.Content.ReadAsStringAsync();
            return answer.StatusCode == HttpStatusCode.OK
                ? (Answered, text)
                : (JsonDocument.Parse(text).RootElement.GetProperty("error").GetProperty("code").GetString()!, text);
        }
    }

    private Task<HttpResponseMessage> PostAsync(string path, string sql, Principal role) =>
        SendAsync(HttpMethod.Post, path, new StringContent(sql, Encoding.UTF8, "text/plain"), role);

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? body, Principal role)
    {
        using HttpRequestMessage request = new(method, path) { Content = body };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {role.Name}");
        return await host.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private string HashOfLake()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        IEnumerable<string> files = Directory
            .EnumerateFiles(host.Shop.Lake.Root, "*.parquet", SearchOption.AllDirectories)
            .Where(file => !file.StartsWith(host.Shop.Lake.Spill, StringComparison.Ordinal));
        foreach (string file in files.Order(StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(file));
            hash.AppendData(File.ReadAllBytes(file));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
