using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Archive;

namespace Naru.Server;

/// <summary>
/// Saved queries over HTTP. Whoever may read every table that a query names sees it; its owner and administrators
/// change it. Whoever runs it does so with rights of their own.
/// </summary>
internal static class ArchiveRoutes
{
    public static void MapArchive(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/archive", static (HttpContext http, QueryDesk desk) => desk.List(http))
            .Needs(Permission.Read).WithSummary("The saved queries that the caller may see.");
        routes.MapGet("/v1/archive/{number}", static (string number, HttpContext http, QueryDesk desk) =>
            desk.Show(number, http)).Needs(Permission.Read).WithSummary("A saved query, with its text.");
        routes.MapGet("/v1/archive/{number}/versions", static (string number, HttpContext http, QueryDesk desk) =>
            desk.Versions(number, http))
            .Needs(Permission.Read).WithSummary("Every saved text of a query, the newest first.");
        routes.MapPost("/v1/archive/{number}/check", static (string number, HttpContext http, QueryDesk desk) =>
            desk.CheckAsync(number, http))
            .Needs(Permission.Read).WithSummary("What is wrong with a text of a saved query.");
        routes.MapPut("/v1/archive/{number}", static (string number, HttpContext http, QueryDesk desk) =>
            desk.SaveAsync(number, http)).Needs(Permission.Read).WithSummary("Saves a query.");
        routes.MapDelete("/v1/archive/{number}", static (string number, HttpContext http, QueryDesk desk) =>
            desk.Remove(number, http))
            .Needs(Permission.Read).WithSummary("Removes a saved query; its versions are kept.");

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
}
