using System.Text.Json;
using Naru.Access;
using Naru.Query.Pool;

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
        IReadOnlyList<QueryEntry> entries = service.Registry.List(principal);
        DateTimeOffset now = context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        QueriesAnswer answer = new([.. entries.Select(entry => ToItem(entry, now))]);
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
        if (service.Registry.TryKill(id, principal, context.Request.Query["reason"]))
        {
            context.Response.ContentType = "application/json; charset=utf-8";
            byte[] body = JsonSerializer.SerializeToUtf8Bytes(new KillAnswer(id), QueryJson.Readable.KillAnswer);
            await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
            return;
        }

        QueryError error = new(QueryCodes.UnknownQuery, $"no query \"{id}\" of yours runs")
        {
            Hint = "GET /v1/queries lists those that do",
            Status = StatusCodes.Status404NotFound,
        };
        await QueryAnswers.WriteAsync(context, error).ConfigureAwait(false);
    }

    private static QueryItem ToItem(QueryEntry entry, DateTimeOffset now)
    {
        bool over = entry.State is not (QueryState.Waiting or QueryState.Running);
        return new QueryItem(entry.Id, entry.Owner, entry.State.ToString().ToLowerInvariant(), entry.StartedAt)
        {
            Pool = entry.Pool.Text(),
            Ticket = entry.Ticket,
            SharedWith = entry.SharedWith,
            ElapsedMs = Math.Round(over ? entry.Milliseconds : (now - entry.StartedAt).TotalMilliseconds, 1),
            QueuedMs = entry.State == QueryState.Waiting ? null : Math.Round(entry.QueuedMilliseconds, 1),
            CpuMs = Math.Round(entry.Usage.CpuMilliseconds, 1),
            ReadBytes = entry.Usage.ReadBytes,
            PeakMemoryBytes = entry.Usage.PeakBytes,
            Rows = over ? entry.Rows : null,
            Error = entry.Error?.Code,
            Message = entry.Error?.Message,
            Sql = entry.Sql,
        };
    }
}
