using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Query;
using Naru.Query.Worker;

namespace Naru.Models;

/// <summary>Asks a model's statement.</summary>
internal interface IModelQuery
{
    /// <summary>Writes the rows of [range.First, range.End) as Parquet.</summary>
    /// <exception cref="QueryException">It failed.</exception>
    Task WriteAsync(ModelDefinition model, Interval range, ResultFile result, CancellationToken cancellationToken);

    /// <summary>Asks of rows that are not committed yet, as JSON.</summary>
    /// <param name="model">Whose rows.</param>
    /// <param name="sql">May name the given table.</param>
    /// <param name="rows">A table that nobody else knows.</param>
    /// <param name="sink">Takes the answer.</param>
    /// <param name="cancellationToken">Any time.</param>
    /// <exception cref="QueryException">It failed.</exception>
    Task AskAsync(
        ModelDefinition model, string sql, TableSnapshot rows, IResultSink sink, CancellationToken cancellationToken);
}

/// <summary>The way of every query: admitted, confined, in the history.</summary>
internal sealed class ModelQuery(QueryService queries, IntervalCalendar calendar) : IModelQuery
{
    public Task WriteAsync(
        ModelDefinition model, Interval range, ResultFile result, CancellationToken cancellationToken) =>
        queries.RunAsync(
            new QueryRequest
            {
                Sql = model.Text.Bind(model.Name, range, calendar),
                Principal = ModelReader.Of(model.Name, model.Header.Ticket),
                Format = ResultFormat.Parquet,
                Pool = model.Header.Pool,
                Timeout = model.Header.Timeout,
            },
            result,
            cancellationToken);

    public Task AskAsync(
        ModelDefinition model, string sql, TableSnapshot rows, IResultSink sink, CancellationToken cancellationToken) =>
        queries.RunAsync(
            new QueryRequest
            {
                Sql = sql,
                Principal = ModelReader.Of(model.Name, model.Header.Ticket),
                Format = ResultFormat.Json,
                Pool = model.Header.Pool,
                Timeout = model.Header.Timeout,
                Given = rows,
            },
            sink,
            cancellationToken);
}
