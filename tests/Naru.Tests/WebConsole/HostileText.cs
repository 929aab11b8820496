using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Naru.Tests.WebConsole;

/// <summary>Sixty texts that do something in a page that is not careful, and the ways in which they arrive.</summary>
internal static class HostileText
{
    /// <summary>The log whose definition is hostile too.</summary>
    public const string Log = "kr_evil.note";

    public static readonly string[] Payloads =
    [
        "<script>alert(1)</script>",
        "<ScRiPt>alert(2)</sCrIpT>",
        "<script src=//127.0.0.1/x.js></script>",
        "</script><script>alert(3)</script>",
        "</title><script>alert(4)</script>",
        "</textarea><script>alert(5)</script>",
        "</style><script>alert(6)</script>",
        "--><script>alert(7)</script>",
        "]]><script>alert(8)</script>",
        "<img src=x onerror=alert(9)>",
        "<img src=x onerror=\"alert(10)\">",
        "<img/src=x/onerror=alert(11)>",
        "<IMG \"\"\"><SCRIPT>alert(12)</SCRIPT>\">",
        "\"><img src=x onerror=alert(13)>",
        "'><img src=x onerror=alert(14)>",
        "<svg onload=alert(15)>",
        "<svg/onload=alert(16)>",
        "<svg><script>alert(17)</script></svg>",
        "<svg><animate onbegin=alert(18) attributeName=x dur=1s>",
        "<svg><a xlink:href=\"javascript:alert(19)\"><text>x</text></a>",
        "<body onload=alert(20)>",
        "<iframe src=\"javascript:alert(21)\">",
        "<iframe srcdoc=\"<script>alert(22)</script>\">",
        "<object data=\"javascript:alert(23)\">",
        "<embed src=\"javascript:alert(24)\">",
        "<base href=\"//127.0.0.1/\">",
        "<link rel=stylesheet href=//127.0.0.1/x.css>",
        "<meta http-equiv=refresh content=\"0;url=javascript:alert(27)\">",
        "<style>@import'//127.0.0.1/x.css'</style>",
        "<div style=\"background:url(javascript:alert(29))\">",
        "<a href=\"javascript:alert(30)\">x</a>",
        "<a href=\" &#14; javascript:alert(31)\">x</a>",
        "javascript:alert(32)",
        "data:text/html,<script>alert(33)</script>",
        "<form action=\"javascript:alert(34)\"><button>x",
        "<button formaction=\"javascript:alert(35)\">x",
        "<input autofocus onfocus=alert(36)>",
        "<select autofocus onfocus=alert(37)>",
        "<details open ontoggle=alert(38)>",
        "<video><source onerror=alert(39)>",
        "<audio src=x onerror=alert(40)>",
        "<marquee onstart=alert(41)>",
        "<math><mtext></form><form><mglyph><style></math>",
        "<template><script>alert(43)</script></template>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(44)>\">",
        "<x onpointerenter=alert(45) style=position:fixed;inset:0>",
        "{{constructor.constructor('alert(46)')()}}",
        "${alert(47)}",
        "`${alert(48)}`",
        "';alert(49);//",
        "\";alert(50);//",
        "\\\";alert(51);//",
        "'-alert(52)-'",
        "&lt;script&gt;alert(53)&lt;/script&gt;",
        "&#60;script&#62;alert(54)&#60;/script&#62;",
        "\u202e<script>alert(55)</script>",
        "<scr\u200bipt>alert(56)</scr\u200bipt>",
        "＜script＞alert(57)＜/script＞",
        "=HYPERLINK(\"javascript:alert(58)\")",
        "%3Cscript%3Ealert(59)%3C/script%3E",
    ];

    /// <summary>A log whose description, owner, fields and words are hostile, and an aggregate of such keys.</summary>
    public static void Define(string project)
    {
        DefineArchive(project);
        File.WriteAllText(Path.Combine(project, $"logs/{Log}.yaml"), $"""
            log: {Log}
            description: {Quoted(Payloads[9])}
            owner: {Quoted(Payloads[15])}
            fields:
              note:
                type: string
                required: true
                length: 400
                description: {Quoted(Payloads[0])}
                example: {Quoted(Payloads[21])}
              kind:
                type: string
                enum: [{Quoted(Payloads[13])}, plain]
                description: {Quoted(Payloads[30])}
            """ + "\n");
        File.WriteAllText(Path.Combine(project, "aggregates/evil_notes.sql"), $"""
            -- description: {Payloads[10]}
            -- owner: {Payloads[16]}
            SELECT window_start, window_end, note, count(*) AS notes
            FROM tumble({Log}, event_time, INTERVAL '1 minute')
            GROUP BY window_start, window_end, note
            """ + "\n");
    }

    /// <summary>Saved queries and a dashboard whose every word is hostile.</summary>
    private static void DefineArchive(string project)
    {
        File.WriteAllText(Path.Combine(project, "queries/EVIL-1.sql"), $"""
            -- title: {Payloads[9]}
            -- description: {Payloads[10]}
            -- owner: {Payloads[15]}
            -- tags: {Payloads[16].Replace(",", "", StringComparison.Ordinal)}, {Payloads[0]}
            -- chart: pie x=note y=n
            SELECT note, count(*) AS n FROM {Log} WHERE {"{{"}who={Payloads[9]}{"}}"} <> '' GROUP BY note
            """ + "\n");
        Directory.CreateDirectory(Path.Combine(project, "dashboards"));
        string tiles = string.Join("\n", ((string[])["table", "bar", "pie", "number", "pivot"]).Select(kind =>
            $"  - {{query: EVIL-1, title: {Quoted(Payloads[21])}, chart: {kind} x=note y=n}}"));
        File.WriteAllText(Path.Combine(project, "dashboards/evil.yaml"), $"""
            title: {Quoted(Payloads[0])}
            description: {Quoted(Payloads[9])}
            owner: {Quoted(Payloads[13])}
            tags: [{Quoted(Payloads[15])}]
            parameters:
              who:
                label: {Quoted(Payloads[30])}
                default: {Quoted(Payloads[0])}
                choices: [{Quoted(Payloads[9])}]
            tiles:
            {tiles}
            """ + "\n");
    }

    /// <summary>As values, ids, senders, keys of events, names of logs, and events that are rejected.</summary>
    public static async Task SendAsync(HttpClient http)
    {
        for (int i = 0; i < Payloads.Length; i++)
        {
            string payload = Payloads[i];
            await PostAsync(http, $"/v1/events/{Log}", new() { ["note"] = payload, ["event_id"] = $"{payload} {i}" });
            await PostAsync(http, $"/v1/events/{Log}", new() { ["note"] = $"key {i}", [payload] = payload });
            await PostAsync(http, $"/v1/events/{Log}", new() { ["note"] = $"bad {i}", ["kind"] = payload });
            await PostAsync(http, "/v1/events", new() { ["_log"] = payload, ["note"] = payload });
        }

        using HttpRequestMessage broken = new(HttpMethod.Post, $"/v1/events/{Log}");
        broken.Content = new StringContent($"{{\"note\": {Payloads[0]}", Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await http.SendAsync(broken);
    }

    private static string Quoted(string text) => JsonSerializer.Serialize(text);

    private static async Task PostAsync(HttpClient http, string path, Dictionary<string, string> values)
    {
        using ByteArrayContent content = new(JsonSerializer.SerializeToUtf8Bytes(values));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using HttpResponseMessage answer = await http.PostAsync(path, content);
    }
}
