using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core.Windows;
using Naru.Lake.Columns;
using Naru.Stream.Aggregate;

namespace Naru.Stream.Batch;

/// <summary>
/// The batch side's rows for a range of closed windows, in the columns of the aggregate's table, as replacements that
/// the next landings put in. What fits is one replacement, so that readers see all of it or nothing; longer ranges are
/// several, one after the other. Used by one thread.
/// </summary>
internal sealed class AggregateRecomputation
{
    /// <summary>Rows that one landing replaces at most, about: they are held in memory until then.</summary>
    public const long RowsMax = 2_000_000;

    private readonly AggregateInputs _inputs;
    private readonly AggregateBatch _batch;
    private readonly ImmutableArray<BatchSlice> _slices;
    private readonly long _to;
    private readonly RecomputeMark? _mark;
    private long _doneFrom;
    private long _from;
    private int _next;

    /// <param name="inputs">Leased; windows after its watermark are left to the stream.</param>
    /// <param name="from">First window start, inclusive, in Unix microseconds.</param>
    /// <param name="to">Exclusive.</param>
    /// <param name="options">What the batch may take.</param>
    /// <param name="mark">Lands with the last of the rows; null where no ledger wants to know.</param>
    public AggregateRecomputation(
        AggregateInputs inputs, long from, long to, BatchOptions options, RecomputeMark? mark)
    {
        _inputs = inputs;
        _mark = mark;
        _batch = new AggregateBatch(inputs.Plan, inputs.Sources, inputs.Zone, options);

        // Where events have expired, what the table has is all that is left of them.
        _doneFrom = from;
        _from = Math.Max(from, Math.Min(to, inputs.FirstKept));
        _to = inputs.Watermark == LogClock.Unknown ? _from : Math.Min(to, inputs.Watermark);
        _slices = new BatchSlices(inputs).Of(_from, _to);
    }

    /// <summary>Slices in all, and how many are done.</summary>
    public (int Done, int All) Progress => (_next, _slices.Length);

    /// <summary>The next replacement, or null at the end. Its rows are the landing's to dispose.</summary>
    public WindowReplacement? Next(CancellationToken cancellationToken)
    {
        if (_from >= _to && _doneFrom >= _from)
        {
            return null;
        }

        ColumnBatch rows = new(_inputs.Plan.Schema);
        try
        {
            while (_next < _slices.Length && rows.RowCount < RowsMax)
            {
                BatchSlice slice = _slices[_next];
                foreach (ColumnBatch each in
                    _batch.Run(slice.From, slice.To, _inputs.Watermark, cancellationToken))
                {
                    using ColumnBatch batch = each;
                    Append(batch, rows);
                }

                _next++;
            }
        }
        catch
        {
            rows.Dispose();
            throw;
        }

        // Rows of the table where the batch has none go too, so that ranges end where the next one begins.
        long to = _next < _slices.Length ? _slices[_next].From : Math.Max(_from, _to);
        WindowReplacement replacement = new(_inputs.Aggregate, _from, to, rows, _inputs.Landing)
        {
            Watermark = _inputs.Watermark,
            DoneFrom = _doneFrom,
            Mark = _next == _slices.Length ? _mark : null,
        };
        _doneFrom = _from = to;
        return replacement;
    }

    private void Append(ColumnBatch from, ColumnBatch rows)
    {
        AggregatePlan plan = _inputs.Plan;
        int start = plan.Outputs.ToList().FindIndex(static output => output.Base == 0);
        int outputs = plan.Outputs.Length;
        for (int row = 0; row < from.RowCount; row++)
        {
            for (int i = 0; i < outputs; i++)
            {
                ColumnCopy.Append(ColumnView.Of(from.Columns[i]), row, rows.Columns[i]);
            }

            // The landing counts revisions on from what the table has.
            (int day, int hour) = OutputRows.PartitionOf(from.Columns[start].ValueAt<long>(row), _inputs.Zone);
            rows.Columns[outputs].AppendInt32(0);
            rows.Columns[outputs + 1].AppendBoolean(true);
            rows.Columns[outputs + 2].AppendInt32(day);
            rows.Columns[outputs + 3].AppendInt32(hour);
            rows.EndRow();
        }
    }
}
