using System.Text.Json;
using Naru.Access;
using Naru.Lake.Catalog;
using Naru.Query.Gate;

namespace Naru.Query.Explore;

/// <summary>
/// `GET /v1/explore`: logs and fields that the caller may explore. `POST /v1/explore`: the statement that answers a
/// question. It reads nothing: the statement is asked like any other, with whatever rights its caller has.
/// </summary>
internal static class ExploreEndpoint
{
    private const int RequestBytesMax = 64 << 10;

    public static async Task ListAsync(HttpContext context, ILakeCatalog catalog)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is not Principal principal)
        {
            return;
        }

        ReadableTables readable = new(catalog.Tables, principal);
        ExploreLogs answer = new(
        [
            .. readable.All.Where(ExploreSource.IsLog).Select(table => new ExploreLog(
                table.Name.ToString(), table.Description, [.. ExploreSource.Of(readable, table).Fields])),
        ]);
        await context.Response.WriteAsJsonAsync(answer, ExploreJson.Readable.ExploreLogs).ConfigureAwait(false);
    }

    public static async Task WriteAsync(HttpContext context, ILakeCatalog catalog)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is not Principal principal)
        {
            return;
        }

        try
        {
            ExploreQuestion question = await ReadAsync(context).ConfigureAwait(false);
            ExploreAnswer answer = new(ExploreScope.Write(question, new ReadableTables(catalog.Tables, principal)));
            await context.Response.WriteAsJsonAsync(answer, ExploreJson.Readable.ExploreAnswer).ConfigureAwait(false);
        }
        catch (QueryException exception)
        {
            await QueryAnswers.WriteAsync(context, exception.Error).ConfigureAwait(false);
        }
    }

    private static async Task<ExploreQuestion> ReadAsync(HttpContext context)
    {
        if (context.Request.ContentLength is null or > RequestBytesMax)
        {
            throw ExploreFilters.Bad("the body is too large, or its length is not told", "send at most 64 KB");
        }

        try
        {
            return await JsonSerializer.DeserializeAsync(
                context.Request.Body, ExploreJson.Default.ExploreQuestion, context.RequestAborted)
                .ConfigureAwait(false) ?? throw new JsonException("null");
        }
        catch (JsonException exception)
        {
            string place = exception.Path is { Length: > 0 } path ? $" at {path}" : "";
            throw ExploreFilters.Bad(
                $"the body is no question{place}",
                "send {\"kind\": \"trend\", \"events\": {\"log\": \"kr_shop.order\"}}");
        }
    }
}
