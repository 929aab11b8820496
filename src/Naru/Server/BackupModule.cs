using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Backup;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Stream;

namespace Naru.Server;

/// <summary>Freezes the running project for `naru backup`, which copies what is frozen.</summary>
internal static class BackupModule
{
    public static void MapBackup(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/v1/backup/freeze", FreezeAsync).Needs(Permission.Administer)
            .WithSummary("Freezes the project's data for a backup on the same machine, until the answer is ended.");

    /// <summary>
    /// The answer's first line names the folder. The answer does not end: whoever asked ends it when it has copied, and
    /// a copy that died is cleared away with its connection.
    /// </summary>
    private static async Task FreezeAsync(HttpContext http)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            await refusal.ExecuteAsync(http).ConfigureAwait(false);
            return;
        }

        IServiceProvider services = http.RequestServices;
        ProjectFreezer? freezer = null;
        try
        {
            freezer = new ProjectFreezer(
                services.GetRequiredService<IFileSystem>(),
                services.GetRequiredService<ProjectPaths>(),
                Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)));
            string folder = await FreezeAsync(freezer, services, http.RequestAborted).ConfigureAwait(false);
            http.Response.ContentType = "application/x-ndjson";
            byte[] line =
                [.. JsonSerializer.SerializeToUtf8Bytes(new FreezeAnswer(folder), BackupJson.Default.FreezeAnswer), 10];
            await http.Response.Body.WriteAsync(line, http.RequestAborted).ConfigureAwait(false);
            await http.Response.Body.FlushAsync(http.RequestAborted).ConfigureAwait(false);
            IHostApplicationLifetime lifetime = services.GetRequiredService<IHostApplicationLifetime>();
            using CancellationTokenSource ended =
                CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ended.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (OperationCanceledException)
        {
            // Whoever asked went away.
        }
        catch (StorageException exception) when (!http.Response.HasStarted)
        {
            ServerLog.NotFrozen(services.GetRequiredService<ILogger<ProjectFreezer>>(), exception);
            await ServerErrors.Storage(exception.Message).ExecuteAsync(http).ConfigureAwait(false);
        }
        finally
        {
            freezer?.Drop();
        }
    }

    private static async Task<string> FreezeAsync(
        ProjectFreezer freezer, IServiceProvider services, CancellationToken cancellationToken)
    {
        StreamWorker worker = services.GetRequiredService<StreamWorker>();
        await worker.InvokeBetweenLandingsAsync(
            (_, context) =>
            {
                freezer.AddLanded(context.Tables, context.Landings.Last, context.Tables.DirectoryOf);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
        if (services.GetRequiredService<ITopicLog>() is SegmentTopicLog topic)
        {
            freezer.AddTopic(topic, $"{services.GetRequiredService<ProjectPaths>().Topics}/{topic.Name}");
        }

        freezer.AddState();
        return freezer.Finish();
    }
}
