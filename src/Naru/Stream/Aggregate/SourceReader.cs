using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Brings decoded rows of one log version into the shape that an aggregate counts: as they are where the plan names
/// columns only, else through DuckDB, which filters and computes. Used on the stream's thread.
/// </summary>
internal sealed class SourceReader : IDisposable
{
    private const string EventTime = "_event_time";
    private const string Id = "_id";

    private readonly AggregatePlan _plan;
    private readonly AggregateSource _source;
    private readonly Func<DuckDbDatabase> _database;
    private DuckDbConnection? _connection;

    /// <param name="plan">The aggregate.</param>
    /// <param name="source">One of its logs.</param>
    /// <param name="database">Asked for only when there is something to compute.</param>
    public SourceReader(AggregatePlan plan, AggregateSource source, Func<DuckDbDatabase> database)
    {
        _plan = plan;
        _source = source;
        _database = database;
    }

    /// <summary>Takes the chosen rows of an input; valid during the call.</summary>
    public delegate void Take(InputRows input, ReadOnlySpan<int> rows);

    public void Read(LogRows log, ReadOnlySpan<int> live, Take take)
    {
        if (_source.IsDirect && TryViews(log, out InputRows? direct))
        {
            take(direct, live);
            return;
        }

        using ColumnBatch copy = Copy(log, live);
        int[] all = [.. Enumerable.Range(0, copy.RowCount)];
        if (_source.IsDirect)
        {
            take(ViewsOf(copy), all);
            return;
        }

        _connection ??= _database().Connect();
        using BatchScan scan = _database().Scan(copy, all);
        using DuckDbResult result = _connection.Materialize(_source.SelectFrom(scan.Sql));
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            take(ViewsOf(chunk, _plan), all.AsSpan(0, chunk.RowCount));
        }
    }

    public void Dispose() => _connection?.Dispose();

    /// <summary>Rows as <see cref="AggregateSource.Sql"/> returns them.</summary>
    public static InputRows ViewsOf(DuckDbChunk chunk, AggregatePlan plan)
    {
        ColumnView[] keys = new ColumnView[plan.Keys.Length];
        ColumnView[] arguments = new ColumnView[plan.Arguments.Length];
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = ColumnView.Of(chunk[2 + i], plan.Keys[i].Type);
        }

        for (int i = 0; i < arguments.Length; i++)
        {
            arguments[i] = ColumnView.Of(chunk[2 + keys.Length + i], plan.Arguments[i].Type);
        }

        return new InputRows(
            ColumnView.Of(chunk[0], ColumnType.Timestamp), ColumnView.Of(chunk[1], ColumnType.String), keys, arguments);
    }

    private bool TryViews(LogRows log, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out InputRows? rows)
    {
        rows = null;
        ColumnBatch fields = log.FieldsBatch;
        int keys = _plan.Keys.Length;
        ColumnView[] views = new ColumnView[_source.DirectColumns.Length];
        for (int i = 0; i < views.Length; i++)
        {
            ColumnType type = i < keys ? _plan.Keys[i].Type : _plan.Arguments[i - keys].Type;
            int column = fields.Schema.IndexOf(_source.DirectColumns[i]!);
            if (column < 0 || fields.Columns[column].Type != type)
            {
                return false;
            }

            views[i] = ColumnView.Of(fields.Columns[column]);
        }

        rows = new InputRows(View(fields, EventTime), View(fields, Id), views[..keys], views[keys..]);
        return true;
    }

    private InputRows ViewsOf(ColumnBatch copy)
    {
        int keys = _plan.Keys.Length;
        ColumnView[] views = [.. _source.DirectColumns.Select(column => View(copy, column!))];
        return new InputRows(View(copy, EventTime), View(copy, Id), views[..keys], views[keys..]);
    }

    private static ColumnView View(ColumnBatch batch, string column) =>
        ColumnView.Of(batch.Columns[batch.Schema.IndexOf(column)]);

    /// <summary>
    /// The source's columns of the chosen rows, in the plan's types; what this version of the log lacks is null.
    /// </summary>
    private ColumnBatch Copy(LogRows log, ReadOnlySpan<int> live)
    {
        ImmutableArray<Column>.Builder columns = ImmutableArray.CreateBuilder<Column>();
        columns.Add(new Column(EventTime, ColumnType.Timestamp, false, 1));
        columns.Add(new Column(Id, ColumnType.String, false, 2));
        foreach (SourceColumn column in _source.Columns)
        {
            if (column.Name is not (EventTime or Id))
            {
                columns.Add(new Column(column.Name, column.Type, true, columns.Count + 1));
            }
        }

        ColumnBatch copy = new(new TableSchema(columns.ToImmutable()));
        for (int i = 0; i < copy.Columns.Length; i++)
        {
            Fill(copy.Columns[i], copy.Schema.Columns[i].Name, log, live);
        }

        copy.EndRows(live.Length);
        return copy;
    }

    private static void Fill(ColumnVector to, string name, LogRows log, ReadOnlySpan<int> live)
    {
        int column = log.FieldsBatch.Schema.IndexOf(name);
        if (column >= 0 && ColumnCopy.Fits(log.FieldsBatch.Columns[column].Type, to.Type))
        {
            ColumnView from = ColumnView.Of(log.FieldsBatch.Columns[column]);
            foreach (int row in live)
            {
                ColumnCopy.Append(from, row, to);
            }

            return;
        }

        column = log.SecureBatch?.Schema.IndexOf(name) ?? -1;
        if (column >= 0 && ColumnCopy.Fits(log.SecureBatch!.Columns[column].Type, to.Type))
        {
            FillSecure(to, log, column, live);
            return;
        }

        foreach (int _ in live)
        {
            to.AppendNull();
        }
    }

    /// <summary>Rows of the secure group are fewer, and say which row they belong to.</summary>
    private static void FillSecure(ColumnVector to, LogRows log, int column, ReadOnlySpan<int> live)
    {
        ColumnView from = ColumnView.Of(log.SecureBatch!.Columns[column]);
        ReadOnlySpan<int> owners = log.SecureRows;
        int at = live.IsEmpty ? 0 : owners.BinarySearch(live[0]);
        at = at < 0 ? ~at : at;
        foreach (int row in live)
        {
            while (at < owners.Length && owners[at] < row)
            {
                at++;
            }

            if (at < owners.Length && owners[at] == row)
            {
                ColumnCopy.Append(from, at, to);
            }
            else
            {
                to.AppendNull();
            }
        }
    }
}
