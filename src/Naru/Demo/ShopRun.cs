using System.Threading.Channels;

namespace Naru.Demo;

/// <summary>What a run has done so far.</summary>
/// <param name="HistorySent">Events of history acknowledged, copies included.</param>
/// <param name="LiveSent">Live events acknowledged, copies included.</param>
/// <param name="Requests">Requests that it took.</param>
internal readonly record struct ShopProgress(long HistorySent, long LiveSent, long Requests);

/// <summary>Sends the shop's traffic and keeps its truth.</summary>
internal sealed class ShopRun(ShopTraffic traffic, ShopSender sender, TimeProvider time)
{
    /// <summary>Requests in flight at once.</summary>
    private const int SendersMax = 4;

    private readonly Lock _gate = new();
    private readonly ShopTruth _truth = new(traffic.Options);
    private ShopProgress _progress;

    public ShopProgress Progress
    {
        get
        {
            lock (_gate)
            {
                return _progress;
            }
        }
    }

    /// <summary>truth.json as of now.</summary>
    public byte[] Truth()
    {
        lock (_gate)
        {
            return _truth.ToJson();
        }
    }

    public ShopTruthDocument TruthDocument()
    {
        lock (_gate)
        {
            return _truth.ToDocument();
        }
    }

    /// <summary>Sends all of history as fast as the platform takes it.</summary>
    public Task SendHistoryAsync(CancellationToken cancellationToken) =>
        SendAllAsync(traffic.History().ToAsyncEnumerable(), cancellationToken);

    /// <summary>Sends live traffic, second by second of the clock, for so many seconds or until cancelled.</summary>
    public Task SendLiveAsync(long seconds, CancellationToken cancellationToken) =>
        SendAllAsync(PacedAsync(seconds, cancellationToken), cancellationToken);

    private async IAsyncEnumerable<ShopBatch> PacedAsync(
        long seconds, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long second = 1; second <= seconds; second++)
        {
            TimeSpan ahead = traffic.Options.Start.AddSeconds(second) - time.GetUtcNow();
            if (ahead > TimeSpan.Zero)
            {
                await Task.Delay(ahead, time, cancellationToken).ConfigureAwait(false);
            }

            foreach (ShopBatch batch in traffic.Live(second))
            {
                yield return batch;
            }
        }
    }

    private async Task SendAllAsync(IAsyncEnumerable<ShopBatch> batches, CancellationToken cancellationToken)
    {
        using CancellationTokenSource failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Channel<ShopBatch> queue = Channel.CreateBounded<ShopBatch>(SendersMax);
        Task[] senders = [.. Enumerable.Range(0, SendersMax).Select(_ => SendQueueAsync(queue.Reader, failed))];
        try
        {
            await foreach (ShopBatch batch in batches.WithCancellation(failed.Token).ConfigureAwait(false))
            {
                await queue.Writer.WriteAsync(batch, failed.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The senders say why, below.
        }

        queue.Writer.Complete();
        await Task.WhenAll(senders).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private async Task SendQueueAsync(ChannelReader<ShopBatch> queue, CancellationTokenSource failed)
    {
        try
        {
            await foreach (ShopBatch batch in queue.ReadAllAsync(failed.Token).ConfigureAwait(false))
            {
                await SendCopiesAsync(batch, failed.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Told to stop; what was in flight is counted as in doubt.
        }
        catch
        {
            await failed.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task SendCopiesAsync(ShopBatch batch, CancellationToken cancellationToken)
    {
        int copies = 0;
        try
        {
            while (copies < batch.Copies)
            {
                ShopDelivery delivery = await sender.SendAsync(batch, cancellationToken).ConfigureAwait(false);
                copies++;
                lock (_gate)
                {
                    _progress = new ShopProgress(
                        _progress.HistorySent + (batch.History ? delivery.Accepted : 0),
                        _progress.LiveSent + (batch.History ? 0 : delivery.Accepted),
                        _progress.Requests + delivery.Attempts);
                }
            }
        }
        finally
        {
            lock (_gate)
            {
                if (copies > 0)
                {
                    _truth.Add(batch, copies);
                }

                if (copies < batch.Copies)
                {
                    _truth.BatchesInDoubt++;
                }
            }
        }
    }
}
