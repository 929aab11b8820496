using System.Text.Json;
using Naru.Access;

namespace Naru.Query;

/// <summary>`GET /v1/queries` and `DELETE /v1/queries/{id}`.</summary>
internal static class QueriesEndpoint
{
    public static async Task ListAsync(HttpContext context)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is not Principal principal)
        {
            return;
        }

        QueryService service = context.RequestServices.GetRequiredService<QueryService>();
        IReadOnlyList<QueryEntry> entries = service.Registry.List(principal.Name, principal.Administer);
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        QueriesAnswer answer = new([.. entries.Select(ToItem)]);
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(answer, QueryJson.Readable.QueriesAnswer);
        await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }

    public static async Task KillAsync(HttpContext context)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is not Principal principal)
        {
            return;
        }

        QueryService service = context.RequestServices.GetRequiredService<QueryService>();
        string id = (string)context.GetRouteValue("id")!;
        if (service.Registry.TryKill(id, principal.Name, principal.Administer))
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        QueryError error = new(QueryCodes.UnknownQuery, $"no query \"{id}\" of yours runs")
        {
            Hint = "GET /v1/queries lists those that do",
            Status = StatusCodes.Status404NotFound,
        };
        await QueryAnswers.WriteAsync(context, error).ConfigureAwait(false);
    }

    private static QueryItem ToItem(QueryEntry entry)
    {
        bool over = entry.State is not (QueryState.Waiting or QueryState.Running);
        return new QueryItem(entry.Id, entry.Owner, entry.State.ToString().ToLowerInvariant(), entry.StartedAt)
        {
            ElapsedMs = over ? Math.Round(entry.Milliseconds, 1) : null,
            Rows = over ? entry.Rows : null,
            Error = entry.Error?.Code,
            Sql = entry.Sql,
        };
    }
}
