using Microsoft.Extensions.Logging.Abstractions;
using Naru.Aggregates;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Tests.Definitions;

namespace Naru.Tests.Aggregates;

public sealed class AggregateReloaderTests : IDisposable
{
    private const string Clicks =
        "SELECT window_start, window_end, count(*) AS clicks\n"
        + "FROM tumble(kr_ad.click, event_time, INTERVAL '1 minute')\nGROUP BY window_start, window_end\n";

    private readonly string _root = Directory.CreateTempSubdirectory("naru-aggregates-").FullName;

    public AggregateReloaderTests() => Directory.CreateDirectory(Path.Combine(_root, "aggregates"));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Broken_file_keeps_its_last_plan_while_running_and_after_a_restart()
    {
        Write("clicks", Clicks);
        AggregateReloader reloader = Open();
        AggregatePlan first = Assert.Single(reloader.Current.Plans);

        Write("clicks", Clicks.Replace("count(*)", "median(cost)", StringComparison.Ordinal));
        LookTwice(reloader);
        Assert.Same(first, Assert.Single(reloader.Current.Plans));

        AggregateReloader restarted = Open();
        Assert.Equal(first.Fingerprint, Assert.Single(restarted.Current.Plans).Fingerprint);
    }

    [Fact]
    public void Changed_new_and_deleted_files_are_followed_and_the_others_stay_the_same_objects()
    {
        Write("clicks", Clicks);
        Write("taps", Clicks);
        AggregateReloader reloader = Open();
        AggregateSet before = reloader.Current;
        Assert.False(reloader.Look());
        Assert.Same(before, reloader.Current);

        Write("clicks", Clicks.Replace("1 minute", "5 minutes", StringComparison.Ordinal));
        LookTwice(reloader);
        Assert.NotEqual(before.Find("clicks")!.Fingerprint, reloader.Current.Find("clicks")!.Fingerprint);
        Assert.Same(before.Find("taps"), reloader.Current.Find("taps"));

        File.Delete(Path.Combine(_root, "aggregates/taps.sql"));
        LookTwice(reloader);
        Assert.Equal(["clicks"], reloader.Current.Plans.Select(static plan => plan.Name));
        Assert.Empty(Open().Current.Plans.Where(static plan => plan.Name == "taps"));
    }

    [Fact]
    public void Comments_and_blanks_make_no_new_version_and_a_description_no_new_fingerprint()
    {
        Write("clicks", Clicks);
        AggregateReloader reloader = Open();
        string fingerprint = reloader.Current.Plans[0].Fingerprint;
        string commented = Clicks.Replace("\n", "\n   -- why\n", StringComparison.Ordinal);
        Write("clicks", $"-- description: taps\n-- live: 1h\n{commented}");
        LookTwice(reloader);
        Assert.Equal(fingerprint, reloader.Current.Plans[0].Fingerprint);
        Assert.Equal("taps", reloader.Current.Plans[0].Description);
    }

    private static void LookTwice(AggregateReloader reloader)
    {
        Assert.False(reloader.Look());
        Assert.True(reloader.Look());
    }

    private void Write(string name, string text) =>
        File.WriteAllText(Path.Combine(_root, "aggregates", $"{name}.sql"), text);

    private AggregateReloader Open()
    {
        AggregateReloader reloader = new(
            new AggregateBook(new PosixFileSystem(), new ProjectPaths(_root)),
            new FixedDefinitions(new DefinitionSet(
                TimeZoneInfo.Utc,
                AggregateCaseTests.Logs().Logs.Select(static (log, i) => log with { Id = i + 1, Version = 1 }))),
            new DefinitionsOptions(),
            TimeProvider.System,
            NullLogger<AggregateReloader>.Instance);
        reloader.TakeNow();
        return reloader;
    }

    private sealed record FixedDefinitions(DefinitionSet Current) : IDefinitionSource;
}
