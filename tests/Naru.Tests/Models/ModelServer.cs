using System.Text;
using System.Text.Json;
using Naru.Tests.Platform;

namespace Naru.Tests.Models;

/// <summary>What tests of models do with a real platform.</summary>
internal static class ModelServer
{
    public static void Write(PlatformProject project, string name, string text)
    {
        string folder = Path.Combine(project.Root, "models");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, $"{name}.sql"), text);
    }

    public static async Task SendAsync(PlatformProcess platform, string log, IEnumerable<string> events)
    {
        using StringContent content = new(
            string.Join('\n', events), Encoding.UTF8, "application/x-ndjson");
        using HttpResponseMessage answer = await platform.Http.PostAsync($"/v1/events/{log}", content);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        await platform.CaughtUpAsync();
    }

    /// <summary>Runs, and gives what became of each interval, in the order in which it was told.</summary>
    public static async Task<JsonElement[]> RunAsync(PlatformProcess platform, string model, string how)
    {
        // An interval may wait for what was received some seconds ago to be landed.
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(3));
        while (true)
        {
            using HttpResponseMessage answer = await platform.Http.PostAsync($"/v1/models/{model}/runs?{how}", null);
            string text = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.IsSuccessStatusCode, text);
            JsonElement[] lines =
            [
                .. text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Select(static line => JsonDocument.Parse(line).RootElement),
            ];
            if (lines.Any(static line => line.TryGetProperty("step", out JsonElement step)
                && step.GetProperty("status").GetString() is "waiting" or "running"
                && !step.GetProperty("runs").GetBoolean()))
            {
                Assert.False(limit.IsCancellationRequested, $"{model} still waits: {text}\n{platform.Output}");
                await Task.Delay(20, TestContext.Current.CancellationToken);
                continue;
            }

            return
            [
                .. lines.Where(static line => line.TryGetProperty("ended", out _))
                    .Select(static line => line.GetProperty("ended")),
            ];
        }
    }

    /// <summary>How the intervals of a range stand, each as "2026-03-01 done".</summary>
    public static async Task<string[]> StatesAsync(PlatformProcess platform, string model, string range)
    {
        string text = await platform.Http.GetStringAsync($"/v1/models/{model}/intervals?{range}");
        return
        [
            .. JsonDocument.Parse(text).RootElement.GetProperty("intervals").EnumerateArray().Select(static each =>
                $"{each.GetProperty("interval").GetString()} {each.GetProperty("status").GetString()}"),
        ];
    }
}
