using System.Net;
using System.Text.RegularExpressions;
using Naru.Tests.PublicSurface;

namespace Naru.Tests.WebConsole;

/// <summary>What the server sends for pages: headers, languages, assets that never change.</summary>
public sealed partial class ConsoleRoutesTests(SurfaceServer server) : IClassFixture<SurfaceServer>, IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false })
    {
        BaseAddress = new Uri(server.Address),
    };

    public void Dispose() => _http.Dispose();

    [Theory]
    [InlineData("/")]
    [InlineData("/console")]
    public async Task The_root_leads_to_the_first_page(string path)
    {
        using HttpResponseMessage answer = await _http.GetAsync(path);
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal("/console/live", answer.Headers.Location!.ToString());
    }

    [Theory]
    [InlineData("/console/live", HttpStatusCode.OK)]
    [InlineData("/console/no%3Cb%3E", HttpStatusCode.NotFound)]
    public async Task Every_page_carries_the_policy_that_hostile_text_needs(string path, HttpStatusCode status)
    {
        using HttpResponseMessage answer = await _http.GetAsync(path);
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                + "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
                + "require-trusted-types-for 'script'; trusted-types default",
            string.Join("; ", answer.Headers.GetValues("Content-Security-Policy")));
        Assert.Equal("nosniff", string.Join(",", answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("no-referrer", string.Join(",", answer.Headers.GetValues("Referrer-Policy")));
        Assert.True(answer.Headers.CacheControl!.NoStore);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.DoesNotContain("<b>", text, StringComparison.Ordinal);
        Assert.DoesNotContain(" style=", text, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"<script(?![^>]* src=)", text);
    }

    [Theory]
    [InlineData(null, null, "en")]
    [InlineData("ko-KR,ko;q=0.9,en;q=0.8", null, "ko")]
    [InlineData("de,ko;q=0", null, "en")]
    [InlineData("ko", "naru_language=en", "en")]
    [InlineData("fr", "naru_language=ko", "ko")]
    [InlineData("ko", "naru_language=tlh", "ko")]
    public async Task A_page_speaks_the_language_asked_for(string? accepted, string? cookie, string language)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/console/live");
        request.Headers.TryAddWithoutValidation("Accept-Language", accepted);
        request.Headers.TryAddWithoutValidation("Cookie", cookie);
        using HttpResponseMessage answer = await _http.SendAsync(request);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.Contains($"<html lang=\"{language}\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Assets_may_be_kept_for_ever_and_are_all_there()
    {
        string page = await _http.GetStringAsync("/console/live");
        string[] assets = [.. Asset().Matches(page).Select(static match => match.Value).Distinct()];
        Assert.NotEmpty(assets);
        foreach (string asset in assets)
        {
            using HttpResponseMessage answer = await _http.GetAsync(asset);
            Assert.True(answer.IsSuccessStatusCode, asset);
            Assert.Equal("public, max-age=31536000, immutable", answer.Headers.CacheControl!.ToString());
        }

        using HttpResponseMessage other = await _http.GetAsync("/console/assets/0123456789abcdef/live.js");
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
    }

    [Fact]
    public async Task Answers_of_the_routes_below_v1_are_not_kept()
    {
        foreach (string path in (string[])["/v1/status", "/v1/queries", "/v1/aggregates", "/v1/keys", "/v1/no_such"])
        {
            using HttpResponseMessage answer = await _http.GetAsync(path);
            Assert.True(answer.Headers.CacheControl!.NoStore, path);
            Assert.Equal("nosniff", string.Join(",", answer.Headers.GetValues("X-Content-Type-Options")));
        }
    }

    [GeneratedRegex("/console/assets/[^\"]+")]
    private static partial Regex Asset();
}
