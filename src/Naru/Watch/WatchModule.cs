using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Watch.Alerts;

namespace Naru.Watch;

/// <summary>
/// The watch over the platform. Needs an <see cref="IWatchSource"/> and <see cref="ISavedStatements"/> among the
/// services.
/// </summary>
internal static class WatchModule
{
    public static IServiceCollection AddWatch(
        this IServiceCollection services, WatchOptions options, ProjectZone zone)
    {
        services.AddSingleton<IAlertAsker, AlertAsker>();
        services.AddSingleton(options);
        services.AddSingleton<IWebhookSender>(provider => new AlertSender(
            new WebhookSender(options.AllowPrivate),
            new MailSender(options, () => options.SmtpLogin.Length == 0 ? null : SecretReference.Read(
                options.SmtpLogin,
                provider.GetRequiredService<IFileSystem>(),
                provider.GetRequiredService<ProjectPaths>().Root,
                out _))));
        services.AddSingleton(provider => new AlertWatch(
            new AlertSurroundings(
                provider.GetRequiredService<IFileSystem>(),
                provider.GetRequiredService<ProjectPaths>(),
                provider.GetRequiredService<IDefinitionSource>(),
                provider.GetRequiredService<IWatchSource>(),
                provider.GetRequiredService<IWebhookSender>())
            {
                Time = provider.GetRequiredService<TimeProvider>(),
                Alarms = provider.GetServices<IAlarmSource>,
                Queries = new AlertQueries(provider.GetRequiredService<IAlertAsker>, zone),
            },
            options,
            provider.GetRequiredService<ILogger<AlertWatch>>()));
        services.AddSingleton<AlertDesk>();
        services.AddHostedService<AlertLoop>();
        services.AddSingleton<ISystemTable, AlertsTable>();
        return services;
    }
}

/// <summary>Looks again and again, at the pace of the settings.</summary>
internal sealed class AlertLoop(AlertWatch watch, WatchOptions options, TimeProvider time, ILogger<AlertLoop> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(options.EvaluateInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                await LookAsync(stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            await watch.LookAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException exception)
        {
            WatchLog.NotKept(logger, exception.Message);
        }
    }
}
