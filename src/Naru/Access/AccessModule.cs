using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Access.Tickets;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Lake.Catalog;

namespace Naru.Access;

/// <summary>What `POST /v1/keys` takes.</summary>
internal sealed record KeyRequest
{
    public string Name { get; init; } = "";

    public ImmutableArray<string> Write { get; init; } = [];

    public ImmutableArray<string> Read { get; init; } = [];

    public ImmutableArray<string> Secure { get; init; } = [];

    public bool Administer { get; init; }

    public ImmutableArray<string> Roles { get; init; } = [];

    public string? Ticket { get; init; }

    public DateTimeOffset? Until { get; init; }
}

/// <summary>Keys: the store, and the routes to make, list and revoke them (they need the administer right).</summary>
internal static class AccessModule
{
    private const int RequestBytesMax = 64 << 10;

    /// <summary>Needs an <see cref="IRuleCheck"/> among the services.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton(settings.Get<AccessOptions>());
        services.AddTickets(ProjectZone.Of(settings.Get<ProjectOptions>().FindTimeZone()));
        services.AddSingleton(provider => new AccessBook(
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>(),
            settings.Get<ProjectOptions>().FindTimeZone()));
        services.AddSingleton(static provider => new AccessReloader(
            provider.GetRequiredService<AccessBook>(),
            provider.GetRequiredService<IRuleCheck>,
            provider.GetRequiredService<AuditTrail>(),
            provider.GetRequiredService<AccessOptions>(),
            provider.GetRequiredService<ILogger<AccessReloader>>()));
        services.AddSingleton<IAccessSource>(static provider => provider.GetRequiredService<AccessReloader>());
        services.AddHostedService(static provider => provider.GetRequiredService<AccessReloader>());
        services.AddSingleton(static provider => AuditTrail.Open(
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>().State,
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(static provider => new ActivityTrail(
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>().State,
            provider.GetRequiredService<AuditTrail>(),
            provider.GetRequiredService<AccessOptions>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IActivity>(static provider => provider.GetRequiredService<ActivityTrail>());
        services.AddHostedService<ActivityWriter>();
        services.AddSingleton<RefusalTrail>();
        services.AddHostedService<RefusalCloser>();
        services.AddSingleton<ISystemTable>(static provider => new AuditTable(
            provider.GetRequiredService<IFileSystem>(), provider.GetRequiredService<ProjectPaths>().State));
        AddCallers(services);
        services.AddHostedService<KeyWatcher>();
        return services;
    }

    private static void AddCallers(IServiceCollection services)
    {
        services.AddSingleton(static provider => KeyStore.Open(
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>().State,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<IAccessSource>(),
            provider.GetRequiredService<AuditTrail>()));
        services.AddSingleton(static provider => UserStore.Open(
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>().State,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<AuditTrail>()));
        services.AddSingleton(static provider => SessionStore.Open(
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>().State,
            provider.GetRequiredService<AccessOptions>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(static provider => new UserDesk(
            provider.GetRequiredService<IFileSystem>(),
            provider.GetRequiredService<ProjectPaths>(),
            provider.GetRequiredService<AccessBook>(),
            provider.GetRequiredService<UserStore>()));
        services.AddSingleton(static provider => new Authenticator(
            new AccessStores(
                provider.GetRequiredService<KeyStore>(),
                provider.GetRequiredService<UserStore>(),
                provider.GetRequiredService<SessionStore>(),
                provider.GetRequiredService<IAccessSource>()),
            new SignInGuard(provider.GetRequiredService<TimeProvider>()),
            provider.GetRequiredService<IActivity>(),
            provider.GetRequiredService<AccessOptions>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IAuthenticator>(static provider => provider.GetRequiredService<Authenticator>());
    }

    public static void MapAccess(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/keys", static (HttpContext http, KeyStore keys) =>
            Refusal(http, out _) ?? Results.Json(new KeyList(keys.List()), AccessJson.Answers))
            .Needs(Permission.Administer);
        routes.MapPost("/v1/keys", AddAsync).Needs(Permission.Administer);
        routes.MapDelete("/v1/keys/{id}", Revoke).Needs(Permission.Administer);
        routes.MapSessions();
        routes.MapUsers();
        routes.MapTickets();
    }

    /// <summary>The answer to one who may not administer; null, with the principal, for one who may.</summary>
    public static IResult? Refusal(HttpContext http, out Principal principal)
    {
        Principal? found = http.Asks();
        principal = found ?? Principal.Open;
        return found is null ? AccessErrors.Unauthorized()
            : found.Administer ? null
            : AccessErrors.Forbidden("administer this project");
    }

    private static async Task<IResult> AddAsync(HttpContext http, KeyStore keys, ILogger<KeyStore> logger)
    {
        if (Refusal(http, out Principal principal) is { } refusal)
        {
            return refusal;
        }

        KeyRequest? request = await ReadAsync(http).ConfigureAwait(false);
        if (request is null)
        {
            return AccessErrors.BadRequest(
                "the body is no key request", "send {\"name\":\"shop-web\",\"write\":[\"kr_shop.*\"]}");
        }

        KeyRights rights = new()
        {
            Write = Given(request.Write),
            Read = Given(request.Read),
            Secure = Given(request.Secure),
            Administer = request.Administer,
            Roles = Given(request.Roles),
            Ticket = request.Ticket,
            Until = request.Until,
        };
        if (KeyRules.Check(request.Name, rights) is { Count: > 0 } mistakes)
        {
            return AccessErrors.BadRequest(
                string.Join("; ", mistakes.Select(static mistake => mistake.Message)), mistakes[0].Hint);
        }

        // Queries and downloads belong to a name.
        AccessSet access = http.RequestServices.GetRequiredService<IAccessSource>().Current;
        if (access.Users.ContainsKey(request.Name))
        {
            return AccessErrors.BadRequest($"a user is named '{request.Name}'", "choose another name");
        }

        if (request.Ticket is { } ticket && !access.Tickets.ContainsKey(ticket))
        {
            return AccessErrors.BadRequest(
                $"there is no ticket '{ticket}'", "tickets are defined in access/; `naru ticket list` shows them");
        }

        NewKey made = keys.Add(request.Name, rights, principal.Name);
        AccessLog.Added(logger, made.About.Id, made.About.Name, principal.Name);
        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(made, AccessJson.Answers);
    }

    private static IResult Revoke(string id, HttpContext http, KeyStore keys, ILogger<KeyStore> logger)
    {
        if (Refusal(http, out Principal principal) is { } refusal)
        {
            return refusal;
        }

        KeyView? revoked = keys.Revoke(id, principal.Name);
        if (revoked is null)
        {
            return AccessErrors.NotFound($"there is no key '{id}'", "`naru key list` shows the ids");
        }

        AccessLog.Revoked(logger, revoked.Id, revoked.Name, principal.Name);
        return Results.Json(revoked, AccessJson.Answers);
    }

    private static ImmutableArray<string> Given(ImmutableArray<string> patterns) => patterns.IsDefault ? [] : patterns;

    private static async Task<KeyRequest?> ReadAsync(HttpContext http)
    {
        if (http.Request.ContentLength is null or > RequestBytesMax)
        {
            return null;
        }

        try
        {
            return await JsonSerializer.DeserializeAsync<KeyRequest>(
                http.Request.Body, AccessJson.Answers, http.RequestAborted).ConfigureAwait(false);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

internal sealed record KeyList(ImmutableArray<KeyView> Keys);
