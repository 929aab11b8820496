using System.Collections.Immutable;
using Naru.Core.Windows;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;
using Naru.Stream.Aggregate;

namespace Naru.Stream.Batch;

/// <summary>What one slice of a verification or recomputation brought.</summary>
/// <param name="Slice">Window starts.</param>
/// <param name="Rows">Rows of the batch.</param>
/// <param name="Differences">What stream and batch do not agree in; at most <see cref="DifferencesMax"/>.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Waiting">Those that are explained by late events, whose windows wait for recomputation.</param>
internal sealed record SliceResult(
    BatchSlice Slice, long Rows, ImmutableArray<AggregateDifference> Differences, long Count, long Waiting)
{
    public const int DifferencesMax = 10_000;
}

/// <summary>
/// Runs the batch side over closed windows and compares it with the table, slice by slice. Used by one thread.
/// </summary>
internal sealed class AggregateVerification
{
    private readonly AggregateInputs _inputs;
    private readonly BatchSlices _slices;
    private readonly AggregateBatch _batch;
    private readonly AggregateComparison _comparison;
    private readonly ITableFileReader _reader;

    public AggregateVerification(AggregateInputs inputs, ITableFileReader reader, BatchOptions options)
    {
        _inputs = inputs;
        _slices = new BatchSlices(inputs);
        _batch = new AggregateBatch(inputs.Plan, inputs.Sources, inputs.Zone, options);
        _comparison = new AggregateComparison(inputs.Plan, inputs.Zone);
        _reader = reader;
    }

    /// <summary>Closed windows that begin in [from, to), and where all events are still there.</summary>
    public ImmutableArray<BatchSlice> Slices(long from, long to) =>
        _inputs.Watermark == LogClock.Unknown
            ? []
            : _slices.Of(Math.Max(from, _inputs.FirstKept), Math.Min(to, _inputs.Watermark));

    public SliceResult Compare(BatchSlice slice, CancellationToken cancellationToken)
    {
        List<ColumnBatch> stream = [];
        try
        {
            foreach (DeltaFile file in _slices.Files(slice))
            {
                cancellationToken.ThrowIfCancellationRequested();
                stream.Add(Within(file, slice));
            }

            long rows = 0;
            List<AggregateDifference> differences = [];
            long count = 0;
            long waiting = 0;
            IEnumerable<ColumnBatch> batch = Disposed(
                _batch.Run(slice.From, slice.To, _inputs.Watermark, cancellationToken), added => rows += added);
            foreach (AggregateDifference difference in _comparison.Compare(stream, batch))
            {
                if (Waits(difference.Window))
                {
                    waiting++;
                }
                else if (++count <= SliceResult.DifferencesMax)
                {
                    differences.Add(difference);
                }
            }

            return new SliceResult(slice, rows, [.. differences], count, waiting);
        }
        finally
        {
            foreach (ColumnBatch each in stream)
            {
                each.Dispose();
            }
        }
    }

    /// <summary>Rows of a file whose windows begin in the slice.</summary>
    private ColumnBatch Within(DeltaFile file, BatchSlice slice)
    {
        int start = _inputs.Plan.Outputs.ToList().FindIndex(static output => output.Base == 0);
        Core.Invariant.Hold(start >= 0);
        using ColumnBatch all = _reader.Read(_inputs.Table!.PathOf(file), _batch.OutputSchema);
        ColumnBatch rows = new(_batch.OutputSchema);
        for (int row = 0; row < all.RowCount; row++)
        {
            long begins = all.Columns[start].ValueAt<long>(row);
            if (begins < slice.From || begins >= slice.To)
            {
                continue;
            }

            for (int i = 0; i < rows.Columns.Length; i++)
            {
                ColumnCopy.Append(ColumnView.Of(all.Columns[i]), row, rows.Columns[i]);
            }

            rows.EndRow();
        }

        return rows;
    }

    private bool Waits(long window) => _inputs.Queue.Any(range => window >= range.From && window < range.To);

    private static IEnumerable<ColumnBatch> Disposed(IEnumerable<ColumnBatch> batches, Action<int> count)
    {
        foreach (ColumnBatch each in batches)
        {
            using ColumnBatch batch = each;
            count(batch.RowCount);
            yield return batch;
        }
    }
}
