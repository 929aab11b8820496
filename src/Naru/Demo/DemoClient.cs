using System.Collections.Immutable;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Naru.Server;

namespace Naru.Demo;

/// <summary>A question that the demo asks again and again.</summary>
/// <param name="Title">What it answers.</param>
/// <param name="Sql">As a user would type it.</param>
internal sealed record DemoQuestion(string Title, string Sql);

/// <summary>Rows as text, or why there are none.</summary>
internal sealed record DemoAnswer(
    ImmutableArray<string> Columns, ImmutableArray<ImmutableArray<string>> Rows, string? Error);

/// <summary>Asks the running platform for its state and for SQL answers, as any client does.</summary>
internal sealed class DemoClient(HttpClient http)
{
    public static readonly ImmutableArray<DemoQuestion> Questions =
    [
        new("ads most shown in the last 10 minutes",
            "SELECT ad_id, count(*) AS shown FROM kr_ad.impression "
            + "WHERE _event_time > now() - INTERVAL 10 MINUTE GROUP BY ad_id ORDER BY shown DESC, ad_id LIMIT 4"),
        new("what campaigns are billed",
            "SELECT campaign_id, count(*) AS taps, sum(cost) AS cost FROM kr_ad.click "
            + "GROUP BY campaign_id ORDER BY cost DESC LIMIT 4"),
        new("what people search",
            "SELECT query, count(*) AS searches FROM kr_shop.search "
            + "GROUP BY query ORDER BY searches DESC, query LIMIT 4"),
    ];

    private const string NewestSql = "SELECT epoch_us(max(_received_at)) AS newest FROM kr_shop.page_view";

    /// <summary>Null while it does not answer.</summary>
    public async Task<PlatformStatus?> StatusAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await http.GetFromJsonAsync("/v1/status", ServerJson.Default.PlatformStatus, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException)
        {
            return null;
        }
    }

    /// <summary>When the newest event that SQL sees was received; null when SQL sees none.</summary>
    public async Task<DateTimeOffset?> NewestAsync(CancellationToken cancellationToken)
    {
        DemoAnswer answer = await AskAsync(NewestSql, cancellationToken).ConfigureAwait(false);
        return answer.Rows is [[{ } newest]] && long.TryParse(newest, out long microseconds)
            ? DateTimeOffset.UnixEpoch.AddMicroseconds(microseconds)
            : null;
    }

    public async Task<DemoAnswer> AskAsync(string sql, CancellationToken cancellationToken)
    {
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Post, "/v1/sql?format=ndjson")
            {
                Content = new StringContent(sql, Encoding.UTF8, "text/plain"),
            };
            using HttpResponseMessage response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
            string text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
            return response.IsSuccessStatusCode ? Parse(text) : Failed($"{(int)response.StatusCode} {text.Trim()}");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException)
        {
            return Failed(exception.Message);
        }
    }

    private static DemoAnswer Failed(string error) => new([], [], error);

    private static DemoAnswer Parse(string lines)
    {
        ImmutableArray<string> columns = [];
        List<ImmutableArray<string>> rows = [];
        foreach (string line in lines.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            columns = [.. document.RootElement.EnumerateObject().Select(static cell => cell.Name)];
            rows.Add([.. document.RootElement.EnumerateObject().Select(static cell => cell.Value.ToString())]);
        }

        return new DemoAnswer(columns, [.. rows], null);
    }
}
