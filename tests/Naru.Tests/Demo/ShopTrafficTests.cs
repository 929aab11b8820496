using System.Text;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Demo;
using Naru.Stream.Decode;
using Naru.Tests.Tidy;
using Naru.Yaml;

namespace Naru.Tests.Demo;

public class ShopTrafficTests
{
    internal static readonly ShopOptions Options = new()
    {
        Seed = 7,
        Start = new DateTimeOffset(2026, 5, 4, 3, 20, 0, TimeSpan.Zero),
        EventsPerDay = 6_000,
    };

    private static readonly Lazy<ShopBatch[]> History = new(static () => [.. new ShopTraffic(Options).History()]);

    private static IEnumerable<ShopEvent> Events => History.Value.SelectMany(static batch => batch.Events);

    [Fact]
    public void The_sample_project_has_no_mistakes()
    {
        MistakeList mistakes = new();
        ProjectContent content = ReadProject(mistakes);
        Assert.Equal("", string.Join("\n", mistakes.Sorted()));
        Assert.Equal(9, content.Logs.Length);
        Assert.All(content.Logs, static log => Assert.Null(log.Log.MaxPast));
        Assert.All(content.Logs, static log => Assert.NotEmpty(log.Log.Owner));
        Assert.All(
            content.Logs.SelectMany(static log => log.Log.Fields),
            static field => Assert.False(field.Description.Length == 0 || field.Example is null, field.Name));
    }

    [Fact]
    public void The_same_seed_and_start_send_the_same_bytes()
    {
        ShopTraffic again = new(Options);
        Assert.Equal(
            History.Value.Select(static batch => (batch.Name, Text(batch))),
            again.History().Select(static batch => (batch.Name, Text(batch))));
        Assert.Equal(again.Live(20).Select(Text), new ShopTraffic(Options).Live(20).Select(Text));
        Assert.NotEqual(
            Text(History.Value[0]), Text(new ShopTraffic(Options with { Seed = 8 }).History().First()));
    }

