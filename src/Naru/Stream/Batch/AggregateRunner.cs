using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Naru.Configuration;
using Naru.Lake.Parquet;
using Naru.Stream.Aggregate;

namespace Naru.Stream.Batch;

/// <summary>How far a recomputation is.</summary>
internal readonly record struct RecomputeProgress(int Done, int All, long Rows, long Landing);

/// <summary>
/// The batch side beside a working stream: verification, recomputation, and the final watermark of an import. Batches
/// run one at a time, on threads of their own, from what one landing left; the live path and readers go on.
/// </summary>
internal sealed class AggregateRunner(
    StreamWorker worker, ITableFileReader reader, ProjectPaths paths, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan LandingMax = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim _one = new(1);

    private BatchOptions Options => new() { SpillDirectory = $"{paths.Spill}/batch" };

    /// <summary>
    /// What a batch works on, as of now: the version that serves. Null where no such aggregate runs. To be disposed.
    /// </summary>
    public Task<AggregateInputs?> TakeAsync(string name, CancellationToken cancellationToken) =>
        worker.InvokeBetweenLandingsAsync(
            (engine, context) => engine.Aggregates.FindServing(name) is { } aggregate
                ? AggregateInputs.Take(aggregate, context, engine.Landed)
                : null,
            cancellationToken);

    /// <summary>The same of one version; null where it runs no more.</summary>
    public Task<AggregateInputs?> TakeAsync(RunningAggregate aggregate, CancellationToken cancellationToken) =>
        worker.InvokeBetweenLandingsAsync(
            (engine, context) => engine.Aggregates.Runs(aggregate)
                ? AggregateInputs.Take(aggregate, context, engine.Landed)
                : null,
            cancellationToken);

    /// <summary>Compares closed windows that begin in [from, to), Unix microseconds, slice by slice.</summary>
    public async IAsyncEnumerable<(SliceResult Result, int Done, int All)> VerifyAsync(
        AggregateInputs inputs, long from, long to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using CancellationTokenSource end = Linked(inputs, cancellationToken);
            await inputs.HoldAsync(from, to, end.Token).ConfigureAwait(false);
            AggregateVerification verification = new(inputs, reader, Options);
            ImmutableArray<BatchSlice> slices = verification.Slices(from, to);
            for (int i = 0; i < slices.Length; i++)
            {
                BatchSlice slice = slices[i];
                SliceResult result = await Task.Run(() => verification.Compare(slice, end.Token), end.Token)
                    .ConfigureAwait(false);
                yield return (result, i + 1, slices.Length);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>
    /// Replaces closed windows that begin in [from, to) with the batch's rows. What has landed stays when it is
    /// cancelled half way.
    /// </summary>
    /// <param name="inputs">As of one landing.</param>
    /// <param name="range">Unix microseconds.</param>
    /// <param name="mark">The run of the ledger that it is; null for none.</param>
    /// <param name="cancellationToken">Between two landings.</param>
    public async IAsyncEnumerable<RecomputeProgress> RecomputeAsync(
        AggregateInputs inputs,
        (long From, long To) range,
        RecomputeMark? mark,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using CancellationTokenSource end = Linked(inputs, cancellationToken);
            await inputs.HoldAsync(range.From, range.To, end.Token).ConfigureAwait(false);
            AggregateRecomputation recomputation = new(inputs, range.From, range.To, Options, mark);
            while (await Task.Run(() => recomputation.Next(end.Token), end.Token).ConfigureAwait(false) is { } next)
            {
                long rows = next.Rows.RowCount;
                long landing = await PutInAsync(next, end.Token).ConfigureAwait(false);
                (int done, int all) = recomputation.Progress;
                yield return new RecomputeProgress(done, all, rows, landing);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>
    /// Ends an import: lands what is durable, then closes every window of the aggregate that has begun. False where
    /// none of that name runs.
    /// </summary>
    public async Task<bool> FlushAsync(string name, CancellationToken cancellationToken)
    {
        await worker.LandEverythingAsync(cancellationToken).ConfigureAwait(false);
        (bool found, Task next) = await worker.InvokeBetweenLandingsAsync(
            (engine, _) =>
            {
                bool runs = engine.Aggregates.Find(name) is not null;
                if (runs)
                {
                    engine.Aggregates.ToFlush.Add(name);
                }

                return (runs, worker.NextLanding);
            },
            cancellationToken).ConfigureAwait(false);
        if (found)
        {
            worker.LandNow();
            await next.WaitAsync(LandingMax, time, cancellationToken).ConfigureAwait(false);
        }

        return found;
    }

    public void Dispose() => _one.Dispose();

    private async Task<long> PutInAsync(WindowReplacement replacement, CancellationToken cancellationToken)
    {
        bool taken = false;
        try
        {
            taken = await worker.InvokeBetweenLandingsAsync(
                (engine, _) =>
                {
                    bool runs = engine.Aggregates.Runs(replacement.Aggregate);
                    if (runs)
                    {
                        engine.Aggregates.Replacements.Add(replacement);
                    }

                    return runs;
                },
                cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (!taken && !cancellationToken.IsCancellationRequested)
            {
                replacement.Rows.Dispose();
            }
        }

        if (!taken)
        {
            throw new AggregateChangedException(replacement.Aggregate.Plan.Name);
        }

        worker.LandNow();
        return await replacement.Landed.Task.WaitAsync(LandingMax, time, cancellationToken).ConfigureAwait(false);
    }

    private static CancellationTokenSource Linked(AggregateInputs inputs, CancellationToken cancellationToken) =>
        CancellationTokenSource.CreateLinkedTokenSource([.. inputs.Ended, cancellationToken]);
}

/// <summary>The aggregate changed, or the stream began anew, while a batch ran over it.</summary>
internal sealed class AggregateChangedException(string name)
    : Exception($"aggregate \"{name}\" changed while it was recomputed");
