using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Naru.Access;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>
/// Answers of any size for browsers: `POST /v1/downloads` takes what `POST /v1/sql` takes and gives an address;
/// `GET` of it, once and within a minute, streams the rows as an attachment, so that the browser writes them to disk
/// itself. The query runs at the `GET`, with the rights that its caller has then.
/// </summary>
internal static class DownloadsEndpoint
{
    public static async Task PrepareAsync(HttpContext context)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is not Principal principal)
        {
            return;
        }

        try
        {
            QueryRequest request = await SqlEndpoint.ReadAsync(context, principal).ConfigureAwait(false);
            bool mark = context.Request.Query["bom"] == "1" && request.Format == ResultFormat.Csv;
            string id = context.RequestServices.GetRequiredService<Downloads>().Add(new Download(request, mark));
            context.Response.ContentType = "application/json; charset=utf-8";
            DownloadAnswer answer = new(id, $"/v1/downloads/{id}");
            byte[] body = JsonSerializer.SerializeToUtf8Bytes(answer, QueryJson.Readable.DownloadAnswer);
            await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
        }
        catch (QueryException exception)
        {
            await QueryAnswers.WriteAsync(context, exception.Error).ConfigureAwait(false);
        }
    }

    public static async Task FetchAsync(HttpContext context)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is not Principal principal)
        {
            return;
        }

        string id = (string)context.GetRouteValue("id")!;
        Download? download = context.RequestServices.GetRequiredService<Downloads>().Take(id, principal.Name);
        if (download is null)
        {
            await QueryAnswers.WriteAsync(context, new QueryError(QueryCodes.UnknownQuery, "no such download waits")
            {
                Hint = "an address is good once and for a minute: POST /v1/downloads gives another",
                Status = StatusCodes.Status404NotFound,
            }).ConfigureAwait(false);
            return;
        }

        await SqlEndpoint.RunAsync(
            context, download.Request with { Principal = principal }, new DownloadSink(context, download))
            .ConfigureAwait(false);
    }
}

/// <summary>A statement that waits to be fetched.</summary>
/// <param name="Request">What to run.</param>
/// <param name="Mark">UTF-8's byte order mark first: spreadsheets take CSV for an older encoding without it.</param>
internal sealed record Download(QueryRequest Request, bool Mark);

/// <summary>`POST /v1/downloads`.</summary>
internal sealed record DownloadAnswer(string Id, string Path);

/// <summary>Statements that wait; few, and none for long.</summary>
internal sealed class Downloads(TimeProvider time)
{
    private const int WaitingMax = 1000;
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (Download Download, DateTimeOffset Until)> _waiting =
        new(StringComparer.Ordinal);

    public string Add(Download download)
    {
        string id = RandomNumberGenerator.GetHexString(32, lowercase: true);
        DateTimeOffset now = time.GetUtcNow();
        lock (_gate)
        {
            foreach (string old in _waiting.Where(pair => pair.Value.Until <= now).Select(static pair => pair.Key))
            {
                _waiting.Remove(old);
            }

            if (_waiting.Count >= WaitingMax)
            {
                throw new QueryException(new QueryError(QueryCodes.QueueFull, "too many downloads wait to be fetched")
                {
                    Status = StatusCodes.Status503ServiceUnavailable, RetryAfterSeconds = 60,
                });
            }

            _waiting.Add(id, (download, now + Life));
        }

        return id;
    }

    /// <summary>Null when there is none for this caller, or no longer.</summary>
    public Download? Take(string id, string caller)
    {
        lock (_gate)
        {
            bool there = _waiting.TryGetValue(id, out var found) && found.Until > time.GetUtcNow()
                && found.Download.Request.Principal.Name == caller;
            if (there)
            {
                _waiting.Remove(id);
            }

            return there ? found.Download : null;
        }
    }
}

/// <summary>An answer that a browser keeps as a file.</summary>
internal sealed class DownloadSink(HttpContext context, Download download) : IResultSink
{
    private static readonly byte[] ByteOrderMark = [0xEF, 0xBB, 0xBF];

    private readonly HttpResultSink _inner = new(context, download.Request.Format);
    private bool _begun;

    public void Admitted(string id) => _inner.Admitted(id);

    public ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken) =>
        _inner.BeginAsync(columns, cancellationToken);

    public async ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken)
    {
        if (!_begun)
        {
            _begun = true;
            Name();
            if (download.Mark)
            {
                await _inner.DataAsync(ByteOrderMark, cancellationToken).ConfigureAwait(false);
            }
        }

        await _inner.DataAsync(rows, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken) =>
        _inner.EndAsync(summary, cancellationToken);

    /// <summary>An error before the first rows is no file.</summary>
    private void Name()
    {
        DateTimeOffset now = context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        string ending = download.Request.Format.ToString().ToLowerInvariant();
        context.Response.Headers.ContentDisposition = string.Create(
            CultureInfo.InvariantCulture, $"attachment; filename=\"naru-{now:yyyyMMdd-HHmmss}.{ending}\"");
    }
}
