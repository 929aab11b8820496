using Naru.Cli.Send;
using Naru.Core.Files;

namespace Naru.Demo;

/// <summary>What the demo sends: the shop's traffic, or a file.</summary>
internal interface ITraffic
{
    /// <summary>Events acknowledged so far, copies included.</summary>
    long Sent { get; }

    /// <summary>Ends when there is no more to send, or when cancelled.</summary>
    Task RunAsync(Action<string> phase, CancellationToken cancellationToken);

    /// <summary>truth.json as of now; null where nobody counts.</summary>
    byte[]? Truth();
}

/// <summary>The shop: history first in a new project, then live.</summary>
internal sealed class ShopDemoTraffic : ITraffic
{
    private readonly DemoRequest _request;
    private readonly bool _made;
    private readonly ShopRun _run;

    public ShopDemoTraffic(DemoRequest request, bool made, DateTimeOffset start, HttpClient http, TimeProvider time)
    {
        (_request, _made) = (request, made);
        ShopOptions options = new() { Seed = request.Seed, Start = start, EventsPerSecond = request.Rate };
        _run = new ShopRun(new ShopTraffic(options), new ShopSender(http, time), time);
    }

    public long Sent => _run.Progress.HistorySent + _run.Progress.LiveSent;

    public async Task RunAsync(Action<string> phase, CancellationToken cancellationToken)
    {
        if (_made && _request.History)
        {
            phase("sending 14 days of history");
            await _run.SendHistoryAsync(cancellationToken).ConfigureAwait(false);
        }

        phase("live traffic");
        await _run.SendLiveAsync(_request.Seconds ?? long.MaxValue, cancellationToken).ConfigureAwait(false);
    }

    public byte[]? Truth() => _run.Truth();
}

/// <summary>A file, as `naru send` sends it; the platform goes on to be looked at when all of it is sent.</summary>
internal sealed class ReplayDemoTraffic : ITraffic
{
    private readonly string _log;
    private readonly string _file;
    private readonly TimeProvider _time;
    private readonly SendRun _run;

    public ReplayDemoTraffic(string log, string file, string address, TimeProvider time)
    {
        (_log, _file, _time) = (log, file, time);
        SendJob job = new()
        {
            Log = log,
            File = file,
            Format = SendFormat.Auto,
            Server = new Uri(address),
            Source = Path.GetFileName(file),
            Parallel = 4,
            Batch = 1000,
            Replay = true,
        };
        _run = new SendRun(job, new PosixFileSystem(), time, SendState.DefaultFolder());
    }

    public long Sent => _run.Counts.Sent;

    public async Task RunAsync(Action<string> phase, CancellationToken cancellationToken)
    {
        phase($"sending {Path.GetFileName(_file)} into {_log}");
        await _run.RunAsync(cancellationToken).ConfigureAwait(false);
        phase($"all of {Path.GetFileName(_file)} is sent into {_log}");
        await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken).ConfigureAwait(false);
    }

    public byte[]? Truth() => null;
}
