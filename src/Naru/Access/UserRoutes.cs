using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Core.Files;
using Naru.Lake.Catalog;

namespace Naru.Access;

internal sealed record UserList(ImmutableArray<UserView> Users);

internal sealed record GrantAnswer(ImmutableArray<GrantView> Grants);

/// <summary>`by_hand` names the file in which the user still stands.</summary>
internal sealed record UserRemoved(string Name, string? ByHand);

/// <summary>Users for administrators, and who may what.</summary>
internal static class UserRoutes
{
    private const int RequestBytesMax = 64 << 10;

    public static void MapUsers(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/users", static (Authenticator callers, TimeProvider time) => Results.Json(
            new UserList(UserDesk.List(callers.Stores.Access.Current, callers.Stores.Users, time.GetUtcNow())),
            AccessJson.Answers))
            .Needs(Permission.Administer).WithSummary("Lists users, never their passwords.");
        routes.MapPost("/v1/users", AddAsync)
            .Needs(Permission.Administer)
            .WithSummary("Adds a user; the answer is the only place that shows the password.");
        routes.MapPut("/v1/users/{name}/password", (string name, HttpContext http, UserDesk desk) => Try(http, () =>
        {
            NewPassword made = desk.Renew(name, http.Asks()!.Name);
            http.RequestServices.GetRequiredService<Authenticator>().Stores.Sessions.EndAllOf(name);
            return Results.Json(made, AccessJson.Answers);
        })).Needs(Permission.Administer).WithSummary("Makes another password and ends the user's sign-ins.");
        routes.MapDelete("/v1/users/{name}", (string name, HttpContext http, UserDesk desk) => Try(http, () =>
        {
            string? byHand = desk.Remove(name, http.Asks()!.Name);
            http.RequestServices.GetRequiredService<Authenticator>().Stores.Sessions.EndAllOf(name);
            http.RequestServices.GetRequiredService<AccessReloader>().LookNow();
            return Results.Json(new UserRemoved(name, byHand), AccessJson.Answers);
        })).Needs(Permission.Administer).WithSummary("Removes a user and ends the user's sign-ins.");
        routes.MapGet("/v1/roles", static (HttpContext http, Authenticator callers) => Results.Json(
            new RoleList(RoleView.Of(http.Asks()!, callers.Stores.Access.Current)), AccessJson.Answers))
            .Needs(Permission.Known).WithSummary("Roles as they are defined: all for administrators, else one's own.");
        routes.MapGet("/v1/grants", Grants)
            .Needs(Permission.Known).WithSummary("Who may what: everybody for administrators, else the caller.");
    }

    private static IResult Grants(
        HttpContext http, Authenticator callers, ILakeCatalog catalog, TimeProvider time)
    {
        Principal asking = http.Asks()!;
        string? who = http.Request.Query["who"] is [{ Length: > 0 } name] ? name : null;
        if (!asking.Administer && who is not null && who != asking.Name)
        {
            return AccessErrors.Forbidden("see what others may");
        }

        return Results.Json(
            new GrantAnswer(GrantList.Of(
                callers, catalog.Tables, asking.Administer ? who : asking.Name, time.GetUtcNow())),
            AccessJson.Answers);
    }

    private static async Task<IResult> AddAsync(
        HttpContext http, UserDesk desk, KeyStore keys, AccessReloader reloader)
    {
        UserRequest? request = await ReadAsync(http).ConfigureAwait(false);
        return request is null
            ? AccessErrors.BadRequest("the body is no user", "send {\"name\":\"kim\",\"roles\":[\"analyst\"]}")
            : Try(http, () =>
            {
                // Queries and downloads belong to a name.
                if (keys.List().Any(key => key.RevokedAt is null && key.Name == request.Name))
                {
                    throw new UserException($"a key is named '{request.Name}'", "choose another name");
                }

                NewPassword made = desk.Add(request, http.Asks()!.Name);
                reloader.LookNow();
                return Results.Json(made, AccessJson.Answers);
            });
    }

    private static IResult Try(HttpContext http, Func<IResult> act)
    {
        http.Response.Headers.CacheControl = "no-store";
        try
        {
            return act();
        }
        catch (UserException exception)
        {
            return AccessErrors.BadRequest(exception.Message, exception.Hint);
        }
        catch (StorageException exception)
        {
            return AccessErrors.Storage(exception.Message);
        }
    }

    private static async Task<UserRequest?> ReadAsync(HttpContext http)
    {
        if (http.Request.ContentLength is null or > RequestBytesMax)
        {
            return null;
        }

        try
        {
            return await JsonSerializer.DeserializeAsync<UserRequest>(
                http.Request.Body, AccessJson.Answers, http.RequestAborted).ConfigureAwait(false);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
