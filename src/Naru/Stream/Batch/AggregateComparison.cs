using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core;
using Naru.Core.Events;
using Naru.Lake.Columns;

namespace Naru.Stream.Batch;

internal enum DifferenceKind
{
    /// <summary>Both have the row, with another value in a column.</summary>
    Value,

    /// <summary>The batch has the row and the stream has not.</summary>
    Missing,

    /// <summary>The stream has the row and the batch has not.</summary>
    Extra,
}

/// <summary>One thing in which stream and batch do not agree.</summary>
/// <param name="Kind">What is different.</param>
/// <param name="Window">The window's start, in Unix microseconds.</param>
/// <param name="Key">The row's keys, `ad_id=ad-7, campaign=c-1`; of sessions with their end.</param>
/// <param name="Column">The column; empty for a row that one side lacks.</param>
/// <param name="Stream">The stream's value, or of an extra row all its values.</param>
/// <param name="Batch">The batch's value, or of a missing row all its values.</param>
internal sealed record AggregateDifference(
    DifferenceKind Kind, long Window, string Key, string Column, string Stream, string Batch);

/// <summary>
/// Compares the rows that the stream wrote with those of a batch over the lake. Rows meet by window and keys (of the
/// keys those that are selected; rows that these do not tell apart meet by all their values). Values are compared to
/// the bit, doubles too; NaN is NaN. Pure: rows in, differences out; memory is a few words a row of the stream.
/// </summary>
internal sealed class AggregateComparison
{
    private readonly AggregatePlan _plan;
    private readonly ProjectZone _zone;
    private readonly int[] _keys;
    private readonly int[] _values;
    private readonly int _window;

    public AggregateComparison(AggregatePlan plan, ProjectZone zone)
    {
        _plan = plan;
        _zone = zone;

        // Window and keys come first among the base columns.
        int[] all = [.. Enumerable.Range(0, plan.Outputs.Length)];
        _keys = [.. all.Where(i => plan.Outputs[i].Base >= 0 && plan.Outputs[i].Base < 2 + plan.Keys.Length)];
        _values = [.. all.Except(_keys)];
        _window = Array.FindIndex([.. plan.Outputs], static output => output.Base == 0);
    }

    /// <summary>
    /// Every difference, windows in the order of the batch's rows and extra rows last.
    /// </summary>
    /// <param name="stream">Rows whose first columns are the plan's outputs, each key at most once.</param>
    /// <param name="batch">Likewise; may be read only once.</param>
    public IEnumerable<AggregateDifference> Compare(
        IReadOnlyList<ColumnBatch> stream, IEnumerable<ColumnBatch> batch)
    {
        RowIndex index = new(stream, _keys);
        RowIndex exact = new(stream, [.. Enumerable.Range(0, _plan.Outputs.Length)]);
        foreach (ColumnBatch rows in batch)
        {
            for (int row = 0; row < rows.RowCount; row++)
            {
                // Equal rows first: where keys do not tell rows apart, each must find its own.
                if (exact.Take(rows, row, index) < 0)
                {
                    foreach (AggregateDifference difference in Unequal(index, rows, row, exact))
                    {
                        yield return difference;
                    }
                }
            }
        }

        foreach ((ColumnBatch rows, int row) in index.Left())
        {
            yield return new AggregateDifference(
                DifferenceKind.Extra, WindowOf(rows, row), Key(rows, row), "", Values(rows, row), "");
        }
    }

    private IEnumerable<AggregateDifference> Unequal(RowIndex index, ColumnBatch rows, int row, RowIndex exact)
    {
        int found = index.Take(rows, row, exact);
        if (found < 0)
        {
            yield return new AggregateDifference(
                DifferenceKind.Missing, WindowOf(rows, row), Key(rows, row), "", "", Values(rows, row));
            yield break;
        }

        (ColumnBatch streamRows, int streamRow) = index.At(found);
        foreach (int column in _values)
        {
            ColumnVector left = streamRows.Columns[column];
            ColumnVector right = rows.Columns[column];
            if (!RowIndex.Same(left, streamRow, right, row))
            {
                yield return new AggregateDifference(
                    DifferenceKind.Value,
                    WindowOf(rows, row),
                    Key(rows, row),
                    _plan.Outputs[column].Name,
                    Shown(left, streamRow, right, row),
                    Shown(right, row, left, streamRow));
            }
        }
    }

    private long WindowOf(ColumnBatch rows, int row) => _window < 0 ? 0 : rows.Columns[_window].ValueAt<long>(row);

    private string Key(ColumnBatch rows, int row) => Text(rows, row, _keys.Where(column =>
        _plan.Outputs[column].Base >= 2
        || (_plan.Outputs[column].Base == 1 && _plan.Window.Kind == Core.Windows.WindowKind.Session)));

