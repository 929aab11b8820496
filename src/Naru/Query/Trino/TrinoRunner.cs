using System.Buffers;
using System.Text.Json;
using Naru.Lake.Catalog;
using Naru.Query.Gate;
using Naru.Query.Results;
using Naru.Query.Worker;

namespace Naru.Query.Trino;

/// <summary>Answers statements, each on its own way beside its client's requests.</summary>
internal sealed class TrinoRunner(QueryService service, ILakeCatalog catalog, QueryPlace place, ILogger logger)
{
    public void Start(TrinoQuery query) => _ = RunAsync(query);

    private async Task RunAsync(TrinoQuery query)
    {
        // The POST is answered first.
        await Task.Yield();
        TrinoStart start = query.Start;
        AskPlan? asked = null;
        try
        {
            service.RequireRights(start.Principal);
            ReadableTables readable = new(catalog.Tables, start.Principal, start.Session.Schema);
            TrinoPlan plan = new TrinoPlanner(
                start, readable, new TrinoPlanner.Context(service.Registry, place.Zone)).Plan();
            asked = plan as AskPlan;
            await RunAsync(query, plan).ConfigureAwait(false);
            if (asked is null)
            {
                await NoteAsync(query, null).ConfigureAwait(false);
            }
        }
        catch (TrinoException exception)
        {
            query.Fail(exception.Error);
            await NoteAsync(query, exception.Error).ConfigureAwait(false);
        }
        catch (QueryException exception)
        {
            TrinoError error = TrinoErrors.Of(Placed(exception.Error, asked));
            query.Fail(error);
            if (asked is null)
            {
                await NoteAsync(query, error).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            query.Fail(new TrinoError(TrinoErrors.Cancelled, "the query was cancelled"));
        }
        catch (Exception exception)
        {
            // Nobody awaits this run: whatever is wrong, its client must be told that there will be no rows.
            TrinoLog.Broken(logger, exception, query.Id, start.Principal.Name);
            query.Fail(new TrinoError(TrinoErrors.Internal, "the server failed on this statement; its log says how"));
        }
    }

    /// <summary>What no worker was asked for stands in the history and the trail as well.</summary>
    private ValueTask NoteAsync(TrinoQuery query, TrinoError? error) => service.NoteAsync(
        new QueryRequest
        {
            Id = query.Id,
            Sql = query.Start.Sql,
            Principal = query.Start.Principal,
            Format = ResultFormat.Trino,
            Dialect = SqlDialect.Trino,
        },
        error is null ? null : new QueryError(error.Code.Name.ToLowerInvariant(), error.Message),
        query.Stats.Rows);

    private Task RunAsync(TrinoQuery query, TrinoPlan plan) => plan switch
    {
        AskPlan asked => AskAsync(query, asked),
        RowsPlan rows => GiveAsync(query, rows),
        UpdatePlan update => Change(query, update),
        _ => throw new InvalidOperationException($"a plan of {plan.GetType().Name} has no way to run"),
    };

    private static Task Change(TrinoQuery query, UpdatePlan update)
    {
        query.FinishUpdate(update.UpdateType, update.Headers);
        return Task.CompletedTask;
    }

    private static async Task GiveAsync(TrinoQuery query, RowsPlan plan)
    {
        await query.BeginAsync(plan.Columns, query.Stopped).ConfigureAwait(false);
        OutputBuffer rows = new();
        foreach (object?[] row in plan.Rows)
        {
            rows.Append((byte)',');
            rows.Append(JsonSerializer.SerializeToUtf8Bytes(row, TrinoJsonContext.Readable.ObjectArray));
        }

        if (rows.Length > 0)
        {
            await query.DataAsync(rows.Written.ToArray(), query.Stopped).ConfigureAwait(false);
        }

        query.Finish(plan.Rows.Count);
    }

    private async Task AskAsync(TrinoQuery query, AskPlan plan)
    {
        TrinoStart start = query.Start;
        QueryRequest request = new()
        {
            Id = start.Id,
            AskedAs = start.Sql,
            Sql = plan.Prefix.Length > 0 ? $"{plan.Prefix} {plan.Edits.Sql}" : plan.Edits.Sql,
            Principal = start.Principal,
            Format = ResultFormat.Trino,
            Dialect = SqlDialect.Trino,
            Schema = start.Session.Schema,
            PreciseTimes = start.Session.PreciseTimes,
            Timeout = start.Session.TimeMax(),
            Pool = start.Session.Pool(),
        };
        if (plan.Shape == AskShape.Rows)
        {
            await service.RunAsync(request, query, query.Stopped).ConfigureAwait(false);
            return;
        }

        WholeSink whole = new(query);
        await service.RunAsync(request, whole, query.Stopped).ConfigureAwait(false);
        await GiveAsync(query, Shaped(plan.Shape, whole)).ConfigureAwait(false);
    }

    private static RowsPlan Shaped(AskShape shape, WholeSink whole)
    {
        ResultColumn Text(string name) => TrinoJson.Column(name, TrinoType.Varchar);
        return shape switch
        {
            AskShape.Valid => new RowsPlan([TrinoJson.Column("Valid", TrinoType.Boolean)], [[true]]),
            AskShape.Plan => new RowsPlan(
                [Text("Query Plan")],
                [.. whole.Rows().Select(static row => new object?[] { row.EnumerateArray().Last().GetString() })]),
            AskShape.Described => new RowsPlan(
                [Text("Column"), Text("Type"), Text("Extra"), Text("Comment")],
                [.. whole.Columns.Select(static column => new object?[] { column.Name, column.Type, "", "" })]),
            _ => new RowsPlan(
                [
                    Text("Column Name"), Text("Catalog"), Text("Schema"), Text("Table"), Text("Type"),
                    TrinoJson.Column("Type Size", TrinoType.BigInt), TrinoJson.Column("Aliased", TrinoType.Boolean),
                ],
                [
                    .. whole.Columns.Select(static column =>
                        new object?[] { column.Name, "", "", "", column.Type, 0L, false }),
                ]),
        };
    }

    /// <summary>Places are told in the text that the client sent.</summary>
    private static QueryError Placed(QueryError error, AskPlan? plan)
    {
        if (plan is null || error.Line is not int line || error.Column is not int column)
        {
            return error;
        }

        int moved = line == 1 && plan.Prefix.Length > 0 ? plan.Prefix.Length + 1 : 0;
        (int newLine, int newColumn) = plan.Edits.PositionBefore(line, Math.Max(column - moved, 1));
        return error with
        {
            Line = newLine + plan.Origin.Line - 1,
            Column = newColumn + (newLine == 1 ? plan.Origin.Column - 1 : 0),
        };
    }

    /// <summary>Keeps a small answer whole.</summary>
    private sealed class WholeSink(TrinoQuery query) : IResultSink
    {
        private const int BytesMax = 16 << 20;

        private readonly ArrayBufferWriter<byte> _bytes = new();

        public IReadOnlyList<ResultColumn> Columns { get; private set; } = [];

        public void Admitted(string id)
        {
        }

        public void Started() => query.Started();

        public ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken)
        {
            Columns = columns;
            return ValueTask.CompletedTask;
        }

        public ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken)
        {
            if (_bytes.WrittenCount + rows.Length > BytesMax)
            {
                throw new QueryException(new QueryError(QueryCodes.TooComplex, "the plan is too long to be shown"));
            }

            _bytes.Write(rows.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public IEnumerable<JsonElement> Rows()
        {
            if (_bytes.WrittenCount == 0)
            {
                return [];
            }

            // In the place of the first row's comma.
            byte[] whole = [.. _bytes.WrittenSpan, (byte)']'];
            whole[0] = (byte)'[';
            return [.. JsonDocument.Parse(whole).RootElement.EnumerateArray()];
        }
    }
}
