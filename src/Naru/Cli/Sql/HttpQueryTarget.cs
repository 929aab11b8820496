using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Core.Text;
using Naru.Query;
using Naru.Query.Worker;
using ByteStream = System.IO.Stream;

namespace Naru.Cli.Sql;

/// <summary>`POST /v1/sql` of a server.</summary>
internal sealed class HttpQueryTarget(ServerConnection connection) : IQueryTarget
{
    /// <summary>Nobody listens at the address, or it is no Naru.</summary>
    public const string NoServer = "no_server";

    public string? Notice => null;

    public async Task AskAsync(QueryAsk ask, ByteStream output, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, Address(ask))
        {
            Content = new StringContent(ask.Sql, Encoding.UTF8, "application/sql"),
        };
        try
        {
            using HttpResponseMessage response = await connection.Http
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
                .ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                string text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
                throw new QueryException(ReadError((int)response.StatusCode, text));
            }

            await response.Content.CopyToAsync(output, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            throw new QueryException(new QueryError(
                NoServer, $"no answer from {connection.Http.BaseAddress}: {exception.Message}")
            {
                Hint = "start the platform with `naru up`, or name it with --server",
            });
        }
        catch (IOException)
        {
            // The server breaks an answer off when the query fails after its first rows.
            throw new QueryException(new QueryError(
                QueryCodes.WorkerEnded, "the answer was broken off: the query failed after its first rows")
            {
                Hint = "`curl …/v1/queries` shows why",
            });
        }
    }

    public ValueTask DisposeAsync()
    {
        connection.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string Address(QueryAsk ask)
    {
        StringBuilder address = new("/v1/sql?format=");
        address.Append(ask.Format switch
        {
            ResultFormat.Json => "json",
            ResultFormat.Ndjson => "ndjson",
            ResultFormat.Csv => "csv",
            ResultFormat.Xlsx => "xlsx",
            _ => "parquet",
        });
        if (ask.Dialect != SqlDialect.Naru)
        {
            address.Append("&dialect=").Append(SqlDialects.NameOf(ask.Dialect));
        }

        if (ask.Raw)
        {
            address.Append("&raw=1");
        }

        if (ask.RowsMax is long rows)
        {
            address.Append(CultureInfo.InvariantCulture, $"&max_rows={rows}");
        }

        if (ask.Timeout is TimeSpan timeout)
        {
            address.Append("&timeout=").Append(DurationText.Format(timeout));
        }

        return address.ToString();
    }

    private static QueryError ReadError(int status, string text)
    {
        try
        {
            if (JsonSerializer.Deserialize(text, QueryJson.Default.ErrorAnswer)?.Error is { } error)
            {
                return new QueryError(error.Code, error.Message)
                {
                    Hint = error.Hint, Line = error.Line, Column = error.Column, Status = status,
                };
            }
        }
        catch (JsonException)
        {
            // Not ours; shown as it is.
        }

        return new QueryError(NoServer, $"the server answered {status}: {text}") { Hint = "is it a Naru server?" };
    }
}
