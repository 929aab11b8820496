using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Server;

namespace Naru.Demo;

/// <summary>The platform as a child process, started by the same program: `naru up DIR`.</summary>
internal sealed partial class DemoServer : IAsyncDisposable
{
    private const int TerminateSignal = 15;
    private const int LinesKept = 30;
    private static readonly TimeSpan LookPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Queue<string> _lines = [];

    private DemoServer(Process process, TimeProvider time) => (_process, _time) = (process, time);

    /// <summary>Where it listens.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Completes when the process has ended.</summary>
    public Task Ended => _process.WaitForExitAsync();

    /// <summary>The last lines that it printed.</summary>
    public string LastLines()
    {
        lock (_gate)
        {
            return string.Join('\n', _lines);
        }
    }

    /// <summary>
    /// Returns once it is ready to accept events. Throws <see cref="DemoException"/> when it ends before that.
    /// </summary>
    public static async Task<DemoServer> StartAsync(
        ProjectPaths paths, string? listen, TimeProvider time, CancellationToken cancellationToken)
    {
        PosixFileSystem files = new();
        using (ProjectLock? free = ProjectLock.TryTake(paths, files))
        {
            // Letting it go also wipes the address of a server that was killed.
            if (free is null)
            {
                throw new DemoException(
                    $"'{paths.Root}' is open in another process",
                    "stop that one, or name another folder: naru demo my-shop");
            }
        }

        string program = Environment.ProcessPath
            ?? throw new DemoException("the program's own path is unknown", "start `naru up` by hand");
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, RedirectStandardError = true };

        // `dotnet naru.dll demo` runs another program, which wants to be told what to load.
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "naru.dll"));
        }

        start.ArgumentList.Add("up");
        start.ArgumentList.Add(paths.Root);
        if (listen is not null)
        {
            start.ArgumentList.Add("--listen");
            start.ArgumentList.Add(listen);
        }

        DemoServer server = new(Process.Start(start)!, time);
        server.Listen();
        try
        {
            await server.WaitUntilReadyAsync(paths, files, cancellationToken).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Asks it to stop, which drains; kills it when that takes too long.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _ = Kill(_process.Id, TerminateSignal);
            try
            {
                await Ended.WaitAsync(StopMax, _time).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        _process.Dispose();
    }

    private void Listen()
    {
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_gate)
        {
            _lines.Enqueue(line);
            if (_lines.Count > LinesKept)
            {
                _lines.Dequeue();
            }
        }
    }

    private async Task WaitUntilReadyAsync(
        ProjectPaths paths, PosixFileSystem files, CancellationToken cancellationToken)
    {
        using HttpClient http = new();
        long begun = _time.GetTimestamp();
        while (_time.GetElapsedTime(begun) < StartMax)
        {
            if (_process.HasExited)
            {
                await Ended.ConfigureAwait(false);
                throw new DemoException(
                    $"the platform did not start:\n{LastLines()}", "mend that, then run the demo again");
            }

            // Read, not asked for: a look at the lock itself could take it from the server that starts.
            string address = Encoding.UTF8.GetString(WholeFile.Read(files, paths.LockFile) ?? []).Trim();
            if (address.Length > 0
                && await IsReadyAsync(http, address, cancellationToken).ConfigureAwait(false))
            {
                Address = address;
                return;
            }

            await Task.Delay(LookPause, _time, cancellationToken).ConfigureAwait(false);
        }

        throw new DemoException(
            $"the platform is not ready after {StartMax.TotalSeconds:0} s:\n{LastLines()}", "see `naru doctor`");
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, string address, CancellationToken cancellationToken)
    {
        try
        {
            using HttpResponseMessage answer =
                await http.GetAsync($"{address}/ready", cancellationToken).ConfigureAwait(false);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
