using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Naru.Access;
using Naru.Query;
using Naru.Query.Worker;

namespace Naru.Watch.Alerts;

/// <summary>
/// The one road of every query, with the rights that the owner has now: one who lost them is told so by the alert.
/// </summary>
internal sealed class AlertAsker(QueryService queries, Authenticator callers, ISavedStatements saved) : IAlertAsker
{
    public const int RowsMax = 10_000;

    public async Task<AlertReading> AskAsync(AlertQuery query, CancellationToken cancellationToken)
    {
        if (OwnerOf(query) is not { } owner)
        {
            return AlertReading.Failed($"the owner \"{query.Owner}\" is no user who may ask now");
        }

        string problem = "";
        if ((query.Sql ?? saved.Find(query.Saved!, out problem)) is not { } sql)
        {
            return AlertReading.Failed(problem);
        }

        ColumnSink sink = new();
        try
        {
            await queries.RunAsync(
                new QueryRequest
                {
                    Sql = sql, Principal = owner, Format = ResultFormat.Json, Pool = query.Pool, RowsMax = RowsMax,
                },
                sink,
                cancellationToken).ConfigureAwait(false);
        }
        catch (QueryException exception)
        {
            string hint = exception.Error.Hint is { } mend ? $"; {mend}" : "";
            return AlertReading.Failed($"the query fails: {exception.Error.Message}{hint}");
        }

        return sink.IsTruncated && query.Over != AlertOver.First
            ? AlertReading.Failed($"the query has more than {RowsMax} rows")
            : sink.Read(query);
    }

    /// <summary>A project without any key or user belongs to whoever sits at the machine.</summary>
    private Principal? OwnerOf(AlertQuery query) => query.Owner == Principal.Open.Name
        ? callers.UserNamed(query.Owner) ?? callers.Stores.Keys.Authenticate(null, IPAddress.Loopback)
        : callers.UserNamed(query.Owner);

    /// <summary>Keeps an answer of few rows.</summary>
    private sealed class ColumnSink : IResultSink
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();

        public bool IsTruncated { get; private set; }

        public void Admitted(string id)
        {
        }

        public ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken) =>
            ValueTask.CompletedTask;

        public ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken)
        {
            _bytes.Write(rows.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken)
        {
            IsTruncated = summary.Truncated;
            return ValueTask.CompletedTask;
        }

        public AlertReading Read(AlertQuery query)
        {
            using JsonDocument answer = JsonDocument.Parse(_bytes.WrittenMemory);
            string[] names =
            [
                .. answer.RootElement.GetProperty("columns").EnumerateArray()
                    .Select(static column => column.GetProperty("name").GetString()!),
            ];
            int column = Array.IndexOf(names, query.Column);
            return column < 0
                ? AlertReading.Failed(
                    $"the answer has no column \"{query.Column}\"; it has {string.Join(", ", names)}")
                : query.Judge(
                [
                    .. answer.RootElement.GetProperty("rows").EnumerateArray().Select(row => Number(row[column])),
                ]);
        }

        private static decimal? Number(JsonElement cell)
        {
            bool isNumber = cell.ValueKind == JsonValueKind.Number && decimal.TryParse(
                cell.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out _);
            return isNumber ? decimal.Parse(cell.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture) : null;
        }
    }
}
