using System.Globalization;
using System.IO.Pipelines;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>
/// An answer on its way to a client. Nothing is sent before the first rows are there, so that most errors still have
/// their status; later ones break the connection off, and a client that reads to the end can tell. The count of rows
/// follows as trailers where the client's protocol has them.
/// </summary>
internal sealed class HttpResultSink(HttpContext context, ResultFormat format) : IResultSink
{
    private const string RowsTrailer = "Naru-Rows";
    private const string TruncatedTrailer = "Naru-Truncated";

    private bool _begun;

    public static string MediaType(ResultFormat format) => format switch
    {
        ResultFormat.Json => "application/json; charset=utf-8",
        ResultFormat.Ndjson => "application/x-ndjson; charset=utf-8",
        ResultFormat.Csv => "text/csv; charset=utf-8; header=present",
        ResultFormat.Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/vnd.apache.parquet",
    };

    public void Admitted(string id) => context.Response.Headers["Naru-Query-Id"] = id;

    public ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    public async ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken)
    {
        Begin();
        FlushResult result = await context.Response.BodyWriter.WriteAsync(rows, cancellationToken)
            .ConfigureAwait(false);
        if (result.IsCompleted || result.IsCanceled)
        {
            throw new OperationCanceledException("the client is gone", context.RequestAborted);
        }
    }

    public async ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken)
    {
        Begin();
        HttpResponse response = context.Response;
        if (response.SupportsTrailers())
        {
            response.AppendTrailer(RowsTrailer, summary.Rows.ToString(CultureInfo.InvariantCulture));
            response.AppendTrailer(TruncatedTrailer, summary.Truncated ? "true" : "false");
        }

        await response.BodyWriter.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private void Begin()
    {
        if (_begun)
        {
            return;
        }

        _begun = true;
        HttpResponse response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = MediaType(format);
        response.Headers.CacheControl = "no-store";
        response.Headers.XContentTypeOptions = "nosniff";
        if (response.SupportsTrailers())
        {
            response.DeclareTrailer(RowsTrailer);
            response.DeclareTrailer(TruncatedTrailer);
        }
    }
}
