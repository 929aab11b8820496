using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Net.Http.Headers;
using Naru.Access;
using Naru.Core.Text;
using Naru.Query.Pool;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>
/// `POST /v1/sql`: a statement in, rows out. The body is the statement itself, whatever its media type (so that
/// `curl -d` works), or with `application/json` `{"sql","timeout","max_rows","dialect","pool"}`. `Accept` or `?format=`
/// chooses the form, `?dialect=trino` Trino's meaning of the words.
/// </summary>
internal static class SqlEndpoint
{
    private static readonly (string MediaType, ResultFormat Format)[] MediaTypes =
    [
        ("application/json", ResultFormat.Json),
        ("application/x-ndjson", ResultFormat.Ndjson),
        ("application/ndjson", ResultFormat.Ndjson),
        ("application/jsonl", ResultFormat.Ndjson),
        ("text/csv", ResultFormat.Csv),
        ("application/vnd.apache.parquet", ResultFormat.Parquet),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ResultFormat.Xlsx),
    ];

    public static async Task AskAsync(HttpContext context)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is not Principal principal)
        {
            return;
        }

        QueryRequest request;
        try
        {
            request = await ReadAsync(context, principal).ConfigureAwait(false);
        }
        catch (QueryException exception)
        {
            await QueryAnswers.WriteAsync(context, exception.Error).ConfigureAwait(false);
            return;
        }

        await RunAsync(context, request, new HttpResultSink(context, request.Format)).ConfigureAwait(false);
    }

    public static async Task RunAsync(HttpContext context, QueryRequest request, IResultSink sink)
    {
        try
        {
            QueryService service = context.RequestServices.GetRequiredService<QueryService>();
            await service.RunAsync(request, sink, context.RequestAborted).ConfigureAwait(false);
        }
        catch (QueryException exception) when (!context.Response.HasStarted)
        {
            await QueryAnswers.WriteAsync(context, exception.Error).ConfigureAwait(false);
        }
        catch (QueryException)
        {
            // Rows are out already: only breaking off says that the answer is not whole.
            context.Abort();
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is left to answer.
        }
    }

    /// <summary>Throws <see cref="QueryException"/> where the request is not understood.</summary>
    public static async Task<QueryRequest> ReadAsync(HttpContext context, Principal principal)
    {
        IQueryCollection query = context.Request.Query;
        ResultFormat format = query.TryGetValue("format", out var named)
            ? FormatNamed(named.ToString())
            : FormatAccepted(context.Request);
        byte[] body = await ReadBodyAsync(context).ConfigureAwait(false);
        SqlBody asked = IsJson(context.Request)
            ? ParseBody(body)
            : new SqlBody(Encoding.UTF8.GetString(body), null, null, null, null);
        return new QueryRequest
        {
            Sql = asked.Sql ?? "",
            Principal = principal,
            Format = format,
            Dialect = Dialect(asked.Dialect ?? query["dialect"]),
            Raw = query.TryGetValue("raw", out var raw) && raw.ToString() is "1" or "true",
            RowsMax = asked.MaxRows ?? Rows(query["max_rows"]),
            Timeout = Duration(asked.Timeout ?? query["timeout"]),
            Pool = Pool(asked.Pool ?? query["pool"]),
        };
    }

    private static bool IsJson(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase);

    private static SqlBody ParseBody(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, QueryJson.Default.SqlBody)
                ?? throw Bad("the body is null", "send {\"sql\": \"SELECT …\"}");
        }
        catch (JsonException)
        {
            throw Bad(
                "the body is not the JSON object that is wanted",
                "send {\"sql\": \"SELECT …\"}, or the statement as text/plain");
        }
    }

    private static async Task<byte[]> ReadBodyAsync(HttpContext context)
    {
        // JSON may need six bytes for one of the statement's.
        int most = (context.RequestServices.GetRequiredService<QueryOptions>().TextBytesMax * 6) + 1024;
        ArrayBufferWriter<byte> body = new();
        while (true)
        {
            int read = await context.Request.Body.ReadAsync(body.GetMemory(16 * 1024), context.RequestAborted)
                .ConfigureAwait(false);
            if (read == 0)
            {
                return body.WrittenSpan.ToArray();
            }

            body.Advance(read);
            if (body.WrittenCount > most)
            {
                throw new QueryException(new QueryError(QueryCodes.StatementTooLong, "the statement is too long")
                {
                    Status = StatusCodes.Status413PayloadTooLarge,
                });
            }
        }
    }

    private static ResultFormat FormatNamed(string name) => name.ToLowerInvariant() switch
    {
        "json" => ResultFormat.Json,
        "ndjson" or "jsonl" => ResultFormat.Ndjson,
        "csv" => ResultFormat.Csv,
        "parquet" => ResultFormat.Parquet,
        "xlsx" => ResultFormat.Xlsx,
        _ => throw Bad($"there is no format \"{name}\"", "json, ndjson, csv, xlsx and parquet are offered"),
    };

    private static ResultFormat FormatAccepted(HttpRequest request)
    {
        if (request.Headers.Accept.Count == 0
            || !MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out IList<MediaTypeHeaderValue>? accepted))
        {
            return ResultFormat.Json;
        }

        foreach (MediaTypeHeaderValue wanted in accepted.OrderByDescending(static type => type.Quality ?? 1))
        {
            foreach ((string mediaType, ResultFormat format) in MediaTypes)
            {
                if (wanted.Quality != 0 && new MediaTypeHeaderValue(mediaType).IsSubsetOf(wanted))
                {
                    return format;
                }
            }
        }

        throw new QueryException(new QueryError(QueryCodes.NotAcceptable, "none of the accepted media types is offered")
        {
            Status = StatusCodes.Status406NotAcceptable,
            Hint = string.Join(", ", MediaTypes.Select(static offered => offered.MediaType)),
        });
    }

    private static long? Rows(string? text) => text switch
    {
        null => null,
        _ when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long rows) => rows,
        _ => throw Bad($"max_rows is \"{text}\", which is no number of rows", "write it as max_rows=1000"),
    };

    private static SqlDialect Dialect(string? text) => text switch
    {
        null => SqlDialect.Naru,
        _ when SqlDialects.TryParse(text, out SqlDialect dialect) => dialect,
        _ => throw Bad($"there is no dialect \"{text}\"", $"write it as dialect=trino; there are {SqlDialects.Names}"),
    };

    private static PoolName? Pool(string? text) => text switch
    {
        null => null,
        _ when PoolNames.TryParse(text, out PoolName pool) => pool,
        _ => throw Bad($"there is no pool \"{text}\"", $"write it as pool=etl; there are {PoolNames.All}"),
    };

    private static TimeSpan? Duration(string? text) => text switch
    {
        null => null,
        _ when DurationText.TryParse(text, out TimeSpan duration) && duration > TimeSpan.Zero => duration,
        _ => throw Bad($"timeout is \"{text}\", which is no duration", "write it as timeout=30s or timeout=10m"),
    };

    private static QueryException Bad(string message, string hint) =>
        new(new QueryError(QueryCodes.BadRequest, message) { Hint = hint });
}
