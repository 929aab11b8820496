using System.Diagnostics;
using System.Globalization;
using Naru.Tests.Platform;
using Naru.Tests.Tidy;

namespace Naru.Tests.Tiers;

/// <summary>A server that speaks S3 with one bucket, `lake`, and a door that fails when it is told to.</summary>
internal sealed class S3Server : IAsyncDisposable
{
    public const string Keys = "S3RVER";
    private static readonly SemaphoreSlim Installing = new(1, 1);
    private readonly Process _process;
    private readonly HttpClient _http = new();

    private S3Server(Process process, int port)
    {
        _process = process;
        Address = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
    }

    public string Address { get; }

    public static async Task<S3Server> StartAsync(string directory)
    {
        string folder = Path.Combine(Repository.Root, "tests", "s3");
        await Installing.WaitAsync();
        try
        {
            if (!Directory.Exists(Path.Combine(folder, "node_modules", "s3rver")))
            {
                await RunAsync(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error");
            }
        }
        catch (Exception exception) when (exception is InvalidOperationException
            or System.ComponentModel.Win32Exception)
        {
            Prerequisite.Need(false, $"the S3 server of tests/s3 cannot be had: {exception.Message}");
            throw;
        }
        finally
        {
            Installing.Release();
        }

        Process process = Process.Start(new ProcessStartInfo("node", ["s3.mjs", directory])
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        string? port = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return new S3Server(process, int.Parse(port!, CultureInfo.InvariantCulture));
    }

    /// <summary>`500`, `500-files`, `slow` (files never come), `wrong` (a bit of each file),
    /// `500-manifest` (of exports), or nothing.</summary>
    public async Task FailAsync(string fault) => await _http.GetStringAsync($"{Address}/__fault/{fault}");

    /// <summary>From now on nobody listens.</summary>
    public async Task StopAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (!_process.HasExited)
        {
            await StopAsync();
        }

        _process.Dispose();
    }

    private static async Task RunAsync(string folder, string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await error}");
        }
    }
}
