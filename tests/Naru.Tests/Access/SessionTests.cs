using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Naru.Access;

namespace Naru.Tests.Access;

/// <summary>
/// Users over HTTP: passwords, sessions, other sites' pages, and that nothing is reached without a right.
/// </summary>
[Trait("Size", "Slow")]
public sealed class SessionTests(AccessServer server) : IClassFixture<AccessServer>
{
    [Fact]
    public async Task A_user_signs_in_is_told_who_it_is_and_signs_out()
    {
        using HttpResponseMessage signedIn = await server.SendAsync(
            HttpMethod.Post, "/v1/session", JsonSerializer.Serialize(new { name = "kim", password = server.Kim }));
        Assert.Equal(HttpStatusCode.OK, signedIn.StatusCode);
        string cookie = signedIn.Headers.GetValues("Set-Cookie").Single();
        Assert.Matches("^naru_session=[0-9a-f]{64}; expires=[^;]+; path=/; samesite=strict; httponly$", cookie);
        string sent = cookie.Split(';')[0];
        JsonElement who = await JsonAsync(HttpMethod.Get, "/v1/session", ("Cookie", sent));
        Assert.Equal("kim", who.GetProperty("name").GetString());
        Assert.Equal("user", who.GetProperty("kind").GetString());
        Assert.False(who.GetProperty("administer").GetBoolean());
        Assert.Equal("kr_shop.order", who.GetProperty("ruled")[0].GetString());
        Assert.True(who.GetProperty("sessionUntil").GetDateTimeOffset() > DateTimeOffset.UtcNow);

        // It outlives the server, and its file holds neither id nor password.
        string state = await File.ReadAllTextAsync($"{server.Paths.State}/sessions.json");
        Assert.DoesNotContain(sent.Split('=')[1], state, StringComparison.Ordinal);
        foreach (string file in (string[])["sessions.json", "users.json", "access.json", "mask.key"])
        {
            string path = $"{server.Paths.State}/{file}";
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            }

            Assert.DoesNotContain(server.Kim, await File.ReadAllTextAsync(path), StringComparison.Ordinal);
        }

