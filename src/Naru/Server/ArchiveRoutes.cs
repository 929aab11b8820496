using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Archive;

namespace Naru.Server;

/// <summary>
/// Saved queries and dashboards over HTTP. Whoever may read every table that a text names sees it; its owner and
/// administrators change it. Whoever runs it does so with rights of their own.
/// </summary>
internal static class ArchiveRoutes
{
    public static void MapArchive(this IEndpointRouteBuilder routes)
    {
        routes.MapShelf<SavedQuery, QueryDesk>("/v1/archive", "saved query", "saved queries");
        routes.MapShelf<Dashboard, DashboardDesk>("/v1/dashboards", "dashboard", "dashboards");

        // Short and stable, to be pasted into the ticket. It tells nothing by itself.
        routes.MapGet("/archive/{number}", static (string number) =>
            Results.Redirect($"/console/archive/{Uri.EscapeDataString(number)}")).Needs(Permission.Public)
            .WithSummary("Leads to a saved query's page: the link for the ticket.");
        routes.MapGet("/archive/{number}/ticket", static (string number, ArchiveOptions options) =>
            ArchiveNames.NumberFault(number) is null && options.TicketOf(number) is { } address
                ? Results.Redirect(address)
                : ServerErrors.NotFound("this project names no tracker", "set archive.tracker in naru.yaml"))
            .Needs(Permission.Known).WithSummary("Leads to a saved query's ticket in the company's tracker.");
    }

    private static void MapShelf<T, TDesk>(this IEndpointRouteBuilder routes, string path, string one, string many)
        where T : class, IKept
        where TDesk : ArchiveDesk<T>
    {
        string name = typeof(T) == typeof(SavedQuery) ? "{number}" : "{name}";
        routes.MapGet(path, static (HttpContext http, TDesk desk) => desk.List(http))
            .Needs(Permission.Read).WithSummary($"The {many} that the caller may see.");
        routes.MapGet($"{path}/{name}", static (HttpContext http, TDesk desk) => desk.Show(NameOf(http), http))
            .Needs(Permission.Read).WithSummary($"A {one}, with its text.");
        routes.MapGet($"{path}/{name}/versions", static (HttpContext http, TDesk desk) =>
            desk.Versions(NameOf(http), http))
            .Needs(Permission.Read).WithSummary($"Every saved text of a {one}, the newest first.");
        routes.MapPost($"{path}/{name}/check", static (HttpContext http, TDesk desk) =>
            desk.CheckAsync(NameOf(http), http))
            .Needs(Permission.Read).WithSummary($"What is wrong with a text of a {one}.");
        routes.MapPut($"{path}/{name}", static (HttpContext http, TDesk desk) => desk.SaveAsync(NameOf(http), http))
            .Needs(Permission.Read).WithSummary($"Saves a {one}.");
        routes.MapDelete($"{path}/{name}", static (HttpContext http, TDesk desk) => desk.Remove(NameOf(http), http))
            .Needs(Permission.Read).WithSummary($"Removes a {one}; its versions are kept.");
    }

    private static string NameOf(HttpContext http) =>
        (string)(http.GetRouteValue("number") ?? http.GetRouteValue("name"))!;
}
