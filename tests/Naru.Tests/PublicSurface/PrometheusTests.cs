using System.Text;
using System.Text.RegularExpressions;

namespace Naru.Tests.PublicSurface;

/// <summary>`GET /metrics`: every instrument of Naru's meters, as the exposition format says it.</summary>
public sealed partial class PrometheusTests(SurfaceServer server) : IClassFixture<SurfaceServer>
{
    [Fact]
    public async Task Metrics_are_well_formed_and_count_what_was_sent()
    {
        using HttpClient http = new() { BaseAddress = new Uri(server.Address) };
        await http.PostAsync(
            "/v1/events/no.such", new StringContent("{}", Encoding.UTF8, "application/json"), Stop);
        using HttpResponseMessage answer = await http.GetAsync("/metrics", Stop);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        string text = await answer.Content.ReadAsStringAsync(Stop);
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        HashSet<string> told = [];
        string name = "";
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# ", StringComparison.Ordinal))
            {
                name = line.Split(' ')[2];
                Assert.True(line.StartsWith("# HELP ", StringComparison.Ordinal) == told.Add(name), line);
                continue;
            }

            Assert.Matches(Sample(), line);
            Assert.StartsWith(name, line, StringComparison.Ordinal);
        }

        Assert.Matches("naru_collect_requests_total\\{status=\"404\"\\} [1-9]", text);
        Assert.Matches("naru_collect_request_seconds_bucket\\{le=\"\\+Inf\"\\} [1-9]", text);
        foreach (string wanted in (string[])
            ["naru_disk_free_bytes", "naru_stream_lag_records", "naru_topic_serving", "naru_process_memory_bytes"])
        {
            Assert.Contains(wanted, told);
        }
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [GeneratedRegex("""
        ^[a-z_]+(\{[a-z_]+="([^"\\\n]|\\.)*"(,[a-z_]+="([^"\\\n]|\\.)*")*\})? [-+0-9.eE]+$
        """)]
    private static partial Regex Sample();
}
