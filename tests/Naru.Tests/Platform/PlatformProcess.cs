using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Naru.Tests.Platform;

/// <summary>
/// A real `naru up` in a process of its own, on a folder of its own and a port that the kernel chose.
/// </summary>
internal sealed class PlatformProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(180);

    /// <summary>A little more than the default of `stream.tail_interval`.</summary>
    private static readonly TimeSpan TailInterval = TimeSpan.FromMilliseconds(300);

    private readonly Process _process;
    private readonly StringBuilder _output;

    private PlatformProcess(Process process, StringBuilder output, string address)
    {
        _process = process;
        _output = output;
        Address = address;
        Http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 64 })
        {
            BaseAddress = new Uri(address),
            Timeout = TimeSpan.FromSeconds(60),
        };
    }

    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "naru");

    public string Address { get; }

    public HttpClient Http { get; }

    public int Id => _process.Id;

    public bool Ended => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts the platform, under another program (strace and its arguments) when one is given.</summary>
    public static async Task<PlatformProcess> StartAsync(string project, params string[] under)
    {
        string[] command = [.. under, Program, "up", project, "--listen", "127.0.0.1:0"];
        Process process = new() { StartInfo = Info(command) };
        StringBuilder output = new();
        TaskCompletionSource<string> serving = new(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => serving.TrySetException(new InvalidOperationException("the platform ended"));
        try
        {
            return new PlatformProcess(process, output, await serving.Task.WaitAsync(StartMax));
        }
        catch (Exception exception)
        {
            process.Kill(entireProcessTree: true);

            // Its end may be told before its last lines are.
            await process.WaitForExitAsync();
            throw new InvalidOperationException($"the platform did not start: {exception.Message}\n{output}");
        }

        void Take(string? line)
        {
            lock (output)
            {
                output.AppendLine(line);
            }

            if (line?.IndexOf(" serves project", StringComparison.Ordinal) is > 0 and int end)
            {
                int start = line.LastIndexOf("http", end, StringComparison.Ordinal);
                serving.TrySetResult(line[start..end]);
            }
        }
    }

    /// <summary>Runs a command of the program to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        using Process process = new() { StartInfo = Info([Program, .. arguments]) };
        process.Start();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await errors);
    }

    /// <summary>The rows of one statement.</summary>
    public async Task<JsonElement> AskAsync(string sql)
    {
        using HttpResponseMessage response = await Http.PostAsync("/v1/sql", new StringContent(sql));
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{sql}\n{(int)response.StatusCode} {text}\n{Output}");
        return JsonDocument.Parse(text).RootElement.GetProperty("rows");
    }

    public async Task<long> CountAsync(string sql) => (await AskAsync(sql))[0][0].GetInt64();

    /// <summary>
    /// Waits until all that the topics hold is landed; gives the number of landings. Where more was in the topics than
    /// one landing takes, the first answers after a restart show what is decoded so far.
    /// </summary>
    public async Task<long> CaughtUpAsync()
    {
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(120));
        while (true)
        {
            string text = await Http.GetStringAsync("/v1/status", deadline.Token);
            JsonElement stream = JsonDocument.Parse(text).RootElement.GetProperty("stream");
            if (stream.GetProperty("lagRecords").GetInt64() == 0
                && stream.GetProperty("pendingRecords").GetInt64() == 0)
            {
                return stream.GetProperty("landing").GetInt64();
            }

            await Task.Delay(20, deadline.Token);
        }
    }

    /// <summary>
    /// Waits until every query sees all that was acknowledged: it is decoded, and the tail's longest pause is over.
    /// That this takes no longer than a second on a machine with time to spare is for the benchmarks to show.
    /// </summary>
    public async Task SeenAsync()
    {
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(120));
        long lag = -1;
        while (lag != 0)
        {
            await Task.Delay(TailInterval, deadline.Token);
            string text = await Http.GetStringAsync("/v1/status", deadline.Token);
            lag = JsonDocument.Parse(text).RootElement.GetProperty("stream").GetProperty("lagRecords").GetInt64();
        }

        await Task.Delay(TailInterval, deadline.Token);
    }

    /// <summary>kill -9, workers and all.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, and waits for the graceful end.</summary>
    public async Task StopAsync()
    {
        if (!_process.HasExited)
        {
            Signals.Send(_process.Id, Signals.Terminate);
            await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private static ProcessStartInfo Info(string[] command)
    {
        ProcessStartInfo info = new(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        return info;
    }
}

/// <summary>What kill(1) does, for one process.</summary>
internal static class Signals
{
    public const int Interrupt = 2;
    public const int Terminate = 15;

    public static void Send(int process, int signal) => Assert.Equal(0, Kill(process, signal));

    [System.Runtime.InteropServices.DllImport("libc", EntryPoint = "kill")]
    [System.Runtime.InteropServices.DefaultDllImportSearchPaths(
        System.Runtime.InteropServices.DllImportSearchPath.System32)]
    private static extern int Kill(int process, int signal);
}

/// <summary>A project in a temporary folder.</summary>
internal sealed class PlatformProject : IDisposable
{
    public PlatformProject(params string[] logs)
    {
        Root = Directory.CreateTempSubdirectory("naru-platform-").FullName;
        Directory.CreateDirectory(Path.Combine(Root, "logs"));
        File.WriteAllText(Path.Combine(Root, "naru.yaml"),
            "timezone: Asia/Seoul\nstream:\n  landing_interval: 500ms\n");
        foreach (string log in logs)
        {
            Write(log);
        }
    }

    public string Root { get; }

    public void Write(string log)
    {
        string name = log.Split('\n').First(static line => line.StartsWith("log:", StringComparison.Ordinal))[4..]
            .Trim();
        File.WriteAllText(Path.Combine(Root, "logs", $"{name}.yaml"), log);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
