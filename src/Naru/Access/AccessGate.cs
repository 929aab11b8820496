using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Naru.Access;

/// <summary>
/// In front of every endpoint: finds out who asks, once, and holds the request against the permission that the endpoint
/// declares. Deny by default: an endpoint that declares none is not reached.
/// </summary>
internal static class AccessGate
{
    /// <summary>What a form of another site can send without the browser asking first.</summary>
    private static readonly string[] FormTypes =
        ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

    public static void UseAccess(this IApplicationBuilder application) => application.Use(static (http, next) =>
    {
        Endpoint? endpoint = http.GetEndpoint();
        Permission? needed = endpoint?.Metadata.GetMetadata<EndpointPermission>()?.Permission;
        return needed switch
        {
            // Not an address, but the answer to a method or a content type that none of an address's routes takes.
            null when endpoint is not null and not RouteEndpoint => next(http),
            null when endpoint is not null => AccessErrors.Undeclared().ExecuteAsync(http),
            null or Permission.Public => next(http),

            // The way of every event: keys are looked up by the endpoint, and only passwords are checked here.
            Permission.Write when IsKey(http) => next(http),
            _ => AskAsync(http, next, needed.Value),
        };
    });

    /// <summary>
    /// Who asks; null for one who is not known. Found by the gate, or, where a server has none, by the header alone.
    /// </summary>
    public static Principal? Asks(this HttpContext http) =>
        http.Features.Get<RequestIdentity>() is { } identity
            ? identity.Principal
            : http.RequestServices.GetRequiredService<IAuthenticator>()
                .Authenticate(http.Request.Headers.Authorization, http.Connection.RemoteIpAddress);

    /// <summary>
    /// True where a page of another site may have made the browser send this: cookie, proxy and the password of Basic
    /// are added to whatever leaves the browser, and loopback needs none. Programs say neither where they come from nor
    /// hold a cookie; a browser always says it with what changes something.
    /// </summary>
    public static bool IsForeign(HttpContext http, SignInMeans means)
    {
        string? site = http.Request.Headers["Sec-Fetch-Site"];
        if (site is "cross-site")
        {
            return true;
        }

        bool safe = HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method)
            || HttpMethods.IsOptions(http.Request.Method);
        if (safe)
        {
            return false;
        }

        string? origin = http.Request.Headers.Origin;
        bool cookie = means is SignInMeans.Cookie or SignInMeans.Proxy;
        bool browser = site is not null || !string.IsNullOrEmpty(origin);
        bool own = site is not null ? site is "same-origin" or "none" : IsOwn(origin, http);
        return cookie ? !own || SendsForm(http) : browser && !own;
    }

    private static bool IsKey(HttpContext http) =>
        http.Request.Headers.Authorization is [{ } header]
        && header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase);

    private static async Task AskAsync(HttpContext http, RequestDelegate next, Permission needed)
    {
        Authenticator authenticator = http.RequestServices.GetRequiredService<Authenticator>();
        RequestIdentity identity = await authenticator.IdentifyAsync(http).ConfigureAwait(false);
        http.Features.Set(identity);
        if (needed is Permission.Write or Permission.Page)
        {
            if (identity.Wait > TimeSpan.Zero)
            {
                await TooManyAsync(http, identity).ConfigureAwait(false);
                return;
            }

            await next(http).ConfigureAwait(false);
            return;
        }

        if (identity.Wait > TimeSpan.Zero)
        {
            await TooManyAsync(http, identity).ConfigureAwait(false);
            return;
        }

        IResult? refusal = Refusal(http, identity, needed);
        await (refusal is null ? next(http) : RefuseAsync(http, refusal)).ConfigureAwait(false);
        if (http.Response.StatusCode is StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden)
        {
            await http.RequestServices.GetRequiredService<RefusalTrail>()
                .RecordAsync(http, identity.Principal, http.Response.StatusCode).ConfigureAwait(false);
        }
    }

    private static IResult? Refusal(HttpContext http, RequestIdentity identity, Permission needed)
    {
        if (IsForeign(http, identity.Means))
        {
            return AccessErrors.Forbidden("be asked for by other sites' pages");
        }

        if (identity.Principal is not { } principal)
        {
            bool local = needed == Permission.Local && http.Connection.RemoteIpAddress is { } remote
                && IPAddress.IsLoopback(remote) && identity.Wait == TimeSpan.Zero;
            return local ? null : AccessErrors.Unauthorized();
        }

        return needed == Permission.Administer && !principal.Administer
            ? AccessErrors.Forbidden("administer this project") : null;
    }

    private static Task RefuseAsync(HttpContext http, IResult refusal)
    {
        http.Response.Headers.CacheControl = "no-store";
        http.Response.OnStarting(static state =>
        {
            HttpContext asked = (HttpContext)state;
            if (asked.Response.StatusCode == StatusCodes.Status401Unauthorized)
            {
                // To a page's script, Basic would open the browser's own window.
                bool script = asked.Request.Headers.ContainsKey("Sec-Fetch-Mode");
                asked.Response.Headers.WWWAuthenticate = script ? "Bearer" : "Bearer, Basic realm=\"naru\"";
            }

            return Task.CompletedTask;
        }, http);
        return refusal.ExecuteAsync(http);
    }

    public static Task TooManyAsync(HttpContext http, RequestIdentity identity)
    {
        int seconds = Math.Max(1, (int)Math.Ceiling(identity.Wait.TotalSeconds));
        http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        http.Response.Headers.CacheControl = "no-store";
        return AccessErrors.TooManyTries(seconds).ExecuteAsync(http);
    }

    private static bool IsOwn(string? origin, HttpContext http) =>
        Uri.TryCreate(origin, UriKind.Absolute, out Uri? from)
        && string.Equals(from.Authority, Authority(http), StringComparison.OrdinalIgnoreCase);

    /// <summary>As <see cref="Uri.Authority"/> has it: without the scheme's own port.</summary>
    private static string Authority(HttpContext http) =>
        Uri.TryCreate($"{http.Request.Scheme}://{http.Request.Host}", UriKind.Absolute, out Uri? own)
            ? own.Authority : "";

    private static bool SendsForm(HttpContext http)
    {
        bool empty = http.Request.ContentLength is 0
            || (http.Request.ContentLength is null && !http.Request.Headers.ContainsKey("Transfer-Encoding"));
        string type = http.Request.ContentType?.Split(';')[0].Trim() ?? "";
        return !empty && (type.Length == 0 || FormTypes.Contains(type, StringComparer.OrdinalIgnoreCase));
    }
}
