using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Naru.Tests.Tidy;

namespace Naru.Tests.Lake;

/// <summary>
/// DuckDB as its own package for Node.js ships it: a reader that shares no code with Naru's binding. A test that asks
/// it is skipped, by name, where Node.js or the package cannot be had.
/// </summary>
internal static class PlainDuckDb
{
    private static readonly Lazy<Task<string>> InstalledFolder = new(InstallAsync);

    /// <summary>Rows of one statement as text; a double as the 64-bit integer with its bits.</summary>
    internal static async Task<string?[][]> QueryAsync(string sql)
    {
        string folder;
        try
        {
            folder = await InstalledFolder.Value;
        }
        catch (Exception exception) when (exception is InvalidOperationException or Win32Exception)
        {
            Assert.Skip($"plain DuckDB for Node.js cannot be had: {exception.Message}");
            throw;
        }

        string output = await RunAsync(folder, sql, "node", "query.mjs");
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Select(line => JsonSerializer.Deserialize<string?[]>(line)!)];
    }

    private static async Task<string> InstallAsync()
    {
        string folder = Path.Combine(Repository.Root, "tests", "node");
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "@duckdb", "node-api")))
        {
            await RunAsync(folder, "", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error");
        }

        return folder;
    }

    private static async Task<string> RunAsync(string folder, string input, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await error}");
    }
}
