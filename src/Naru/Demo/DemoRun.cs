using System.Collections.Immutable;
using Naru.Cli.Send;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Server;
using Spectre.Console;

namespace Naru.Demo;

/// <summary>What `naru demo` was asked for.</summary>
internal sealed record DemoRequest
{
    public required string Folder { get; init; }

    /// <summary>A file to send instead of the shop's traffic.</summary>
    public string? Replay { get; init; }

    public long Seed { get; init; } = 1;

    /// <summary>Live events a second.</summary>
    public int Rate { get; init; } = 200;

    public bool History { get; init; } = true;

    /// <summary>Seconds of live traffic; null until cancelled.</summary>
    public long? Seconds { get; init; }

    public string? Listen { get; init; }

    /// <summary>With the shop's own database, where this machine has PostgreSQL.</summary>
    public bool Database { get; init; } = true;
}

/// <summary>The demo from the folder to the last line: prepare, start the platform, send, show, stop.</summary>
internal sealed class DemoRun(DemoRequest request, TimeProvider time)
{
    private static readonly TimeSpan DrawPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LinePause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AskPause = TimeSpan.FromSeconds(2);

    private readonly PosixFileSystem _files = new();
    private readonly ProjectPaths _paths = new(Path.GetFullPath(request.Folder));
    private volatile string _phase = "";
    private volatile Seen _seen = new(null, null, []);
    private ITraffic _traffic = null!;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        bool made = DemoProject.Prepare(_files, _paths);
        DateTimeOffset start = WholeSecond(time.GetUtcNow());
        string? replayLog = request.Replay is { } file ? ReplayDefinition.Ensure(_files, _paths, file) : null;
        Say(made
            ? $"made the project {request.Folder}; starting the platform on it …"
            : $"{request.Folder} is there already: going on with it, without history; starting the platform …");
        await using ShopDatabase? database =
            await StartDatabaseAsync(made, cancellationToken).ConfigureAwait(false);
        await using DemoServer server =
            await DemoServer.StartAsync(_paths, request.Listen, time, cancellationToken).ConfigureAwait(false);
        using HttpClient http = new() { BaseAddress = new Uri(server.Address) };
        _traffic = replayLog is null
            ? new ShopDemoTraffic(request, made, start, http, time)
            : new ReplayDemoTraffic(replayLog, request.Replay!, server.Address, time);

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task traffic = _traffic.RunAsync(phase => _phase = phase, stop.Token);
        Task asking = AskAsync(new DemoClient(http), stop.Token);
        Task ended = server.Ended;
        try
        {
            await ShowAsync(server.Address, start, Task.WhenAny(traffic, ended), stop.Token).ConfigureAwait(false);
            if (ended.IsCompleted && !stop.IsCancellationRequested)
            {
                throw new DemoException($"the platform ended:\n{server.LastLines()}", "start the demo again");
            }

            await traffic.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Ctrl+C is how a demo ends.
        }
        catch (SendException exception)
        {
            throw new DemoException(exception.Message, exception.Hint);
        }
        catch (ShopRefusedException exception)
        {
            throw new DemoException(exception.Message, "the project's logs differ from the sample's; use a new folder");
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(Quiet(traffic), Quiet(asking)).ConfigureAwait(false);
            Conclude(server.Address, start);
        }
    }

    private async Task<ShopDatabase?> StartDatabaseAsync(bool made, CancellationToken cancellationToken)
    {
        string? programs = request.Database && request.Replay is null ? ShopDatabase.FindPrograms(_files) : null;
        if (made && programs is null)
        {
            ShopDatabase.LeaveOut(_files, _paths.Root);
        }

        if (programs is null || !ShopDatabase.IsWanted(_files, _paths))
        {
            if (request.Database && request.Replay is null)
            {
                Say("without the shop's own database, its snapshots and exports: there is no PostgreSQL server here "
                    + "(apt-get install postgresql)");
            }

            return null;
        }

        return await ShopDatabase.StartAsync(_files, _paths, programs, time, cancellationToken).ConfigureAwait(false);
    }

    private static async Task Quiet(Task task) =>
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Not by way of Spectre, which would break long lines where the output is piped.</summary>
    private static void Say(string text) => Console.WriteLine(text);

    private static DateTimeOffset WholeSecond(DateTimeOffset now) =>
        DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());

    private async Task ShowAsync(string address, DateTimeOffset start, Task over, CancellationToken cancellationToken)
    {
        DemoMoment Now() => Moment(address, start);
        if (!AnsiConsole.Profile.Capabilities.Interactive || Console.IsOutputRedirected)
        {
            for (int line = 0; !over.IsCompleted; line++)
            {
                Say(DemoView.Line(Now()));
                if (line % 4 == 3)
                {
                    DemoView.AnswerLines(Now()).ToList().ForEach(Say);
                }

                await Task.WhenAny(over, Task.Delay(LinePause, time, cancellationToken)).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
            }

            return;
        }

        await AnsiConsole.Live(DemoView.Draw(Now())).StartAsync(async live =>
        {
            while (!over.IsCompleted && !cancellationToken.IsCancellationRequested)
            {
                live.UpdateTarget(DemoView.Draw(Now()));
                await Task.WhenAny(over, Task.Delay(DrawPause, time, cancellationToken)).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
    }

    /// <summary>Looks at the platform from outside, as its users do.</summary>
    private async Task AskAsync(DemoClient client, CancellationToken cancellationToken)
    {
        long asked = 0;
        while (true)
        {
            PlatformStatus? status = await client.StatusAsync(cancellationToken).ConfigureAwait(false);
            _seen = _seen with { Status = status ?? _seen.Status };
            if (asked == 0 || time.GetElapsedTime(asked) >= AskPause)
            {
                asked = time.GetTimestamp();
                DateTimeOffset? newest = await client.NewestAsync(cancellationToken).ConfigureAwait(false);
                _seen = _seen with { Freshness = newest is { } at ? time.GetUtcNow() - at : null };
                if (request.Replay is null)
                {
                    await AskAllAsync(client, cancellationToken).ConfigureAwait(false);
                }
            }

            await Task.Delay(DrawPause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task AskAllAsync(DemoClient client, CancellationToken cancellationToken)
    {
        List<(DemoQuestion, DemoAnswer)> answers = [];
        foreach (DemoQuestion question in DemoClient.Questions)
        {
            answers.Add((question, await client.AskAsync(question.Sql, cancellationToken).ConfigureAwait(false)));
        }

        _seen = _seen with { Answers = [.. answers] };
    }

    private DemoMoment Moment(string address, DateTimeOffset start) => new()
    {
        Address = address,
        Folder = request.Folder,
        Phase = _phase,
        Elapsed = time.GetUtcNow() - start,
        Sent = _traffic.Sent,
        Status = _seen.Status,
        Freshness = _seen.Freshness,
        Answers = _seen.Answers,
    };

    private void Conclude(string address, DateTimeOffset start)
    {
        Say(DemoView.Line(Moment(address, start)));
        if (_traffic.Truth() is { } truth)
        {
            string file = DemoProject.TruthFile(_files, _paths, start);
            WholeFile.Replace(_files, file, truth);
            Say($"what the sender counted is in {Path.GetRelativePath(".", file)}");
        }

        Say($"the data stays in {request.Folder}; `./naru up {request.Folder}` serves it again");
    }

    private sealed record Seen(
        PlatformStatus? Status, TimeSpan? Freshness, ImmutableArray<(DemoQuestion, DemoAnswer)> Answers);
}
