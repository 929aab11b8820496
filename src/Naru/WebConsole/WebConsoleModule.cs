using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Configuration;

namespace Naru.WebConsole;

/// <summary>
/// The pages for people, below `/console/`. The server sends frames without data; scripts fill them through the JSON
/// routes, under the same rights as any other caller.
/// </summary>
internal static class WebConsoleModule
{
    /// <summary>
    /// Scripts, styles and connections of this server only, nothing inline, no text that becomes markup: what events
    /// carry is hostile. The one policy for trusted types lets libraries empty an element.
    /// </summary>
    public const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
        + "require-trusted-types-for 'script'; trusted-types default";

    /// <summary>What every answer carries that is not about taking events; goes before all routes.</summary>
    public static void UseConsoleHeaders(this IApplicationBuilder application) =>
        application.Use(static (HttpContext http, RequestDelegate next) =>
        {
            PathString path = http.Request.Path;
            if (path.StartsWithSegments("/v1", out PathString below) && !below.StartsWithSegments("/events"))
            {
                http.Response.Headers.CacheControl = "no-store";
                http.Response.Headers.XContentTypeOptions = "nosniff";
            }

            return next(http);
        });

    public static void MapConsole(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/", static () => Results.Redirect("/console/live")).Needs(Permission.Public);
        routes.MapGet("/console", static () => Results.Redirect("/console/live")).Needs(Permission.Public);
        routes.MapGet("/sign-in", SignIn).Needs(Permission.Page);
        routes.MapGet("/console/assets/{hash}/{name}", Asset).Needs(Permission.Public);
        routes.MapGet("/console/{page}/{**rest}", Page).Needs(Permission.Page);
    }

    private static IResult Asset(string hash, string name, HttpContext http)
    {
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return ConsoleAssets.Answer(hash, name, http);
    }

    private static IResult Page(string page, HttpContext http, Settings settings)
    {
        ConsoleWords words = ConsoleWords.Of(http.Request);
        Secure(http.Response);
        if (http.Asks() is not { } reader)
        {
            return Send(401, ConsoleFrame.SignIn(words));
        }

        bool session = http.Features.Get<RequestIdentity>()?.SessionUntil is not null;
        ConsoleFrame frame = new(words, reader, settings.Get<ProjectOptions>().Timezone, session);
        return ConsolePages.Find(page) is { } found
            ? Send(200, frame.Page(found))
            : Send(404, ConsoleFrame.Plain(words, words["frame.unknown"], words.Format("frame.unknown.lead", page)));
    }

    /// <summary>
    /// For those who have a key: the browser asks for it, and sends it with whatever is asked of this server, since
    /// this path stands at its root.
    /// </summary>
    private static IResult SignIn(HttpContext http)
    {
        Secure(http.Response);
        if (http.Asks() is not null)
        {
            return Results.Redirect("/console/live");
        }

        ConsoleWords words = ConsoleWords.Of(http.Request);
        http.Response.Headers.WWWAuthenticate = "Basic realm=\"naru\", charset=\"UTF-8\"";
        return Send(401, ConsoleFrame.Plain(words, words["signin.key"], words["signin.key.lead"]));
    }

    private static void Secure(HttpResponse response)
    {
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "no-store";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        response.Headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
    }

    private static IResult Send(int status, Html page) =>
        Results.Content(page.Text, "text/html; charset=utf-8", statusCode: status);
}
