using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Lake.Catalog;

namespace Naru.Access.Tickets;

/// <summary>One limit of a ticket; values are queries, bytes, milliseconds of CPU, or events.</summary>
internal sealed record TicketLimitView(string Limit, long Value, long Used, string Shown, string UsedShown)
{
    public DateTimeOffset? RaisedUntil { get; init; }

    public string? RaisedBy { get; init; }

    public string? Why { get; init; }
}

internal sealed record TicketView(
    string Name,
    string Description,
    string? Owner,
    ImmutableArray<string> Pools,
    ImmutableArray<TicketLimitView> Limits);

internal sealed record TicketList(ImmutableArray<TicketView> Tickets);

/// <summary>
/// What `POST /v1/tickets/{name}/raise` takes: `{"limit":"scanned_per_day","to":"400GB","for":"4h"}`.
/// </summary>
internal sealed record RaiseRequest
{
    public string Limit { get; init; } = "";

    public string To { get; init; } = "";

    public string For { get; init; } = "";

    public string Why { get; init; } = "";
}

/// <summary>Budgets: whoever has one sees it, its owner and administrators raise it for a while.</summary>
internal static class TicketModule
{
    private const int RequestBytesMax = 16 << 10;
    private static readonly TimeSpan LongestRaise = TimeSpan.FromDays(31);

    public static void AddTickets(this IServiceCollection services, ProjectZone zone)
    {
        services.AddSingleton(provider => TicketBook.Open(
            provider.GetRequiredService<IAccessSource>(),
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>().State,
            zone,
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ISystemTable, TicketsTable>();
        services.AddHostedService<TicketSaver>();
    }

    public static void MapTickets(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/tickets", List)
            .Needs(Permission.Known).WithSummary("Tickets, their limits and what is used of them today.");
        routes.MapPost("/v1/tickets/{name}/raise", RaiseAsync)
            .Needs(Permission.Known).WithSummary("Raises a limit for a while: its owner or an administrator.");
    }

    private static IResult List(HttpContext http, TicketBook book)
    {
        Principal asking = http.Asks()!;
        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(
            new TicketList([.. book.All.Where(ticket => Sees(asking, ticket)).Select(ticket => View(book, ticket))]),
            AccessJson.Answers);
    }

    private static async Task<IResult> RaiseAsync(
        string name, HttpContext http, TicketBook book, AuditTrail trail, TimeProvider time)
    {
        Principal asking = http.Asks()!;
        if (book.All.FirstOrDefault(ticket => ticket.Name == name && Sees(asking, ticket)) is not { } ticket)
        {
            return AccessErrors.NotFound($"there is no ticket '{name}' of yours", "`naru ticket list` shows them");
        }

        if (!asking.Administer && ticket.Owner != asking.Name)
        {
            return AccessErrors.Forbidden($"raise ticket '{name}': that is for {ticket.Owner ?? "administrators"}");
        }

        RaiseRequest? request = await ReadAsync(http).ConfigureAwait(false);
        if (request is null
            || !TicketText.TryName(request.Limit, out TicketLimit limit)
            || !TicketText.TryValue(limit, request.To, out long value)
            || !DurationText.TryParse(request.For, out TimeSpan duration)
            || duration <= TimeSpan.Zero || duration > LongestRaise)
        {
            return AccessErrors.BadRequest(
                $"a raise names one of {TicketText.Names}, to which value, and for how long (at most 31d)",
                "send {\"limit\":\"scanned_per_day\",\"to\":\"400GB\",\"for\":\"4h\",\"why\":\"quarter's report\"}");
        }

        if (book.LimitOf(ticket, limit) is null)
        {
            return AccessErrors.BadRequest(
                $"ticket '{name}' has no limit {request.Limit}", "what is not limited needs no raise");
        }

        TicketRaise raise = new(name, limit, value, time.GetUtcNow() + duration, asking.Name, request.Why);
        try
        {
            trail.Append(asking.Name, "ticket.raise", ImmutableSortedDictionary<string, string>.Empty
                .Add("ticket", name).Add("limit", request.Limit).Add("to", request.To).Add("for", request.For)
                .Add("why", request.Why));
            book.Raise(raise);
        }
        catch (StorageException exception)
        {
            return AccessErrors.Storage(exception.Message);
        }

        return Results.Json(View(book, ticket), AccessJson.Answers);
    }

    private static bool Sees(Principal asking, TicketDefinition ticket) =>
        asking.Administer || asking.Ticket == ticket.Name || ticket.Owner == asking.Name;

    private static TicketView View(TicketBook book, TicketDefinition ticket) => new(
        ticket.Name, ticket.Description, ticket.Owner, ticket.Pools,
        [.. ticket.Limits.Keys.Select(limit => View(book, ticket, limit))]);

    private static TicketLimitView View(TicketBook book, TicketDefinition ticket, TicketLimit limit)
    {
        (long value, TicketRaise? raise) = book.LimitOf(ticket, limit)!.Value;
        long used = limit == TicketLimit.Concurrent
            ? book.RunningOf(ticket.Name)
            : book.UseOf(ticket.Name).Of(limit);
        return new TicketLimitView(
            TicketText.Name(limit), value, used, TicketText.Show(limit, value), TicketText.Show(limit, used))
        {
            RaisedUntil = raise?.Until, RaisedBy = raise?.By, Why = raise?.Why,
        };
    }

    private static async Task<RaiseRequest?> ReadAsync(HttpContext http)
    {
        if (http.Request.ContentLength is null or > RequestBytesMax)
        {
            return null;
        }

        try
        {
            return await JsonSerializer.DeserializeAsync<RaiseRequest>(
                http.Request.Body, AccessJson.Answers, http.RequestAborted).ConfigureAwait(false);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
