using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Naru.Core.Files;
using Naru.Demo;
using Naru.Tests.Tidy;

namespace Naru.Tests.Demo;

/// <summary>The real program, `naru up`, on a copy of the sample shop: can be killed and started again.</summary>
internal sealed class ShopPlatform : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly StringBuilder _output = new();
    private readonly string _listen = $"127.0.0.1:{FreePort()}";
    private Process? _process;

    public ShopPlatform()
    {
        Folder = Directory.CreateTempSubdirectory("naru-shop-").FullName;
        CopyFolder(Path.Combine(Repository.Root, "samples/shop"), Folder);
        ShopDatabase.LeaveOut(new PosixFileSystem(), Folder);
        File.AppendAllText(Path.Combine(Folder, "naru.yaml"), "stream: {landing_interval: 1s}\n");
        Http = new HttpClient { BaseAddress = new Uri($"http://{_listen}"), Timeout = TimeSpan.FromSeconds(60) };
    }

    public string Folder { get; }

    public HttpClient Http { get; }

    public async Task StartAsync()
    {
        ProcessStartInfo start = new(
            Path.Combine(AppContext.BaseDirectory, "naru"), ["up", Folder, "--listen", _listen])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await UntilAsync("ready", async () => (await Http.GetAsync("/ready")).IsSuccessStatusCode);
    }

    /// <summary>As `kill -9` does.</summary>
    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Every acknowledged event has been judged, and what is valid is in the lake.</summary>
    public Task WaitUntilLandedAsync() => UntilAsync("landed", async () =>
    {
        using JsonDocument status = JsonDocument.Parse(await Http.GetStringAsync("/v1/status"));
        JsonElement stream = status.RootElement.GetProperty("stream");
        return stream.GetProperty("lagRecords").GetInt64() == 0 && stream.GetProperty("pendingRecords").GetInt64() == 0;
    });

    /// <summary>Rows as text, cells joined by a space; sorted.</summary>
    public async Task<string[]> AskAsync(string sql)
    {
        using StringContent body = new(sql, Encoding.UTF8, "text/plain");
        using HttpResponseMessage answer = await Http.PostAsync("/v1/sql?format=ndjson", body);
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{sql}\n{text}");
        return
        [
            .. text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(static line => JsonDocument.Parse(line).RootElement)
                .Select(static row => row.EnumerateObject().Select(static cell => cell.Value.ToString()))
                .Select(static cells => string.Join(' ', cells))
                .Order(StringComparer.Ordinal),
        ];
    }

    public async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        Stopwatch watch = Stopwatch.StartNew();
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(50));
        while (true)
        {
            try
            {
                if (await holds())
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not up yet.
            }

            lock (_output)
            {
                Assert.False(_process!.HasExited, $"the platform ended while waiting for '{what}':\n{_output}");
                Assert.True(watch.Elapsed < Patience, $"not '{what}' after {Patience.TotalSeconds:0} s:\n{_output}");
            }

            await look.WaitForNextTickAsync();
        }
    }

    public void Dispose()
    {
        if (_process is not null)
        {
            Kill();
        }

        Http.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static void CopyFolder(string from, string to)
    {
        foreach (string path in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target);
        }
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.AppendLine(line.Data);
        }
    }
}