    [Fact]
    public void Batch_names_and_client_ids_are_never_used_twice()
    {
        ShopTraffic traffic = new(Options);
        ShopBatch[] live = [.. Enumerable.Range(1, 120).SelectMany(second => traffic.Live(second))];
        string[] names = [.. History.Value.Concat(live).Select(static batch => batch.Name)];
        Assert.Equal(names.Length, names.Distinct().Count());

        string[] lines = [.. Events.Concat(live.SelectMany(static batch => batch.Events))
            .Where(static line => line.Log is not ("kr_shop.exposure" or "kr_exp.exposure"))
            .Select(static line => Encoding.UTF8.GetString(line.Json))];
        string[] ids = [.. lines
            .Select(static line => line.Split("\"event_id\":\""))
            .Where(static parts => parts.Length == 2)
            .Select(static parts => parts[1].Split('"')[0])];
        Assert.Equal(lines.Length, ids.Length);
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    [Fact]
    public void The_definitions_judge_every_event_as_the_shop_expects()
    {
        ProjectContent content = ReadProject(new MistakeList());
        DefinitionSet definitions = ProvisionalDefinitions.Number(
            Options.TimeZone, content.Logs.Select(static log => log.Log));
        Dictionary<string, DecodePlan> plans = definitions.Logs.ToDictionary(
            static log => log.FullName, log => DecodePlan.Compile(log, definitions.TimeZone));
        EventDecoder decoder = new();
        foreach (ShopEvent line in Events)
        {
            bool accepted = decoder.TryCheck(plans[line.Log], line.Json, out Rejection rejection);
            Assert.True(
                rejection.Reason == line.Rejected && accepted == (line.Rejected == RejectReason.None),
                $"{line.Log}: {rejection.Reason} ({rejection.Message}) for {Encoding.UTF8.GetString(line.Json)}");
        }
    }

    [Fact]
    public void History_tells_its_stories()
    {
        ShopEvent[] events = [.. Events];
        Assert.InRange(events.Length, 60_000, 110_000);

        // The hot ad is the first of its two hours, though only the seventh of all.
        ShopEvent[] hot = [.. events.Where(static line => At(line, -3, 20) || At(line, -3, 21))];
        Assert.Equal("ad-0007", Top(hot));
        Assert.Equal("ad-0001", Top(events));

        Assert.DoesNotContain(events, static line => At(line, -2, 15) && line.Source == "ad-server");
        Assert.Contains(events, static line => At(line, -2, 14) && line.Source == "ad-server");
        Assert.Equal(1_600, events.Count(static line => Encoding.UTF8.GetString(line.Json).Contains("\"s-bot\"")));
        Assert.True(events.Count(static line => line.Rejected == RejectReason.WrongType) > 20);
        Assert.Contains(events, static line => line.Clock == ShopClock.OutOfBounds);
        Assert.True(events.Select(static line => line.Rejected).Distinct().Count() >= 8);
        Assert.Contains(History.Value, static batch => batch.Copies == 2);

        DateTimeOffset latest = DateTimeOffset.MinValue;
        TimeSpan latestBack = TimeSpan.Zero;
        foreach (ShopEvent line in events)
        {
            latest = line.Time > latest ? line.Time : latest;
            latestBack = latest - line.Time > latestBack ? latest - line.Time : latestBack;
        }

        Assert.InRange(latestBack.TotalHours, 7, 9);
    }

    [Fact]
    public void Truth_adds_up()
    {
        ShopTruth truth = new(Options);
        foreach (ShopBatch batch in History.Value)
        {
            truth.Add(batch, batch.Copies);
        }

        ShopTruthDocument document = truth.ToDocument();
        Assert.Equal(9, document.Logs.Count);
        foreach ((string log, LogCounts counts) in document.Logs)
        {
            Assert.Equal(counts.Sent, counts.Events + counts.Duplicates + counts.Rejected.Values.Sum());
            Assert.Equal(counts.Events, counts.TimeSources.Values.Sum());
            Assert.Equal(counts.TimeSources["created"], counts.Days.Values.Sum());
            Assert.Equal(counts.TimeSources["created"], counts.Hours.Values.Sum());
            Assert.True(counts.Days.Count is 14 or 15, log);
        }

        decimal billed = document.Campaigns.Values.Sum(static campaign => campaign.Cost);
        Assert.Equal(document.Logs["kr_ad.click"].Fields["cost"].Sum, billed);
        long clicks = document.Campaigns.Values.Sum(static campaign => campaign.Clicks);
        Assert.Equal(document.Logs["kr_ad.click"].Events, clicks);
        Assert.Contains("\"sum\": \"", Encoding.UTF8.GetString(truth.ToJson()), StringComparison.Ordinal);
    }

    [Fact]
    public void Live_traffic_has_the_rate_asked_for_and_every_kind_of_misfit()
    {
        ShopTraffic traffic = new(Options with { EventsPerSecond = 100 });
        ShopEvent[] events = [.. Enumerable.Range(1, 240)
            .SelectMany(second => traffic.Live(second))
            .SelectMany(static batch => batch.Events)];
        Assert.InRange(events.Length / 240.0, 70, 140);
        Assert.Contains(events, static line => line.Clock == ShopClock.Repaired);
        Assert.Contains(events, line => line.Time < Options.Start.AddHours(-6));
        Assert.True(events.Count(static line => line.Rejected != RejectReason.None) > 20);
        Assert.All(events, line => Assert.True(line.Time <= Options.Start.AddSeconds(300)));
    }

    private static string Text(ShopBatch batch) => Encoding.UTF8.GetString(batch.Body());

    private static string Top(IEnumerable<ShopEvent> events) => events
        .Where(static line => line.Log == "kr_ad.impression")
        .CountBy(static line => line.Ad!)
        .MaxBy(static ad => ad.Value).Key;

    private static bool At(ShopEvent line, int day, int hour)
    {
        DateTime local = TimeZoneInfo.ConvertTime(line.Time, Options.TimeZone).DateTime;
        DateTime today = TimeZoneInfo.ConvertTime(Options.Start, Options.TimeZone).Date;
        return (local.Date - today).Days == day && local.Hour == hour;
    }

    private static ProjectContent ReadProject(MistakeList mistakes)
    {
        ProjectPaths paths = new(Path.Combine(Repository.Root, "samples/shop"));
        return new ProjectFolder(new PosixFileSystem(), paths).Read(new Dictionary<string, string>(), mistakes);
    }
}
