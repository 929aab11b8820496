using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Core.Topics;

namespace Naru.Stream;

/// <summary>
/// Lets go of what is no longer needed: topic segments that have landed and aged, landing records past their time.
/// </summary>
internal sealed class StreamMaintenance(
    StreamWorker worker, ITopicLog topic, StreamOptions options, TimeProvider clock, ILogger<StreamMaintenance> logger)
    : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Period, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await RunOnceAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (IOException exception)
            {
                StreamLog.MaintenanceFailed(logger, exception);
            }
        }
    }

    private async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        long landedBefore = (clock.GetUtcNow() - options.LandingRetention).ToUnixTimeMilliseconds() * 1000;
        long[] landed = await worker.InvokeAsync(
            (engine, context) =>
            {
                // The landing's thread appends to the same log.
                if (!engine.Landing)
                {
                    context.Landings.DeleteBefore(landedBefore);
                }

                return engine.LandedOffsets;
            },
            cancellationToken).ConfigureAwait(false);
        topic.ApplyRetention(landed);
    }
}
