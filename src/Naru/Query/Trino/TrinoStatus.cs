using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Naru.Access;

namespace Naru.Query.Trino;

/// <summary>`/v1/info`, `/v1/node` and `/v1/query`: what clients ask beside their statements.</summary>
internal static class TrinoStatus
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Asked before anyone signs in: drivers learn the version here.</summary>
    public static Task InfoAsync(HttpContext context) => WriteAsync(context, json =>
    {
        TimeSpan uptime = Uptime(context);
        json.WriteStartObject();
        json.WriteStartObject("nodeVersion"u8);
        json.WriteString("version"u8, TrinoServer.Version);
        json.WriteEndObject();
        json.WriteString("environment"u8, "naru"u8);
        json.WriteBoolean("coordinator"u8, true);
        json.WriteBoolean("starting"u8, false);
        json.WriteString("uptime"u8, Duration(uptime));
        json.WriteEndObject();
    });

    public static async Task NodesAsync(HttpContext context)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is null)
        {
            return;
        }

        await WriteAsync(context, json =>
        {
            json.WriteStartArray();
            json.WriteStartObject();
            json.WriteString("uri"u8, TrinoEndpoint.Server(context));
            json.WriteNumber("recentRequests"u8, 0);
            json.WriteNumber("recentFailures"u8, 0);
            json.WriteNumber("recentSuccesses"u8, 0);
            json.WriteNumber("recentFailureRatio"u8, 0);
            json.WriteString("age"u8, Duration(Uptime(context)));
            json.WriteEndObject();
            json.WriteEndArray();
        }).ConfigureAwait(false);
    }

    public static async Task ListAsync(HttpContext context)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is not Principal principal)
        {
            return;
        }

        await WriteAsync(context, json =>
        {
            json.WriteStartArray();
            foreach (QueryView view in Views(context, principal))
            {
                Write(json, view, TrinoEndpoint.Server(context));
            }

            json.WriteEndArray();
        }).ConfigureAwait(false);
    }

    public static async Task QueryAsync(HttpContext context)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is not Principal principal)
        {
            return;
        }

        string id = (string)context.GetRouteValue("id")!;
        if (Views(context, principal).FirstOrDefault(view => view.Id == id) is not { } found)
        {
            await QueryAnswers.WriteAsync(context, Gone(id)).ConfigureAwait(false);
            return;
        }

        await WriteAsync(context, json => Write(json, found, TrinoEndpoint.Server(context))).ConfigureAwait(false);
    }

    /// <summary>By its owner or an administrator; what has ended is ended, which is no mistake.</summary>
    public static async Task KillAsync(HttpContext context)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is not Principal principal)
        {
            return;
        }

        string id = (string)context.GetRouteValue("id")!;
        TrinoQuery? query = context.RequestServices.GetRequiredService<TrinoQueries>().Find(id);
        if (query is not null && IsFor(query, principal))
        {
            query.Stop(new TrinoError(TrinoErrors.Cancelled, "the query was cancelled by its client"));
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        QueryRegistry registry = context.RequestServices.GetRequiredService<QueryRegistry>();
        if (registry.TryKill(id, principal, null))
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        await QueryAnswers.WriteAsync(context, Gone(id)).ConfigureAwait(false);
    }

    private static bool IsFor(TrinoQuery query, Principal principal) =>
        principal.Administer || query.Start.Principal.Name == principal.Name;

    private static QueryError Gone(string id) =>
        new(QueryCodes.UnknownQuery, $"no query \"{id}\" of yours is known")
        {
            Hint = "GET /v1/query lists those that are", Status = StatusCodes.Status404NotFound,
        };

    /// <summary>Statements of this protocol, and the queries of the others.</summary>
    private static IEnumerable<QueryView> Views(HttpContext context, Principal principal)
    {
        TrinoQueries queries = context.RequestServices.GetRequiredService<TrinoQueries>();
        QueryRegistry registry = context.RequestServices.GetRequiredService<QueryRegistry>();
        QueryView[] own =
        [
            .. queries.List().Where(query => IsFor(query, principal)).Select(QueryView.Of),
        ];
        HashSet<string> ids = [.. own.Select(static view => view.Id)];
        return own.Concat(registry.List(principal)
            .Where(entry => !ids.Contains(entry.Id)).Select(QueryView.Of))
            .OrderByDescending(static view => view.At);
    }

    private static void Write(Utf8JsonWriter json, QueryView view, string server)
    {
        bool over = view.State is "FINISHED" or "FAILED";
        json.WriteStartObject();
        json.WriteString("queryId"u8, view.Id);
        json.WriteStartObject("session"u8);
        json.WriteString("queryId"u8, view.Id);
        json.WriteString("user"u8, view.User);
        json.WriteString("principal"u8, view.Owner);
        json.WriteString("source"u8, view.Source);
        json.WriteString("catalog"u8, view.Catalog);
        json.WriteString("schema"u8, view.Schema);
        json.WriteEndObject();
        json.WriteString("state"u8, view.State);
        json.WriteBoolean("scheduled"u8, view.State != "QUEUED");
        json.WriteBoolean("finalQueryInfo"u8, over);
        json.WriteString("self"u8, $"{server}/v1/query/{view.Id}");
        json.WriteString("query"u8, view.Sql);
        if (view.UpdateType is { } update)
        {
            json.WriteString("updateType"u8, update);
        }

        json.WriteStartObject("queryStats"u8);
        json.WriteString("createTime"u8, view.At);
        if (over)
        {
            json.WriteString("endTime"u8, view.At.AddMilliseconds(view.Stats.ElapsedMilliseconds));
        }

        json.WriteString("elapsedTime"u8, Duration(TimeSpan.FromMilliseconds(view.Stats.ElapsedMilliseconds)));
        json.WriteString("queuedTime"u8, Duration(TimeSpan.FromMilliseconds(view.Stats.QueuedMilliseconds)));
        json.WriteString("executionTime"u8, Duration(TimeSpan.FromMilliseconds(
            view.Stats.ElapsedMilliseconds - view.Stats.QueuedMilliseconds)));
        json.WriteNumber("totalDrivers"u8, 1);
        json.WriteNumber("completedDrivers"u8, over ? 1 : 0);
        json.WriteNumber("outputPositions"u8, view.Stats.Rows);
        json.WriteString("outputDataSize"u8, $"{view.Stats.Bytes.ToString(CultureInfo.InvariantCulture)}B");
        json.WriteEndObject();
        if (view.Error is { } error)
        {
            json.WriteString("errorType"u8, error.Code.Type);
            json.WriteStartObject("errorCode"u8);
            json.WriteNumber("code"u8, error.Code.Code);
            json.WriteString("name"u8, error.Code.Name);
            json.WriteString("type"u8, error.Code.Type);
            json.WriteEndObject();
            TrinoJson.WriteFailure(json, error);
        }

        json.WriteEndObject();
    }

    private static async Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }

        using (Utf8JsonWriter json = new(context.Response.BodyWriter, Options))
        {
            write(json);
        }

        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static TimeSpan Uptime(HttpContext context)
    {
        TimeProvider time = context.RequestServices.GetRequiredService<TimeProvider>();
        TimeSpan uptime = time.GetUtcNow() - System.Diagnostics.Process.GetCurrentProcess().StartTime;
        return uptime > TimeSpan.Zero ? uptime : TimeSpan.Zero;
    }

    /// <summary>In the form of Trino's library for durations: `1.50m`.</summary>
    private static string Duration(TimeSpan duration) => duration switch
    {
        { TotalSeconds: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds:0.00}ms"),
        { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.00}s"),
        { TotalHours: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMinutes:0.00}m"),
        { TotalDays: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalHours:0.00}h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalDays:0.00}d"),
    };
}

