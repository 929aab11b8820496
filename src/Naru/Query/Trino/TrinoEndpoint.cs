using System.Buffers;
using System.Globalization;
using System.Text;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Text;

namespace Naru.Query.Trino;

/// <summary>
/// `/v1/statement` as Trino's and Presto's clients know it: a POST gives an address to ask for rows at, each answer the
/// next address. Whoever has the address may ask: clients do not send their key again.
/// </summary>
internal static class TrinoEndpoint
{
    /// <summary>The longest wait of one request; proxies and people like short ones.</summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(1);

    public static async Task AskAsync(HttpContext context)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is not Principal principal)
        {
            return;
        }

        IServiceProvider services = context.RequestServices;
        string? sql = await ReadAsync(context).ConfigureAwait(false);
        TrinoStart start = new(
            services.GetRequiredService<QueryRegistry>().NewId(),
            sql ?? "",
            TrinoSession.Read(context.Request),
            principal,
            services.GetRequiredService<TimeProvider>().GetUtcNow());
        TrinoQuery query = new(start, services.GetRequiredService<TimeProvider>());
        if (!services.GetRequiredService<TrinoQueries>().TryAdd(query))
        {
            await QueryAnswers.WriteAsync(context, new QueryError(QueryCodes.QueueFull, "too many queries are open")
            {
                Status = StatusCodes.Status503ServiceUnavailable, RetryAfterSeconds = 1,
            }).ConfigureAwait(false);
            return;
        }

        if (sql is null)
        {
            query.Fail(new TrinoError(TrinoErrors.TextTooLarge, "the statement is too long"));
        }
        else
        {
            services.GetRequiredService<TrinoRunner>().Start(query);
        }

        // The first answer only names the query: Trino's JavaScript client drops rows that come with it.
        TrinoAnswer first = new() { Token = 0, State = TrinoState.Queued, Stats = query.Stats };
        await WriteAsync(context, query, first).ConfigureAwait(false);
    }

    /// <summary>GET of a nextUri.</summary>
    public static async Task NextAsync(HttpContext context)
    {
        if (Find(context) is not var (query, token))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (HttpMethods.IsHead(context.Request.Method))
        {
            // A sign of life; nothing moves on.
            query.Seen();
            return;
        }

        (TrinoAnswer? answer, int status) =
            await query.AnswerAsync(token, Patience(context), context.RequestAborted).ConfigureAwait(false);
        if (answer is null)
        {
            context.Response.StatusCode = status;
            return;
        }

        try
        {
            await WriteAsync(context, query, answer).ConfigureAwait(false);
        }
        finally
        {
            // Reading a large page may take its time.
            query.Seen();
            answer.Page?.LetGo();
        }
    }

    /// <summary>DELETE of a nextUri: the client wants no more.</summary>
    public static Task CancelAsync(HttpContext context)
    {
        if (Find(context) is not var (query, _))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        query.Seen();
        query.Stop(new TrinoError(TrinoErrors.Cancelled, "the query was cancelled by its client"));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    /// <summary>Scheme and host as the client wrote them, for links that it can follow.</summary>
    public static string Server(HttpContext context)
    {
        HttpRequest request = context.Request;
        bool trusted = context.RequestServices.GetService<Settings>()?.Get<ProjectOptions>().TrustForwardedHeaders
            is true;
        string Forwarded(string name, string own) =>
            trusted && request.Headers[name].ToString().Split(',')[0].Trim() is { Length: > 0 } told ? told : own;
        string scheme = Forwarded("X-Forwarded-Proto", request.Scheme) == "https" ? "https" : "http";
        return $"{scheme}://{Forwarded("X-Forwarded-Host", request.Host.Value ?? "")}";
    }

    private static (TrinoQuery Query, long Token)? Find(HttpContext context)
    {
        string id = (string)context.GetRouteValue("id")!;
        string slug = (string)context.GetRouteValue("slug")!;
        string text = (string)context.GetRouteValue("token")!;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long token)
            && context.RequestServices.GetRequiredService<TrinoQueries>().Find(id, slug) is { } query
                ? (query, token)
                : null;
    }

    private static TimeSpan Patience(HttpContext context) =>
        DurationText.TryParse(context.Request.Query["maxWait"].ToString(), out TimeSpan asked)
        && asked >= TimeSpan.Zero && asked < PatienceMax
            ? asked
            : PatienceMax;

    private static async Task WriteAsync(HttpContext context, TrinoQuery query, TrinoAnswer answer)
    {
        HttpResponse response = context.Response;
        response.ContentType = "application/json";
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        if (answer.State == TrinoState.Finished)
        {
            foreach ((string name, string value) in query.Headers)
            {
                response.Headers.Append(query.Start.Session.Prefix + name, value);
            }
        }

        await TrinoJson.WriteAsync(response.BodyWriter, query, answer, Server(context), context.RequestAborted)
            .ConfigureAwait(false);
    }

    /// <summary>The body as it is, whatever its media type says; null when it is too long.</summary>
    private static async Task<string?> ReadAsync(HttpContext context)
    {
        int most = context.RequestServices.GetRequiredService<QueryOptions>().TextBytesMax;
        ArrayBufferWriter<byte> body = new();
        while (true)
        {
            int read = await context.Request.Body.ReadAsync(body.GetMemory(16 * 1024), context.RequestAborted)
                .ConfigureAwait(false);
            if (read == 0)
            {
                return Encoding.UTF8.GetString(body.WrittenSpan);
            }

            body.Advance(read);
            if (body.WrittenCount > most)
            {
                return null;
            }
        }
    }
}
