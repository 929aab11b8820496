using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Naru.Access;

/// <summary>What `POST /v1/session` takes.</summary>
internal sealed record SignInRequest(string? Name, string? Password);

internal sealed record SignedOut(bool Out);

/// <summary>Who is signed in, and what they may: `GET /v1/session`.</summary>
internal sealed record SessionView
{
    public required string Name { get; init; }

    /// <summary>`user`, `key` or `open`.</summary>
    public required string Kind { get; init; }

    public required bool Administer { get; init; }

    public required ImmutableArray<string> Roles { get; init; }

    public required ImmutableArray<string> Read { get; init; }

    public required ImmutableArray<string> Secure { get; init; }

    public required ImmutableArray<string> Write { get; init; }

    /// <summary>Tables of which rows or columns are hidden.</summary>
    public required ImmutableArray<string> Ruled { get; init; }

    public string? Ticket { get; init; }

    /// <summary>End of the rights; null is never.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>End of the session, where there is one.</summary>
    public DateTimeOffset? SessionUntil { get; init; }

    public static SessionView Of(RequestIdentity identity)
    {
        Principal principal = identity.Principal!;
        Grant[] grants = [.. principal.Grants];
        return new SessionView
        {
            Name = principal.Name,
            Kind = principal.Kind.ToString().ToLowerInvariant(),
            Administer = principal.Administer,
            Roles = [.. principal.Roles.Select(static role => role.Name)],
            Read = [.. grants.SelectMany(static grant => grant.Read).Distinct()],
            Secure = [.. grants.SelectMany(static grant => grant.Secure).Distinct()],
            Write = [.. grants.SelectMany(static grant => grant.Write).Distinct()],
            Ruled = [.. grants.SelectMany(static grant => grant.Rows.Keys.Concat(grant.Masks.Keys)).Distinct()],
            Ticket = principal.Ticket,
            Until = principal.Until,
            SessionUntil = identity.SessionUntil,
        };
    }
}

/// <summary>
/// Sign-in of the console: `POST /v1/session` with name and password gives a cookie that scripts cannot read and that
/// no other site's page makes the browser send.
/// </summary>
internal static class SessionRoutes
{
    private const int RequestBytesMax = 4096;

    public static void MapSessions(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/session", SignInAsync).Needs(Permission.Public)
            .WithSummary("Signs a user in with name and password; the answer sets a cookie.");
        routes.MapGet("/v1/session", static (HttpContext http) => Show(http)).Needs(Permission.Known)
            .WithSummary("Tells who asks, and what they may.");
        routes.MapDelete("/v1/session", SignOutAsync).Needs(Permission.Known)
            .WithSummary("Signs out.");
    }

    private static async Task SignInAsync(HttpContext http, Authenticator authenticator, AccessOptions options)
    {
        SignInRequest? request = await ReadAsync(http).ConfigureAwait(false);
        http.Response.Headers.CacheControl = "no-store";
        if (request is not { Name: { } name, Password: { } password })
        {
            await AccessErrors.BadRequest(
                "the body is no sign-in", "send {\"name\":\"kim\",\"password\":\"…\"} as application/json")
                .ExecuteAsync(http).ConfigureAwait(false);
            return;
        }

        // Or a page of another site could sign its visitor in under a name of its own.
        if (http.Request.Headers["Sec-Fetch-Site"] is [{ } site] && site is not ("same-origin" or "none"))
        {
            await AccessErrors.Forbidden("be signed in by other sites' pages").ExecuteAsync(http)
                .ConfigureAwait(false);
            return;
        }

        RequestIdentity found = await authenticator.CheckAsync(
            name, password, http.Connection.RemoteIpAddress, http.RequestAborted).ConfigureAwait(false);
        if (found.Wait > TimeSpan.Zero)
        {
            await AccessGate.TooManyAsync(http, found).ConfigureAwait(false);
            return;
        }

        if (found.Principal is null)
        {
            await AccessErrors.WrongPassword().ExecuteAsync(http).ConfigureAwait(false);
            return;
        }

        (string id, DateTimeOffset until) = authenticator.Stores.Sessions.Begin(name);
        http.Response.Cookies.Append(Authenticator.Cookie, id, CookieOf(http, options, until));
        SessionView view = SessionView.Of(found with { SessionUntil = until });
        await Results.Json(view, AccessJson.Answers).ExecuteAsync(http).ConfigureAwait(false);
    }

    private static IResult Show(HttpContext http)
    {
        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(SessionView.Of(http.Features.Get<RequestIdentity>()!), AccessJson.Answers);
    }

    private static async Task<IResult> SignOutAsync(
        HttpContext http, Authenticator authenticator, IActivity activity, AccessOptions options)
    {
        await activity.RecordAsync(http.Asks()!.Name, "sign_out", AuditTrail.Detail()).ConfigureAwait(false);
        if (http.Request.Cookies.TryGetValue(Authenticator.Cookie, out string? id))
        {
            authenticator.Stores.Sessions.End(id);
        }

        http.Response.Cookies.Delete(Authenticator.Cookie, CookieOf(http, options, null));
        return Results.Json(new SignedOut(true), AccessJson.Answers);
    }

    private static CookieOptions CookieOf(HttpContext http, AccessOptions options, DateTimeOffset? until) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Secure = http.Request.IsHttps || (options.Trusts(http.Connection.RemoteIpAddress)
            && http.Request.Headers["X-Forwarded-Proto"] == "https"),
        Path = "/",
        Expires = until,
        IsEssential = true,
    };

    private static async Task<SignInRequest?> ReadAsync(HttpContext http)
    {
        if (http.Request.ContentLength is null or > RequestBytesMax || !http.Request.HasJsonContentType())
        {
            return null;
        }

        try
        {
            return await JsonSerializer.DeserializeAsync<SignInRequest>(
                http.Request.Body, AccessJson.Answers, http.RequestAborted).ConfigureAwait(false);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