/// <summary>A query as these answers show it.</summary>
internal sealed record QueryView
{
    public required string Id { get; init; }

    public required string User { get; init; }

    public required string Owner { get; init; }

    public string? Source { get; init; }

    public string? Catalog { get; init; }

    public string? Schema { get; init; }

    public required string State { get; init; }

    public required string Sql { get; init; }

    public string? UpdateType { get; init; }

    public required DateTimeOffset At { get; init; }

    public required TrinoStats Stats { get; init; }

    public TrinoError? Error { get; init; }

    public static QueryView Of(TrinoQuery query) => new()
    {
        Id = query.Id,
        User = query.Start.User,
        Owner = query.Start.Principal.Name,
        Source = query.Start.Session.Source,
        Catalog = query.Start.Session.Catalog,
        Schema = query.Start.Session.Schema,
        State = TrinoJson.StateName(query.State),
        Sql = query.Start.Sql,
        UpdateType = query.UpdateType,
        At = query.Start.At,
        Stats = query.Stats,
        Error = query.Error,
    };

    public static QueryView Of(QueryEntry entry) => new()
    {
        Id = entry.Id,
        User = entry.Owner,
        Owner = entry.Owner,
        State = TrinoJson.StateName(entry.State),
        Sql = entry.Sql,
        At = entry.StartedAt,
        Stats = new TrinoStats
        {
            ElapsedMilliseconds = (long)entry.Milliseconds, QueuedMilliseconds = 0, Rows = entry.Rows, Bytes = 0,
        },
        Error = entry.Error is { } error ? TrinoErrors.Of(error) : null,
    };
}
