using Microsoft.Extensions.Hosting;
using Naru.Core.Topics;
using Naru.Lake.Columns;

namespace Naru.Stream;

/// <summary>
/// Gives memory back to the system once the stream has come to rest: column blocks kept for the next batch, and the
/// managed heap that a load grew. Costs a pause of tens of milliseconds, when nothing is under way that could wait.
/// </summary>
internal sealed class StreamRest(StreamWorker worker, ITopicLog topic, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Period, clock);
        RestWatch watch = new();
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            StreamStatus status = worker.Status;
            long durable = 0;
            for (int partition = 0; partition < topic.PartitionCount; partition++)
            {
                durable += topic.Offsets(partition).Durable;
            }

            if (watch.ComesToRest(durable, status.LandedOffsets.Sum()))
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                ColumnMemory.Trim();
            }
        }
    }
}

/// <summary>Tells once, each time that the stream comes to rest after work.</summary>
internal sealed class RestWatch
{
    private const int QuietLooksWanted = 2;

    private long _landed = -1;
    private int _quietLooks;

    /// <summary>One look: sums of offsets over all partitions.</summary>
    public bool ComesToRest(long durable, long landed)
    {
        bool isQuiet = landed == durable && landed == _landed;
        _landed = landed;
        _quietLooks = isQuiet ? Math.Min(_quietLooks + 1, QuietLooksWanted + 1) : 0;
        return _quietLooks == QuietLooksWanted;
    }
}
