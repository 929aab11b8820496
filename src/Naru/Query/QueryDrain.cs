using Microsoft.Extensions.Hosting;

namespace Naru.Query;

/// <summary>
/// The end of the server: new queries are refused with the advice to try again, those that run get a grace to finish,
/// with the server still answering, and are then ended with a reason.
/// </summary>
internal sealed class QueryDrain(QueryService service, QueryOptions options, TimeProvider time)
    : IHostedLifecycleService
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Comes before anything is stopped.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        service.IsDraining = true;
        long began = time.GetTimestamp();
        using PeriodicTimer timer = new(Look, time);
        while (service.Registry.Running > 0
            && time.GetElapsedTime(began) < options.DrainGrace
            && !cancellationToken.IsCancellationRequested)
        {
            await timer.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false);
        }

        service.Registry.StopAll(QueryService.ShuttingDown());
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