    private string Values(ColumnBatch rows, int row) => Text(rows, row, _values);

    private string Text(ColumnBatch rows, int row, IEnumerable<int> columns) => string.Join(
        ", ", columns.Select(i => $"{_plan.Outputs[i].Name}={ValueText.Of(rows.Columns[i], row, _zone)}"));

    /// <summary>The value's text, with its bits where the other one would read the same.</summary>
    private string Shown(ColumnVector column, int row, ColumnVector other, int otherRow)
    {
        string text = ValueText.Of(column, row, _zone);
        return column.Type.Kind == ColumnKind.Double && text == ValueText.Of(other, otherRow, _zone)
            ? $"{text} (bits {BitConverter.DoubleToInt64Bits(column.ValueAt<double>(row)):x16})"
            : text;
    }

    /// <summary>Rows of several batches by some of their columns; each can be taken once.</summary>
    private sealed class RowIndex
    {
        private readonly ImmutableArray<ColumnBatch> _batches;
        private readonly int[] _columns;
        private readonly int[] _firsts;
        private readonly int[] _next;
        private readonly bool[] _taken;
        private readonly Dictionary<int, int> _heads = [];

        public RowIndex(IReadOnlyList<ColumnBatch> batches, int[] columns)
        {
            _batches = [.. batches];
            _columns = columns;
            _firsts = new int[batches.Count + 1];
            for (int i = 0; i < batches.Count; i++)
            {
                _firsts[i + 1] = checked(_firsts[i] + batches[i].RowCount);
            }

            _next = new int[_firsts[^1]];
            _taken = new bool[_firsts[^1]];
            for (int row = _next.Length - 1; row >= 0; row--)
            {
                (ColumnBatch batch, int at) = At(row);
                int hash = Hash(batch, at);
                _next[row] = _heads.GetValueOrDefault(hash, -1);
                _heads[hash] = row;
            }
        }

        public (ColumnBatch Batch, int Row) At(int row)
        {
            int batch = Array.BinarySearch(_firsts, row);
            batch = batch < 0 ? ~batch - 1 : batch;

            // Of batches without rows, which begin where the next one does, the last is meant.
            while (_firsts[batch + 1] <= row)
            {
                batch++;
            }

            return (_batches[batch], row - _firsts[batch]);
        }

        /// <summary>Takes a row that is the same in the columns, here and in the other index; -1 for none.</summary>
        public int Take(ColumnBatch rows, int row, RowIndex other)
        {
            Invariant.Hold(_taken.Length == other._taken.Length);
            int at = _heads.GetValueOrDefault(Hash(rows, row), -1);
            while (at >= 0)
            {
                (ColumnBatch batch, int here) = At(at);
                if (!_taken[at] && Array.TrueForAll(_columns, column =>
                    Same(batch.Columns[column], here, rows.Columns[column], row)))
                {
                    _taken[at] = other._taken[at] = true;
                    return at;
                }

                at = _next[at];
            }

            return -1;
        }

        public IEnumerable<(ColumnBatch Batch, int Row)> Left() =>
            Enumerable.Range(0, _taken.Length).Where(row => !_taken[row]).Select(At);

        public static bool Same(ColumnVector left, int leftRow, ColumnVector right, int rightRow)
        {
            Invariant.Hold(left.Type == right.Type);
            if (left.IsNull(leftRow) || right.IsNull(rightRow))
            {
                return left.IsNull(leftRow) && right.IsNull(rightRow);
            }

            return left.Type.Kind switch
            {
                ColumnKind.String or ColumnKind.Json => left.StringAt(leftRow).SequenceEqual(right.StringAt(rightRow)),
                ColumnKind.Double when double.IsNaN(left.ValueAt<double>(leftRow)) =>
                    double.IsNaN(right.ValueAt<double>(rightRow)),
                _ => Bytes(left, leftRow).SequenceEqual(Bytes(right, rightRow)),
            };
        }

        private static unsafe ReadOnlySpan<byte> Bytes(ColumnVector column, int row) =>
            new(column.Values + ((long)row * column.WidthBytes), column.WidthBytes);

        private int Hash(ColumnBatch rows, int row)
        {
            HashCode hash = default;
            foreach (int i in _columns)
            {
                ColumnVector column = rows.Columns[i];
                if (column.IsNull(row))
                {
                    hash.Add(0);
                }
                else if (column.Type.Kind is ColumnKind.String or ColumnKind.Json)
                {
                    hash.AddBytes(column.StringAt(row));
                }
                else if (column.Type.Kind == ColumnKind.Double)
                {
                    hash.Add(column.ValueAt<double>(row));
                }
                else
                {
                    hash.AddBytes(Bytes(column, row));
                }
            }

            return hash.ToHashCode();
        }
    }
}
