using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Naru.Bench.Platform;

namespace Naru.Bench.Rows;

/// <summary>
/// From the moment that a kill is sent until the killed caller has its answer, whatever the query is doing: scanning,
/// sorting, spilling, in one long function call, writing Parquet, or waiting for its client to read.
/// </summary>
internal static class KillTime
{
    private const int Rounds = 3;
    private static readonly TimeSpan Runs = TimeSpan.FromSeconds(1.2);

    private static readonly (string What, string Format, string Sql)[] Statements =
    [
        ("join", "json", "SELECT count(*) FROM range(10000000) a(i), range(10000000) b(j) WHERE i + j = {0}"),
        ("one value", "json", "SELECT len(repeat('a', 1000000000)) + len(list_sort(range(400000000))) + {0}"),
        ("groups", "json", "SELECT count(*) FROM range(300000000) t(i) GROUP BY hash(i + {0}) % 100000000"),
        ("text", "json", "SELECT max(s) FROM (SELECT string_agg(i::VARCHAR, '') s FROM range(300000000 + {0}) t(i))"),
        ("sort", "json", "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY hash(i + {0})) n "
            + "FROM range(200000000) t(i))"),
        ("pattern", "json", "SELECT count(*) FROM range(200000000) t(i) "
            + "WHERE regexp_matches(repeat(i::VARCHAR, 50), '(1|12|123)*4{0}$')"),
        ("Parquet", "parquet", "SELECT i, hash(i + {0}) AS h, i::VARCHAR AS s FROM range(2000000000) t(i)"),
        ("rows out", "csv", "SELECT i, hash(i + {0}) AS h FROM range(20000000000) t(i)"),
    ];

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        using PlatformRun naru = new($"{setup.NewFolder("kill")}/project", EventLines.Log);
        await naru.StartAsync();
        List<(string What, double Milliseconds)> times = [];
        for (int round = 0; round < Rounds; round++)
        {
            foreach ((string what, string format, string sql) in Statements)
            {
                string own = string.Format(CultureInfo.InvariantCulture, sql, round + 7);
                if (await TimeAsync(naru, format, own) is { } milliseconds)
                {
                    times.Add((what, milliseconds));
                }
            }
        }

        (string worst, double most) = times.MaxBy(static each => each.Milliseconds);
        CultureInfo culture = CultureInfo.InvariantCulture;
        return
        [
            new RowResult("kill", $"kill to its caller's answer, {Statements.Length} kinds of queries")
            {
                Naru = string.Create(culture, $"{most:N0} ms at most"),
                Target = "<= 1,000 ms",
                Met = most <= 1000,
                Note = string.Create(culture, $"{times.Count} kills, the longest of \"{worst}\"; ")
                    + string.Join(", ", times.GroupBy(static each => each.What).Select(each =>
                        string.Create(culture, $"{each.Key} {each.Max(static one => one.Milliseconds):N0}"))) + " ms",
            },
        ];
    }

    /// <summary>Null where the query was over before it could be killed.</summary>
    private static async Task<double?> TimeAsync(PlatformRun naru, string format, string sql)
    {
        using HttpClient http = new();
        using HttpRequestMessage request = new(
            HttpMethod.Post, new Uri($"http://127.0.0.1:{naru.Port}/v1/sql?format={format}"))
        {
            Content = new StringContent(sql),
        };
        Task<long> ended = EndAsync(http, request);
        await Task.WhenAny(ended, Task.Delay(Runs));
        string? id = await RunningAsync(naru, sql);
        long start = Stopwatch.GetTimestamp();
        return id is not null && await naru.KillQueryAsync(id)
            ? Stopwatch.GetElapsedTime(start, await ended).TotalMilliseconds
            : null;
    }

    private static async Task<string?> RunningAsync(PlatformRun naru, string sql)
    {
        using JsonDocument list = JsonDocument.Parse(await naru.GetAsync("/v1/queries"));
        return list.RootElement.GetProperty("queries").EnumerateArray()
            .Where(query => query.GetProperty("sql").GetString() == sql
                && query.GetProperty("state").GetString() == "running")
            .Select(static query => query.GetProperty("id").GetString())
            .FirstOrDefault();
    }

    /// <summary>When the answer ended, as an error or broken off.</summary>
    private static async Task<long> EndAsync(HttpClient http, HttpRequestMessage request)
    {
        try
        {
            using HttpResponseMessage response =
                await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            await using System.IO.Stream body = await response.Content.ReadAsStreamAsync();
            byte[] piece = new byte[64 * 1024];
            while (await body.ReadAsync(piece) > 0)
            {
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            // Broken off, for its first rows were out.
        }

        return Stopwatch.GetTimestamp();
    }
}