        using HttpResponseMessage signedOut = await server.SendAsync(
            HttpMethod.Delete, "/v1/session", null, ("Cookie", sent), ("Sec-Fetch-Site", "same-origin"));
        Assert.Equal(HttpStatusCode.OK, signedOut.StatusCode);
        Assert.Equal(401, await StatusAsync(HttpMethod.Get, "/v1/session", ("Cookie", sent)));
    }

    [Fact]
    public async Task Basic_signs_in_a_user_and_whoever_is_not_valid_gets_one_answer()
    {
        Assert.Equal(200, await StatusAsync(HttpMethod.Get, "/v1/session", AccessServer.Basic("kim", server.Kim)));
        List<string> bodies = [];
        foreach ((string name, string password) in (
            (string, string)[])[("kim", "wrong"), ("gone", server.Gone), ("nobody", server.Kim), ("local", "")])
        {
            using HttpResponseMessage answer = await server.SendAsync(
                HttpMethod.Get, "/v1/session", null, AccessServer.Basic(name, password));
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            bodies.Add(await answer.Content.ReadAsStringAsync());
        }

        Assert.Single(bodies.Distinct());

        // With users, loopback alone opens nothing.
        Assert.Equal(401, await StatusAsync(HttpMethod.Get, "/v1/session"));
        Assert.Equal(401, await StatusAsync(HttpMethod.Post, "/v1/sql"));
        Assert.Equal(403, await StatusAsync(HttpMethod.Get, "/v1/keys", AccessServer.Basic("kim", server.Kim)));
        Assert.Equal(200, await StatusAsync(HttpMethod.Get, "/v1/keys", AccessServer.Basic("root", server.Root)));
    }

    [Theory]
    [InlineData("same-origin", null, null, 200)]
    [InlineData("none", null, null, 200)]
    [InlineData(null, "own", null, 200)]
    [InlineData(null, null, null, 403)]
    [InlineData("cross-site", null, null, 403)]
    [InlineData("same-site", null, null, 403)]
    [InlineData("cross-site", "own", null, 403)]
    [InlineData(null, "https://evil.example", null, 403)]
    [InlineData(null, "null", null, 403)]
    [InlineData("same-origin", null, "text/plain", 403)]
    [InlineData("same-origin", null, "application/x-www-form-urlencoded", 403)]
    [InlineData("same-origin", null, "multipart/form-data; boundary=x", 403)]
    public async Task A_cookie_changes_nothing_for_another_sites_page(
        string? site, string? origin, string? type, int status)
    {
        string cookie = await server.SignInAsync("root", server.Root);
        List<(string, string)> headers = [("Cookie", cookie)];
        if (site is not null)
        {
            headers.Add(("Sec-Fetch-Site", site));
        }

        if (origin is not null)
        {
            headers.Add(("Origin", origin == "own" ? server.Address.ToString().TrimEnd('/') : origin));
        }

        if (type is not null)
        {
            headers.Add(("Content-Type", type));
        }

        using HttpResponseMessage answer = await server.SendAsync(
            HttpMethod.Post, "/v1/sql", "{\"sql\":\"SELECT 1\"}", [.. headers]);
        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Fact]
    public async Task A_password_that_the_browser_keeps_is_no_better_than_a_cookie()
    {
        (string, string) basic = AccessServer.Basic("root", server.Root);
        const string Body = "{\"sql\":\"SELECT 1\"}";
        using HttpResponseMessage program = await server.SendAsync(HttpMethod.Post, "/v1/sql", Body, basic);
        Assert.Equal(HttpStatusCode.OK, program.StatusCode);
        using HttpResponseMessage foreign = await server.SendAsync(
            HttpMethod.Post, "/v1/sql", Body, basic, ("Origin", "https://evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, foreign.StatusCode);
        using HttpResponseMessage sibling = await server.SendAsync(
            HttpMethod.Post, "/v1/sql", Body, basic, ("Sec-Fetch-Site", "same-site"));
        Assert.Equal(HttpStatusCode.Forbidden, sibling.StatusCode);
    }

    [Fact]
    public async Task Whoever_tries_passwords_out_has_to_wait_and_others_have_not()
    {
        Authenticator authenticator = server.Services.GetRequiredService<Authenticator>();
        IPAddress far = IPAddress.Parse("203.0.113.9");
        TimeSpan wait = TimeSpan.Zero;
        int tries = 0;
        while (wait == TimeSpan.Zero && tries < 20)
        {
            tries++;
            RequestIdentity found = await authenticator.CheckAsync("kim", "wrong", far, CancellationToken.None);
            Assert.Null(found.Principal);
            wait = found.Wait;
        }

        Assert.Equal(6, tries);

        // Not even the right one, from there; from elsewhere it is.
        Assert.Null((await authenticator.CheckAsync("kim", server.Kim, far, CancellationToken.None)).Principal);
        Assert.NotNull((await authenticator.CheckAsync(
            "kim", server.Kim, IPAddress.Parse("203.0.113.10"), CancellationToken.None)).Principal);
    }

    [Fact]
    public async Task A_proxys_header_is_believed_from_the_proxy_alone()
    {
        Authenticator authenticator = server.Services.GetRequiredService<Authenticator>();
        Assert.Equal("kim", (await IdentifyAsync("10.9.8.7", "kim"))?.Name);
        Assert.Null(await IdentifyAsync("10.9.8.8", "kim"));
        Assert.Null(await IdentifyAsync("127.0.0.1", "kim"));
        Assert.Null(await IdentifyAsync("10.9.8.7", "gone"));
        Assert.Null(await IdentifyAsync("10.9.8.7", "nobody"));

        async Task<Principal?> IdentifyAsync(string address, string user)
        {
            DefaultHttpContext http = new();
            http.Connection.RemoteIpAddress = IPAddress.Parse(address);
            http.Request.Headers["X-Signed-In"] = user;
            return (await authenticator.IdentifyAsync(http)).Principal;
        }
    }

    [Fact]
    public async Task Another_password_ends_what_the_one_before_opened()
    {
        UserDesk desk = server.Services.GetRequiredService<UserDesk>();
        string first = desk.Add(new UserRequest { Name = "park", Roles = ["analyst"] }, "test").Password;
        server.Services.GetRequiredService<AccessReloader>().LookNow();
        string cookie = await server.SignInAsync("park", first);
        Assert.Equal(200, await StatusAsync(HttpMethod.Get, "/v1/session", AccessServer.Basic("park", first)));
        using HttpResponseMessage renewed = await server.SendAsync(
            HttpMethod.Put, "/v1/users/park/password", null, AccessServer.Basic("root", server.Root));
        string second = JsonDocument.Parse(await renewed.Content.ReadAsStringAsync()).RootElement
            .GetProperty("password").GetString()!;
        Assert.Equal(401, await StatusAsync(HttpMethod.Get, "/v1/session", ("Cookie", cookie)));
        Assert.Equal(401, await StatusAsync(HttpMethod.Get, "/v1/session", AccessServer.Basic("park", first)));
        Assert.Equal(200, await StatusAsync(HttpMethod.Get, "/v1/session", AccessServer.Basic("park", second)));
        using HttpResponseMessage removed = await server.SendAsync(
            HttpMethod.Delete, "/v1/users/park", null, AccessServer.Basic("root", server.Root));
        Assert.Equal(HttpStatusCode.OK, removed.StatusCode);
        Assert.Equal(401, await StatusAsync(HttpMethod.Get, "/v1/session", AccessServer.Basic("park", second)));
        Assert.DoesNotContain(
            "park", await File.ReadAllTextAsync($"{server.Paths.Access}/users.yaml"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_is_a_users_or_a_keys()
    {
        using HttpResponseMessage key = await server.SendAsync(
            HttpMethod.Post, "/v1/keys", "{\"name\":\"kim\",\"roles\":[\"web\"]}",
            AccessServer.Basic("root", server.Root));
        Assert.Equal(HttpStatusCode.BadRequest, key.StatusCode);
        using HttpResponseMessage made = await server.SendAsync(
            HttpMethod.Post, "/v1/keys", "{\"name\":\"robot\",\"roles\":[\"web\"]}",
            AccessServer.Basic("root", server.Root));
        Assert.Equal(HttpStatusCode.OK, made.StatusCode);
        using HttpResponseMessage user = await server.SendAsync(
            HttpMethod.Post, "/v1/users", "{\"name\":\"robot\",\"roles\":[\"web\"]}",
            AccessServer.Basic("root", server.Root));
        Assert.Equal(HttpStatusCode.BadRequest, user.StatusCode);
    }

    [Fact]
    public void Every_endpoint_declares_what_it_needs()
    {
        string[] undeclared =
        [
            .. server.Endpoints()
                .Where(static endpoint => endpoint.Metadata.GetMetadata<EndpointPermission>() is null)
                .Select(static endpoint => endpoint.RoutePattern.RawText!),
        ];
        Assert.True(undeclared.Length == 0, "without .Needs(Permission.…): " + string.Join(", ", undeclared));
    }

    [Fact]
    public async Task Nobody_and_a_reader_reach_what_each_endpoint_says_and_no_more()
    {
        List<string> wrong = [];
        foreach (RouteEndpoint endpoint in server.Endpoints())
        {
            Permission needed = endpoint.Metadata.GetMetadata<EndpointPermission>()!.Permission;
            string path = System.Text.RegularExpressions.Regex.Replace(
                endpoint.RoutePattern.RawText!, @"\{[^}]*\}", "x");
            foreach (string method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods)
            {
                int stranger = await StatusAsync(new HttpMethod(method), path);
                int reader = await StatusAsync(
                    new HttpMethod(method), path, AccessServer.Basic("kim", server.Kim));
                bool closed = needed is Permission.Read or Permission.Known or Permission.Administer or Permission.Page
                    or Permission.Write;
                if ((stranger == 401) != closed || (needed == Permission.Administer && reader != 403))
                {
                    wrong.Add($"{method} {path} ({needed}): nobody {stranger}, reader {reader}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private async Task<int> StatusAsync(HttpMethod method, string path, params (string, string)[] headers)
    {
        using HttpResponseMessage answer = await server.SendAsync(method, path, null, headers);
        return (int)answer.StatusCode;
    }

    private async Task<JsonElement> JsonAsync(HttpMethod method, string path, params (string, string)[] headers)
    {
        using HttpResponseMessage answer = await server.SendAsync(method, path, null, headers);
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
    }
}
