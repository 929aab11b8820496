using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Naru.Tests.Tidy;

namespace Naru.Tests.Docs;

/// <summary>
/// ARCHITECTURE.md's way of one event, walked: the runtime lists methods as it first compiles them, which is the order
/// in which they first run.
/// </summary>
public sealed partial class ArchitecturePathTests
{
    private const int FilesMax = 12;

    [Fact]
    public void The_way_of_an_event_names_at_most_12_files_that_exist()
    {
        string[] files = [.. Files()];
        Assert.InRange(files.Length, 8, FilesMax);
        Assert.All(files, static file => Assert.True(Repository.Exists(file), $"there is no {file}"));
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task One_event_runs_through_the_named_files_in_order()
    {
        string folder = Directory.CreateTempSubdirectory("naru-path-").FullName;
        string compiled = Path.Combine(folder, "compiled.txt");
        try
        {
            MakeProject(folder);
            using ServerProcess server = await ServerProcess.StartAsync(folder, compiled);
            int before = File.ReadLines(compiled).Count();
            await server.SendOneEventAsync();
            await server.WaitForLandingAsync();
            string[] methods = [.. File.ReadLines(compiled).Skip(before)];
            int at = 0;
            foreach (string file in Files())
            {
                string type = Path.GetFileName(file).Split('.')[0];
                int found = Array.FindIndex(methods, at, method => Names(method, type));
                Assert.True(found >= 0, $"nothing of {file} ran after the file before it");
                at = found + 1;
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IEnumerable<string> Files() =>
        NumberedFile().Matches(Repository.Read("ARCHITECTURE.md")).Select(static match => match.Groups[1].Value);

    private static bool Names(string method, string type) =>
        Regex.IsMatch(method, $@"Naru\.[\w.]*\b{type}(`\d)?[:+\[]");

    private static void MakeProject(string folder)
    {
        Directory.CreateDirectory(Path.Combine(folder, "logs"));
        File.WriteAllText(
            Path.Combine(folder, "naru.yaml"),
            "timezone: Asia/Seoul\nlisten: 127.0.0.1:0\nstream: {landing_interval: 1s}\n");
        File.Copy(
            Path.Combine(Repository.Root, "samples/shop/logs/kr_exp.exposure.yaml"),
            Path.Combine(folder, "logs/kr_exp.exposure.yaml"));
    }

    [GeneratedRegex(@"^\d+\. `(src/[^`]+\.cs)`", RegexOptions.Multiline)]
    private static partial Regex NumberedFile();

    private sealed partial class ServerProcess : IDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
        private readonly Process _process;
        private readonly HttpClient _http = new();
        private readonly TaskCompletionSource<Uri> _address = new();

        private ServerProcess(Process process) => _process = process;

        public static async Task<ServerProcess> StartAsync(string folder, string compiled)
        {
            ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "naru"), ["up", folder])
            {
                RedirectStandardOutput = true,
                Environment =
                {
                    ["DOTNET_JitStdOutFile"] = compiled,
                    ["DOTNET_JitDisasmSummary"] = "1",
                    ["DOTNET_TieredCompilation"] = "1",
                },
            };
            ServerProcess server = new(Process.Start(start)!);
            server._process.OutputDataReceived += (_, line) => server.Look(line.Data);
            server._process.BeginOutputReadLine();
            server._http.BaseAddress = await server._address.Task.WaitAsync(Patience);
            return server;
        }

        public async Task SendOneEventAsync()
        {
            // Two lines, so that the line is not judged at receipt; the second is empty.
            using StringContent body = new(
                "{\"experiment\":\"e\",\"variant\":\"control\",\"session_id\":\"s\"}\n\n",
                Encoding.UTF8,
                "application/x-ndjson");
            using HttpResponseMessage answer = await _http.PostAsync("/v1/events/kr_exp.exposure", body);
            Assert.Contains("\"accepted\":1", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        public async Task WaitForLandingAsync()
        {
            using PeriodicTimer look = new(TimeSpan.FromMilliseconds(100));
            Stopwatch watch = Stopwatch.StartNew();
            do
            {
                await look.WaitForNextTickAsync();
                Assert.True(watch.Elapsed < Patience, "the event did not land");
            }
            while (!(await _http.GetStringAsync("/v1/status")).Contains("\"landing\":1", StringComparison.Ordinal));
        }

        public void Dispose()
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
            _process.Dispose();
            _http.Dispose();
        }

        private void Look(string? line)
        {
            if (line is not null && Serves().Match(line) is { Success: true } match)
            {
                _address.TrySetResult(new Uri(match.Groups[1].Value));
            }
        }

        [GeneratedRegex(@"(http://[\d.:]+) serves project")]
        private static partial Regex Serves();
    }
}
