using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Core.Files;

namespace Naru.Access.Tickets;

/// <summary>Writes down what tickets have used, every few seconds and at the end.</summary>
internal sealed class TicketSaver(TicketBook book, TimeProvider time, ILogger<TicketSaver> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        Save();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            await Task.Run(Save, stoppingToken).ConfigureAwait(false);
        }
    }

    private void Save()
    {
        try
        {
            book.Save();
        }
        catch (StorageException exception)
        {
            AccessLog.TicketsNotSaved(logger, exception.Message);
        }
    }
}
