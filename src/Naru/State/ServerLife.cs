using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Core;

namespace Naru.State;

/// <summary>
/// Says to the other servers on the same store that this one lives, and tells which of them do not: one that was not
/// heard of for <see cref="Length"/>. On a store that one process alone can have, all others are gone.
/// </summary>
internal sealed class ServerLife(IStateStore store, bool isShared, TimeProvider time, ILogger<ServerLife> logger)
    : BackgroundService
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, Lease> _others = new(StringComparer.Ordinal);

    /// <summary>This process, unlike all others.</summary>
    public string Id { get; } = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>
    /// Whether another server has ended. The first answers are no: it takes a while to see that somebody is silent. One
    /// caller at a time.
    /// </summary>
    public async ValueTask<bool> IsGoneAsync(string server, CancellationToken cancellationToken)
    {
        if (server == Id || !isShared)
        {
            return server != Id;
        }

        if (!_others.TryGetValue(server, out Lease? lease))
        {
            _others[server] = lease = Of(server);
        }

        return await lease.TryHoldAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!isShared)
        {
            return;
        }

        Lease own = Of(Id);
        using PeriodicTimer timer = new(Length / 3, time);
        try
        {
            do
            {
                await BeatAsync(own, stoppingToken).ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private async Task BeatAsync(Lease own, CancellationToken cancellationToken)
    {
        try
        {
            await own.TryHoldAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or InvariantException))
        {
            StateLog.NotHeard(logger, exception.Message);
        }
    }

    private Lease Of(string server) => new(store, $"server/{server}", Id, Length, time);
}
