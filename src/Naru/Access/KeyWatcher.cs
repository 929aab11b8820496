using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Core.Files;

namespace Naru.Access;

/// <summary>Takes up keys that a restore put in place, and keeps when keys were used last.</summary>
internal sealed class KeyWatcher(KeyStore keys, UserStore users, TimeProvider time, ILogger<KeyWatcher> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        keys.MakeLocalKey();
        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        Look();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                Look();
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private void Look()
    {
        try
        {
            if (keys.Reload() | users.Reload())
            {
                AccessLog.Reloaded(logger);
            }

            keys.SaveUsed();
        }
        catch (StorageException exception)
        {
            AccessLog.NotReloaded(logger, exception.Message);
        }
    }
}
