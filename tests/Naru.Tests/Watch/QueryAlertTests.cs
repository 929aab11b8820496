using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Sim;
using Naru.Tests.Definitions;
using Naru.Watch;
using Naru.Watch.Alerts;

namespace Naru.Tests.Watch;

/// <summary>Alerts on a query: when they ask, what they tell and how often, over restarts and crashes too.</summary>
public sealed class QueryAlertTests : IDisposable
{
    private readonly TemporaryProject _project = new();
    private readonly ManualTimeProvider _time = new();
    private readonly Asker _asker = new();
    private readonly Sender _sender = new();
    private readonly DefinitionStore _store;
    private AlertWatch _watch;

    public QueryAlertTests()
    {
        _store = _project.OpenStore();
        Directory.CreateDirectory(_project.Paths.Alerts);
        File.WriteAllText($"{_project.Root}/hook", "https://hooks.example.com/T0/secret\n");
        _watch = Open();
    }

    public void Dispose() => _project.Dispose();

    [Fact]
    public async Task It_asks_when_it_is_due_and_tells_once_until_it_is_back()
    {
        Alert("every: 1m");
        _asker.Values = [7];
        await LookAsync(10, 13);
        Assert.Equal(3, _asker.Asked);
        Assert.Empty(_sender.Sent);
        _asker.Values = [3];
        await LookAsync(10, 18);
        _asker.Values = [9];
        await LookAsync(10, 6);
        _asker.Values = [2];
        await LookAsync(10, 10);
        Assert.Equal(
            ["FIRING fell: n is 3 (below 5)", "RESOLVED fell: n is 9 (below 5)", "FIRING fell: n is 2 (below 5)"],
            _sender.Sent.Select(static text => text.Split('\n')[1]));
        Assert.Equal("2", Instance.Value);
        Assert.Equal(["firing", "resolved", "firing"], _watch.Book.Events.Select(static each => each.What));
    }

    [Theory]
    [InlineData("always", 6)]
    [InlineData("3m", 2)]
    [InlineData("back", 1)]
    public async Task Rearming_says_how_often_it_is_told(string rearm, int told)
    {
        Alert($"every: 1m\nrearm: {rearm}");
        _asker.Values = [3];
        await LookAsync(10, 36);
        Assert.Equal(told, _sender.Sent.Count);
    }

    [Fact]
    public async Task A_schedule_of_cron_is_one_of_the_zone_and_a_missed_time_is_asked_once()
    {
        Alert("cron: \"0 9 * * *\"");
        _asker.Values = [3];
        DateTimeOffset start = _time.GetUtcNow();
        await LookAsync(3600, 24);
        Assert.Equal(1, _asker.Asked);
        TimeSpan clock = (Instance.RanAt!.Value + TimeSpan.FromHours(9)).TimeOfDay;
        Assert.InRange(clock, TimeSpan.FromHours(9), TimeSpan.FromHours(10));
        _time.Advance(TimeSpan.FromDays(5));
        _watch = Open();
        await LookAsync(10, 5);
        Assert.Equal(2, _asker.Asked);
        Assert.True(_time.GetUtcNow() > start);
    }

    [Theory]
    [InlineData("first", new[] { 3, 9 }, true, "n is 3 (below 5)")]
    [InlineData("first", new[] { 9, 3 }, false, "n is 9 (below 5)")]
    [InlineData("min", new[] { 9, 3 }, true, "min of n is 3 (below 5)")]
    [InlineData("max", new[] { 9, 3 }, false, "max of n is 9 (below 5)")]
    [InlineData("any", new[] { 9, 3, 8 }, true, "any of n is 3 (below 5)")]
    [InlineData("first", new int[0], false, "no row (below 5)")]
    public void The_rows_that_are_looked_at_are_chosen(string over, int[] values, bool holds, string seen)
    {
        AlertQuery query = new()
        {
            Owner = "kim", Column = "n", Value = 5, Condition = AlertCondition.Below,
            Over = Enum.Parse<AlertOver>(over, ignoreCase: true),
        };
        AlertReading reading = query.Judge([.. values.Select(static value => (decimal?)value)]);
        Assert.Equal((holds, seen), (reading.Holds, reading.Seen));
    }

    [Fact]
    public async Task A_query_that_fails_is_told_once_and_leaves_what_was_known()
    {
        Alert("every: 1m");
        _asker.Values = [3];
        await LookAsync(10, 3);
        _asker.Failure = "the owner \"kim\" is no user who may ask now";
        await LookAsync(10, 30);
        Assert.Equal(2, _sender.Sent.Count);
        Assert.Equal(
            "FAILING fell: the owner \"kim\" is no user who may ask now", _sender.Sent[1].Split('\n')[1]);
        Assert.Equal(AlertState.Firing, Instance.State);
        _asker.Failure = null;
        await LookAsync(10, 12);
        Assert.Null(Instance.Failure);
        Assert.Equal(2, _sender.Sent.Count);
    }

