using Naru.Aggregates;
using Naru.Core;
using Naru.Core.Events;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Turns groups into rows of an aggregate's table: base columns first (window, keys, results), then the select list and
/// HAVING over them. Used by one thread.
/// </summary>
internal sealed class OutputRows : IDisposable
{
    private const string RowNumber = "_row";

    private readonly AggregatePlan _plan;
    private readonly ProjectZone _zone;
    private readonly bool _isNumbered;
    private ColumnBatch _base;

    /// <param name="plan">Whose groups they are.</param>
    /// <param name="zone">The project's.</param>
    /// <param name="isNumbered">For <see cref="AppendTo"/>, which needs the rows' numbers; readers do not.</param>
    public OutputRows(AggregatePlan plan, ProjectZone zone, bool isNumbered = true)
    {
        _plan = plan;
        _zone = zone;
        _isNumbered = isNumbered;
        _base = new ColumnBatch(!isNumbered ? plan.BaseSchema : new TableSchema(
        [
            .. plan.BaseSchema.Columns,
            new Column(RowNumber, ColumnType.Int64, false, plan.BaseSchema.Columns.Length + 1),
        ]));
    }

    public int Count => _base.RowCount;

    /// <summary>The base rows so far, in the columns of the plan's base schema; the caller disposes them.</summary>
    public ColumnBatch TakeBase()
    {
        Invariant.Hold(!_isNumbered);
        ColumnBatch taken = _base;
        _base = new ColumnBatch(taken.Schema);
        return taken;
    }

    /// <summary>Adds every group of a window; times in Unix microseconds.</summary>
    public void Add(long start, long end, GroupTable groups)
    {
        ColumnVector[] columns = _base.Columns;
        for (int group = 0; group < groups.Count; group++)
        {
            columns[0].AppendInt64(start);
            columns[1].AppendInt64(end);
            AppendKey(groups.KeyAt(group));
            if (_isNumbered)
            {
                columns[^1].AppendInt64(_base.RowCount + group);
            }
        }

        int column = 2 + _plan.Keys.Length;
        foreach (Accumulator result in groups.Accumulators)
        {
            for (int group = 0; group < groups.Count; group++)
            {
                result.Append(group, columns[column]);
            }

            column++;
        }

        _base.EndRows(groups.Count);
    }

    public void Add(SessionTable sessions, int session)
    {
        ColumnVector[] columns = _base.Columns;
        columns[0].AppendInt64(sessions.FirstAt(session));
        columns[1].AppendInt64(sessions.EndAt(session));
        AppendKey(sessions.KeyOf(session));
        int column = 2 + _plan.Keys.Length;
        foreach (Accumulator result in sessions.Accumulators)
        {
            result.Append(session, columns[column++]);
        }

        if (_isNumbered)
        {
            columns[column].AppendInt64(_base.RowCount);
        }

        _base.EndRow();
    }

    /// <summary>
    /// Appends the rows that HAVING leaves to a batch of the plan's schema, `_final` and `_revision` (by base columns
    /// and row) as given. <paramref name="database"/> evaluates expressions, where there are any.
    /// </summary>
    public void AppendTo(
        ColumnBatch rows, bool isFinal, Func<ColumnBatch, int, int> revision, Func<DuckDbDatabase> database)
    {
        if (_base.RowCount == 0)
        {
            return;
        }

        Invariant.Hold(_isNumbered);
        if (_plan.OutputsAreDirect)
        {
            for (int i = 0; i < _plan.Outputs.Length; i++)
            {
                ColumnView from = ColumnView.Of(_base.Columns[_plan.Outputs[i].Base]);
                for (int row = 0; row < _base.RowCount; row++)
                {
                    ColumnCopy.Append(from, row, rows.Columns[i]);
                }
            }

            for (int row = 0; row < _base.RowCount; row++)
            {
                EndColumns(rows, row, isFinal, revision);
            }

            rows.EndRows(_base.RowCount);
            return;
        }

        using BatchScan scan = database().Scan(_base, Enumerable.Range(0, _base.RowCount).ToArray());
        using DuckDbConnection connection = database().Connect();
        using DuckDbResult result = connection.Materialize(_plan.OutputSql(scan.Sql, RowNumber));
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int i = 0; i < _plan.Outputs.Length; i++)
            {
                ParquetTableReader.Append(chunk[i], rows.Columns[i]);
            }

            foreach (long row in chunk[_plan.Outputs.Length].Values<long>())
            {
                EndColumns(rows, (int)row, isFinal, revision);
            }

            rows.EndRows(chunk.RowCount);
        }
    }

    /// <summary>The partition values of a window's start.</summary>
    public static (int Day, int Hour) PartitionOf(long start, ProjectZone zone)
    {
        int day = zone.DayAt(start, out int hour);
        return (day, hour);
    }

    public void Dispose() => _base.Dispose();

    private void AppendKey(ReadOnlySpan<byte> key)
    {
        for (int i = 0; i < _plan.Keys.Length; i++)
        {
            key = key[ValueCode.Append(key, _base.Columns[2 + i])..];
        }
    }

    private void EndColumns(ColumnBatch rows, int row, bool isFinal, Func<ColumnBatch, int, int> revision)
    {
        Invariant.Hold((uint)row < (uint)_base.RowCount);
        long start = _base.Columns[0].ValueAt<long>(row);
        (int day, int hour) = PartitionOf(start, _zone);
        int column = _plan.Outputs.Length;
        rows.Columns[column++].AppendInt32(revision(_base, row));
        rows.Columns[column++].AppendBoolean(isFinal);
        rows.Columns[column++].AppendInt32(day);
        rows.Columns[column].AppendInt32(hour);
    }
}
