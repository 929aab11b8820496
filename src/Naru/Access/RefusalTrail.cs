using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Naru.Access;

/// <summary>
/// Refused requests (401 and 403, of every address) on their way to the trail. A hostile client may be refused as often
/// as it likes, so of a minute only so many are told one by one: <see cref="SourceMax"/> of one caller or address,
/// <see cref="AllMax"/> of all; one more entry tells how many there were besides. So a day's refusals are at most some
/// 100 MB, whoever comes.
/// </summary>
internal sealed class RefusalTrail(IActivity activity, TimeProvider time)
{
    public const int SourceMax = 20;
    public const int AllMax = 200;
    private const int PathMax = 200;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _told = new(StringComparer.Ordinal);
    private long _begun = time.GetTimestamp();
    private int _all;
    private long _besides;

    /// <summary>Tells of it, or counts it.</summary>
    public async ValueTask RecordAsync(HttpContext http, Principal? who, int status)
    {
        await CloseAsync().ConfigureAwait(false);
        string address = http.Connection.RemoteIpAddress?.ToString() ?? "";
        if (!IsTold(who is null ? address : "who " + who.Name))
        {
            return;
        }

        string path = http.Request.Path.Value ?? "";
        await activity.RecordAsync(who?.Name ?? "", "denied", AuditTrail.Detail(
            ("outcome", status == StatusCodes.Status401Unauthorized ? "unauthorized" : "forbidden"),
            ("method", http.Request.Method),
            ("path", path.Length > PathMax ? path[..PathMax] : path),
            ("address", address))).ConfigureAwait(false);
    }

    /// <summary>Ends the minute, if it is over, with what was not told in it.</summary>
    public async ValueTask CloseAsync()
    {
        long besides;
        lock (_gate)
        {
            if (time.GetElapsedTime(_begun) < Window)
            {
                return;
            }

            besides = _besides;
            _begun = time.GetTimestamp();
            _told.Clear();
            _all = 0;
            _besides = 0;
        }

        if (besides > 0)
        {
            await activity.RecordAsync("", "denied", AuditTrail.Detail(
                ("outcome", "more"),
                ("count", besides.ToString(CultureInfo.InvariantCulture)))).ConfigureAwait(false);
        }
    }

    private bool IsTold(string source)
    {
        lock (_gate)
        {
            int told = _told.GetValueOrDefault(source);
            if (told >= SourceMax || _all >= AllMax)
            {
                _besides++;
                return false;
            }

            _told[source] = told + 1;
            _all++;
            return true;
        }
    }
}

/// <summary>So that the count of a minute is told also when nobody is refused after it.</summary>
internal sealed class RefusalCloser(RefusalTrail trail, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Look, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                await trail.CloseAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }
}
