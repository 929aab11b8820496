using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Core.Files;
using Naru.Definitions;

namespace Naru.Server;

/// <summary>
/// Tells changed definitions to the audit trail: each log whose version is another than the one told last, those too
/// that changed while no server ran. Who changed it stands where the project's files are kept.
/// </summary>
internal sealed class DefinitionAudit(
    IDefinitionSource definitions,
    AuditTrail trail,
    DefinitionsOptions options,
    TimeProvider time,
    ILogger<DefinitionAudit> logger) : BackgroundService
{
    private DefinitionSet? _told;

    public void Look()
    {
        DefinitionSet now = definitions.Current;
        if (ReferenceEquals(now, _told))
        {
            return;
        }

        foreach (LogDefinition log in now.Logs)
        {
            string version = log.Version.ToString(CultureInfo.InvariantCulture);
            if (trail.DefinitionOf(log.FullName) != version)
            {
                trail.Append(
                    "files",
                    AuditTrail.DefinitionChange,
                    AuditTrail.Detail(("log", log.FullName), ("version", version)));
            }
        }

        _told = now;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(options.ReloadInterval, time);
        try
        {
            do
            {
                try
                {
                    Look();
                }
                catch (StorageException exception)
                {
                    ServerLog.NotAudited(logger, exception.Message);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }
}
