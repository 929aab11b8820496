using System.Text.Json;
using Naru.Tests.Platform;

namespace Naru.Tests.Cli;

/// <summary>`naru doctor` on a project that is well, and on one that is harmed in every part.</summary>
[Trait("Size", "Slow")]
public sealed class DoctorTests : IDisposable
{
    private readonly PlatformProject _project = new("""
        log: t.tap
        fields:
          n: {type: int64, required: true}
          who: {type: string, sensitive: true}
        lifetime: {secure: 90d}
        """);

    public void Dispose() => _project.Dispose();

    [Fact]
    public async Task A_project_that_is_well_has_no_problem_and_each_harm_is_told_with_its_place_and_mend()
    {
        await using (PlatformProcess platform = await PlatformProcess.StartAsync(_project.Root))
        {
            for (int n = 0; n < 5; n++)
            {
                using StringContent body = new($"{{\"n\":{n},\"who\":\"u\",\"event_id\":\"{n}\"}}");
                using HttpResponseMessage answer = await platform.Http.PostAsync(
                    "/v1/events/t.tap?ack=lake", body, TestContext.Current.CancellationToken);
                Assert.True(answer.IsSuccessStatusCode);
            }

            Assert.Empty(Problems(await DoctorAsync(expected: 0)));
            await platform.StopAsync();
        }

        JsonElement well = await DoctorAsync(expected: 0);
        Assert.Empty(Problems(well));
        foreach (string check in (string[])["native library", "definitions", "landings", "topic", "lake", "clock"])
        {
            Assert.Equal("ok", LevelOf(well, check));
        }

        // A busy disk is rightly told of with a warning; only that syncs work is known here.
        Assert.Contains(LevelOf(well, "sync"), (string[])["ok", "warning"]);

        foreach ((string check, string file, Action<string> harm) in Harms())
        {
            byte[] whole = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            harm(file);
            string[] problems = Problems(await DoctorAsync(expected: 1));
            Assert.Contains(problems, problem => problem.StartsWith($"{check}: ", StringComparison.Ordinal));
            await File.WriteAllBytesAsync(file, whole, TestContext.Current.CancellationToken);
        }

        Assert.Empty(Problems(await DoctorAsync(expected: 0)));
    }

    [Fact]
    public async Task A_folder_without_a_project_has_its_machine_looked_at()
    {
        string empty = Directory.CreateTempSubdirectory("naru-empty-").FullName;
        (int code, string output) = await PlatformProcess.RunAsync("doctor", empty);
        Directory.Delete(empty);
        Assert.Equal(0, code);
        Assert.Contains("there is no project in this folder", output, StringComparison.Ordinal);
        Assert.Equal(2, (await PlatformProcess.RunAsync("doctor", empty)).ExitCode);
    }

    private IEnumerable<(string Check, string File, Action<string> Harm)> Harms()
    {
        string data = $"{_project.Root}/data";
        string parquet = Directory.GetFiles($"{data}/lake/t/tap/fields", "*.parquet", SearchOption.AllDirectories)[0];
        string segment = Directory.GetFiles($"{data}/topics/events", "*.seg", SearchOption.AllDirectories)
            .First(static file => File.ReadAllBytes(file).Skip(128).Any(static value => value != 0));
        string landings = Directory.GetFiles($"{data}/landings")[0];
        yield return ("lake", parquet, Flip(40));
        yield return ("lake", parquet, File.Delete);
        yield return ("lake", parquet, static file => File.AppendAllText(file, "x"));
        yield return ("topic", segment, File.Delete);
        yield return ("topic", segment, static file => File.WriteAllBytes(file, File.ReadAllBytes(file)[..128]));
        yield return ("topic", $"{data}/topics/events/topic.json", Flip(20));
        yield return ("landings", landings, Flip(200));
        yield return ("lake", landings, static file => File.WriteAllBytes(file, File.ReadAllBytes(file)[..^9]));
        yield return ("deduplication", Directory.GetFiles($"{data}/dedup")[0], Flip(8));
        yield return ("definitions", $"{_project.Root}/logs/t.tap.yaml",
            static file => File.AppendAllText(file, "nope: 1\n"));
        yield return ("lake", $"{data}/lake/t/tap/fields/_delta_log/{1:d20}.json", Flip(0));
    }

    private static Action<string> Flip(int at) => file =>
    {
        byte[] bytes = File.ReadAllBytes(file);
        bytes[at] ^= 8;
        File.WriteAllBytes(file, bytes);
    };

    private static string[] Problems(JsonElement report) =>
    [
        .. report.GetProperty("findings").EnumerateArray()
            .Where(static finding => finding.GetProperty("level").GetString() == "problem")
            .Select(static finding => $"{finding.GetProperty("check").GetString()}: "
                + $"{finding.GetProperty("what").GetString()} ({finding.GetProperty("where").GetString()}; "
                + $"{finding.GetProperty("mend").GetString()})"),
    ];

    private static string? LevelOf(JsonElement report, string check) =>
        Assert.Single(
            report.GetProperty("findings").EnumerateArray(),
            finding => finding.GetProperty("check").GetString() == check).GetProperty("level").GetString();

    private async Task<JsonElement> DoctorAsync(int expected)
    {
        (int code, string output) = await PlatformProcess.RunAsync("doctor", _project.Root, "--json");
        Assert.True(code == expected, $"exit code {code}: {output}");
        return JsonDocument.Parse(output).RootElement;
    }
}
