using Naru.Tests.Platform;

namespace Naru.Tests.Cli;

/// <summary>`naru sql` on a project that no server has open.</summary>
[Trait("Size", "Slow")]
public sealed class SqlAtRestTests : IDisposable
{
    private readonly PlatformProject _project = new("""
        log: t.tap
        fields:
          n: {type: int64, required: true}
          who: {type: string, sensitive: true}
        lifetime: {secure: 90d}
        """);

    public void Dispose() => _project.Dispose();

    [Fact]
    public async Task A_project_at_rest_answers_from_what_landed_and_says_so()
    {
        await using (PlatformProcess platform = await PlatformProcess.StartAsync(_project.Root))
        {
            for (int n = 0; n < 5; n++)
            {
                using StringContent body = new($"{{\"n\":{n},\"who\":\"u\",\"event_id\":\"{n}\"}}");
                using HttpResponseMessage answer = await platform.Http.PostAsync(
                    "/v1/events/t.tap?ack=lake", body, TestContext.Current.CancellationToken);
                Assert.True(answer.IsSuccessStatusCode);
            }

            Assert.Equal("n\n10\n", await AskAsync(0, "SELECT sum(n) AS n FROM t.tap"));
            await platform.KillAsync();
        }

        string[] before = Files();
        string atRest = "the project is at rest: answers are from landed data\n";
        Assert.Equal($"n\n10\n{atRest}", await AskAsync(0, "SELECT sum(n) AS n FROM t.tap"));
        Assert.Equal($"w\nu\n{atRest}", await AskAsync(0, "SELECT DISTINCT who AS w FROM t.\"tap$secure\""));
        foreach (string table in (string[])["tables", "files", "commits", "expiries", "logs", "volume", "rejected"])
        {
            await AskAsync(0, $"SELECT count(*) FROM naru.{table}");
        }

        Assert.Contains("did you mean", await AskAsync(1, "SELECT * FROM t.tapp"), StringComparison.Ordinal);
        await AskAsync(1, "DROP TABLE t.tap");
        Assert.Equal(before, Files());
    }

    [Fact]
    public async Task A_project_that_never_ran_has_no_table_and_a_folder_without_one_is_named()
    {
        Assert.Contains("t.tap", await AskAsync(1, "SELECT * FROM t.tap"), StringComparison.Ordinal);
        (int code, string output) = await PlatformProcess.RunAsync(
            "sql", "--project", Path.Combine(_project.Root, "logs"), "SELECT 1");
        Assert.Equal(1, code);
        Assert.Contains("is no project", output, StringComparison.Ordinal);
    }

    private string[] Files() =>
    [
        .. Directory.GetFiles($"{_project.Root}/data", "*", SearchOption.AllDirectories)
            .Where(static file => !file.EndsWith("/lock", StringComparison.Ordinal))
            .Select(static file => $"{file} {new FileInfo(file).Length}")
            .Order(StringComparer.Ordinal),
    ];

    private async Task<string> AskAsync(int expected, string sql)
    {
        (int code, string output) = await PlatformProcess.RunAsync("sql", "--project", _project.Root, sql);
        Assert.True(code == expected, $"{sql}: exit code {code}: {output}");
        return output;
    }
}
