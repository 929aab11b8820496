using System.ComponentModel;
using System.Diagnostics;
using Naru.Tests.Platform;
using Naru.Tests.Tidy;

namespace Naru.Tests.Query.Trino;

/// <summary>
/// The clients of Trino and Presto as npm has them, unmodified, against a real `naru up`: tests/clients holds what they
/// do. Skipped, by name, where Node.js or the packages cannot be had; never under CI=true.
/// </summary>
[Trait("Size", "Slow")]
public sealed class TrinoClientTests(ITestOutputHelper output)
{
    private const string Log =
        """
        log: app.page_view
        owner: app
        description: A page was shown.
        fields:
          page: {type: string, required: true, description: Path of the page}
        """;

    private static readonly Lazy<Task<string>> InstalledFolder = new(InstallAsync);

    [Fact]
    public Task The_client_of_Trino_connects_lists_reads_every_type_pages_cancels_and_sees_errors() =>
        RunAsync("trino.mjs", "trino-client session: ok");

    [Fact]
    public Task The_client_of_Presto_does_so_with_the_headers_of_either() =>
        RunAsync("presto.mjs", "presto-client as trino info: ok");

    [Fact]
    public async Task The_client_of_Trino_signs_in_over_TLS()
    {
        string folder = await FolderAsync();
        using PlatformProject project = new(Log);
        TlsTests.WriteCertificate(project.Root);
        TlsTests.Configure(project.Root);
        string key = await TlsTests.MakeKeyAsync(project.Root);
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        string address = await TlsTests.SecureAddressAsync(platform);
        Dictionary<string, string> trust = new()
        {
            ["NODE_EXTRA_CA_CERTS"] = Path.Combine(project.Root, "cert.pem"), ["NARU_KEY"] = key,
        };
        string said = await RunAsync(folder, trust, "node", "trino.mjs", address, "connect", "types", "session");
        Assert.EndsWith("trino-client session: ok\n", said, StringComparison.Ordinal);
        await platform.StopAsync();
    }

    private static async Task<string> FolderAsync()
    {
        try
        {
            return await InstalledFolder.Value;
        }
        catch (Exception exception) when (exception is InvalidOperationException or Win32Exception)
        {
            Prerequisite.Need(false, $"the clients of tests/clients cannot be had: {exception.Message}");
            throw;
        }
    }

    private async Task RunAsync(string script, string lastLine)
    {
        string folder = await FolderAsync();
        using PlatformProject project = new(Log);
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        for (int i = 0; i < 3; i++)
        {
            using HttpResponseMessage sent =
                await platform.Http.PostAsync("/v1/events/app.page_view", new StringContent("""{"page":"/home"}"""));
            Assert.True(sent.IsSuccessStatusCode, platform.Output);
        }

        string said = await RunAsync(folder, [], "node", script, platform.Address);
        output.WriteLine(said);
        Assert.EndsWith(lastLine + "\n", said, StringComparison.Ordinal);
        await platform.StopAsync();
    }

    private static async Task<string> InstallAsync()
    {
        string folder = Path.Combine(Repository.Root, "tests", "clients");
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "trino-client")))
        {
            await RunAsync(folder, [], "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error");
        }

        return folder;
    }

    private static async Task<string> RunAsync(
        string folder, Dictionary<string, string> variables, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in variables)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> said = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(120));
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
        }

        return process.ExitCode == 0
            ? await said
            : throw new InvalidOperationException(
                $"{program} ended with {process.ExitCode}: {await said}{await error}");
    }
}