    [Fact]
    public async Task After_a_crash_between_sending_and_knowing_it_nothing_is_told_twice()
    {
        Alert("every: 1m");
        _asker.Values = [3];

        // The webhook has taken the message when the server ends: what follows was never written down.
        _sender.Crash = true;
        await Assert.ThrowsAsync<CrashException>(() => LookAsync(10, 3));
        Assert.Single(_sender.Sent);
        _sender.Crash = false;
        _watch = Open();
        await LookAsync(10, 60);
        Assert.Single(_sender.Sent);
        Assert.Equal(AlertState.Firing, Instance.State);
        Assert.Contains("may not have come", _watch.Book.Outboxes.Single().Problem, StringComparison.Ordinal);

        // What comes after is told as ever.
        _asker.Values = [9];
        await LookAsync(10, 10);
        Assert.Equal(2, _sender.Sent.Count);
    }

    [Fact]
    public async Task A_restart_before_sending_tells_it_after()
    {
        Alert("every: 1m");
        _asker.Values = [3];
        await LookAsync(10);
        Assert.Empty(_sender.Sent);
        _watch = Open();
        await LookAsync(10, 6);
        Assert.Single(_sender.Sent);
    }

    [Fact]
    public async Task A_mute_is_silent_for_its_time_over_a_restart()
    {
        Alert("every: 1m\nrearm: always");
        _watch.Mute("fell", _time.GetUtcNow() + TimeSpan.FromMinutes(30), "kim");
        _asker.Values = [3];
        await LookAsync(10, 12);
        _watch = Open();
        await LookAsync(10, 12);
        Assert.Empty(_sender.Sent);
        Assert.Equal(AlertState.Firing, Instance.State);
        Assert.All(_watch.Book.Events, static each => Assert.False(each.Told));
        Assert.Equal("kim", _watch.MuteOf("fell")!.Value.By);
        _watch.Mute("fell", null, "kim");
        await LookAsync(10, 12);
        Assert.NotEmpty(_sender.Sent);
    }

    [Fact]
    public async Task What_is_slow_holds_nothing_up_and_is_asked_once_at_a_time()
    {
        Alert("every: 1m");
        _asker.Slow = new TaskCompletionSource();
        await LookAsync(10, 30);
        Assert.Equal(1, _asker.Asked);
        _asker.Values = [3];
        _asker.Slow.SetResult();
        _asker.Slow = null;
        await LookAsync(10, 4);
        Assert.Single(_sender.Sent);
    }

    private AlertInstance Instance => _watch.Book.Instances.Single();

    private AlertWatch Open() => new(
        new AlertSurroundings(_project.Files, _project.Paths, _store, new NoSource(), _sender)
        {
            Time = _time,
            Queries = new AlertQueries(
                () => _asker, ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"))),
        },
        new WatchOptions { Webhook = "file:hook", GroupWait = TimeSpan.FromSeconds(20) },
        NullLogger.Instance);

    private void Alert(string text) => File.WriteAllText($"{_project.Paths.Alerts}/fell.yaml", $"""
        alert: fell
        kind: query
        owner: kim
        sql: SELECT 1 AS n
        column: n
        condition: below
        value: 5
        {text}
        """.ReplaceLineEndings("\n") + "\n");

    private async Task LookAsync(int seconds, int times = 1)
    {
        for (int i = 0; i < times; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(seconds));
            await _watch.LookAsync(CancellationToken.None);
        }
    }

    private sealed class CrashException : Exception;

    private sealed class Asker : IAlertAsker
    {
        public int Asked { get; private set; }

        public ImmutableArray<int> Values { get; set; } = [];

        public string? Failure { get; set; }

        public TaskCompletionSource? Slow { get; set; }

        public async Task<AlertReading> AskAsync(AlertQuery query, CancellationToken cancellationToken)
        {
            Asked++;
            if (Slow is { } slow)
            {
                await slow.Task;
            }

            return Failure is { } failure
                ? AlertReading.Failed(failure)
                : query.Judge([.. Values.Select(static value => (decimal?)value)]);
        }
    }

    private sealed class NoSource : IWatchSource
    {
        public WatchSample Read() => new([], TimeSpan.Zero, 1, 1);
    }

    private sealed class Sender : IWebhookSender
    {
        public List<string> Sent { get; } = [];

        public bool Crash { get; set; }

        public Task<string?> SendAsync(
            string address, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
        {
            using JsonDocument document = JsonDocument.Parse(message);
            Sent.Add(document.RootElement.GetProperty("text").GetString()!);
            return Crash ? throw new CrashException() : Task.FromResult<string?>(null);
        }
    }
}
