using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Naru.Definitions;
using Naru.Sim;
using Naru.Tests.Definitions;
using Naru.Watch;
using Naru.Watch.Alerts;

namespace Naru.Tests.Watch;

public sealed class AlertWatchTests : IDisposable
{
    private readonly TemporaryProject _project = new();
    private readonly ManualTimeProvider _time = new();
    private readonly FakeSource _source = new();
    private readonly FakeSender _sender = new();
    private readonly DefinitionStore _store;
    private readonly WatchOptions _options = new()
    {
        Webhook = "file:hook", GroupWait = TimeSpan.FromSeconds(20), RepeatInterval = TimeSpan.FromHours(1),
    };

    private readonly List<Alarm> _alarms = [];
    private AlertWatch _watch;

    public AlertWatchTests()
    {
        _project.WriteLog("kr_shop.order", "log: kr_shop.order\nfields: {a: string}\n");
        _project.WriteLog("kr_shop.view", "log: kr_shop.view\nfields: {a: string}\n");
        _store = _project.OpenStore();
        _project.Publish(_store);
        Directory.CreateDirectory(_project.Paths.Alerts);
        File.WriteAllText($"{_project.Root}/hook", "https://hooks.example.com/T0/secret\n");
        _watch = Open();
    }

    public void Dispose() => _project.Dispose();

    private AlertWatch Open() => new(
        new AlertSurroundings(_project.Files, _project.Paths, _store, _source, _sender)
        {
            Time = _time, Alarms = () => [new FixedAlarms(_alarms)],
        },
        _options,
        NullLogger.Instance);

    private void Alert(string name, string text) =>
        File.WriteAllText($"{_project.Paths.Alerts}/{name}.yaml", $"alert: {name}\n{text}\n");

    private async Task LookAsync(int seconds = 10, int times = 1)
    {
        for (int i = 0; i < times; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(seconds));
            await _watch.LookAsync(CancellationToken.None);
        }
    }

    private AlertState State(string alert, string log = "") =>
        _watch.Book.Instances.Single(instance => instance.Alert == alert && instance.Log == log).State;

    [Fact]
    public async Task Aggregates_that_differ_or_stand_fire_each_by_itself()
    {
        Alert("differ", "kind: aggregate_difference");
        Alert("stuck", "kind: aggregate_lag\nabove: 5m");
        _source.Aggregates =
        [
            new AggregateSample("agg.clicks", TimeSpan.FromMinutes(4), 3),
            new AggregateSample("agg.views", TimeSpan.FromMinutes(6), 0),
        ];
        await LookAsync();
        Assert.Equal(
            (AlertState.Firing, AlertState.Ok, AlertState.Ok, AlertState.Firing),
            (State("differ", "agg.clicks"), State("differ", "agg.views"),
                State("stuck", "agg.clicks"), State("stuck", "agg.views")));
        await LookAsync(10, 3);
        string text = Assert.Single(_sender.Sent);
        Assert.Contains(
            "FIRING differ on agg.clicks: the last verification found 3 differences between the table and the lake",
            text,
            StringComparison.Ordinal);
        Assert.Contains(
            "FIRING stuck on agg.views: events come and the watermark has stood still for 6m (limit 5m)",
            text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_alarm_is_told_once_and_when_it_is_over_and_no_file_is_needed()
    {
        _alarms.Add(new Alarm("model ad_daily late", "2026-03-05 should have been done by 09:00", "ann"));
        await LookAsync(10, 4);
        Assert.Equal(
            "FIRING model ad_daily late: 2026-03-05 should have been done by 09:00 - owner ann",
            Assert.Single(_sender.Sent).Split('\n')[1]);
        Assert.Equal(AlertState.Firing, State("model ad_daily late"));

        // Not again while it lasts, nor by a server that starts anew.
        _watch = Open();
        await LookAsync(3_600, 5);
        Assert.Single(_sender.Sent);
        _alarms.Clear();
        await LookAsync(10, 12);
        Assert.Equal(2, _sender.Sent.Count);
        Assert.Contains("RESOLVED model ad_daily late: 2026-03-05", _sender.Sent[1], StringComparison.Ordinal);
        await LookAsync();
        Assert.Empty(_watch.Book.Instances);
    }

    private sealed class FixedAlarms(IReadOnlyList<Alarm> alarms) : IAlarmSource
    {
        public IEnumerable<Alarm> Read(DateTimeOffset now) => alarms;
    }

    [Fact]
    public async Task A_rate_fires_after_its_time_is_told_once_with_its_group_and_resolved_after_a_clear_minute()
    {
        Alert("rejects", "kind: invalid_rate\nabove: 5%\nwindow: 1m\nat_least: 10\nfor: 30s");
        await LookAsync();
        _source.Set("kr_shop.order", 100, 50, _time);
        _source.Set("kr_shop.view", 100, 50, _time);
        await LookAsync();
        Assert.Equal(AlertState.Pending, State("rejects", "kr_shop.order"));
        await LookAsync(10, 3);
        Assert.Equal(AlertState.Firing, State("rejects", "kr_shop.order"));
        Assert.Empty(_sender.Sent);
        await LookAsync(10, 2);
        string text = Assert.Single(_sender.Sent);
        Assert.StartsWith("2 firing in ", text, StringComparison.Ordinal);
        Assert.Contains(
            "FIRING rejects on kr_shop.order: 50.0% of 100 events in 1m rejected (limit 5.0%)",
            text,
            StringComparison.Ordinal);

        // The window has passed; the alert clears for a minute before it is resolved.
        await LookAsync(10, 3);
        Assert.Equal(AlertState.Firing, State("rejects", "kr_shop.order"));
        await LookAsync(10, 12);
        Assert.Equal(AlertState.Resolved, State("rejects", "kr_shop.order"));
        Assert.Equal(2, _sender.Sent.Count);
        Assert.StartsWith("2 resolved in ", _sender.Sent[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Few_events_say_nothing_and_a_flicker_fires_nothing()
    {
        Alert("rejects", "kind: invalid_rate\nlog: kr_shop.order\nabove: 5%\nwindow: 1m\nat_least: 10\nfor: 30s");
        await LookAsync();
        _source.Set("kr_shop.order", 9, 9, _time);
        await LookAsync(10, 6);
        Assert.Equal(AlertState.Ok, State("rejects", "kr_shop.order"));
        _source.Set("kr_shop.order", 30, 20, _time);
        await LookAsync();
        Assert.Equal(AlertState.Pending, State("rejects", "kr_shop.order"));
        _source.Set("kr_shop.order", 3000, 20, _time);
        await LookAsync(10, 12);
        Assert.Equal(AlertState.Ok, State("rejects", "kr_shop.order"));
        Assert.Empty(_sender.Sent);
    }

    [Fact]
    public async Task Silence_counts_from_the_start_of_the_server_for_each_log_by_itself()
    {
        Alert("quiet", "kind: silence\nafter: 2m");
        await LookAsync(60);
        _source.Set("kr_shop.order", 1, 0, _time);
        await LookAsync(61);
        Assert.Equal(AlertState.Firing, State("quiet", "kr_shop.view"));
        Assert.Equal(AlertState.Ok, State("quiet", "kr_shop.order"));
        _watch = Open();
        await LookAsync(10);
        Assert.Equal(AlertState.Firing, State("quiet", "kr_shop.view"));
        await LookAsync(121);
        Assert.Equal(AlertState.Firing, State("quiet", "kr_shop.order"));
    }

    [Fact]
    public async Task Lag_and_disk_are_judged_for_the_whole_platform()
    {
        Alert("lag", "kind: lag\nabove: 1m");
        Alert("disk", "kind: disk\nbelow: 10%");
        Alert("bytes", "kind: disk\nbelow: 1GB");
        _source.LagAge = TimeSpan.FromSeconds(61);
        _source.FreeBytes = 99L << 20;
        await LookAsync();
        Assert.Equal((AlertState.Firing, AlertState.Firing, AlertState.Firing),
            (State("lag"), State("disk"), State("bytes")));
        _source.LagAge = TimeSpan.Zero;
        _source.FreeBytes = 990L << 20;
        await LookAsync(10, 8);
        Assert.Equal(
            (AlertState.Resolved, AlertState.Resolved, AlertState.Firing),
                (State("lag"), State("disk"), State("bytes")));
    }

    [Fact]
    public async Task What_could_not_be_told_is_tried_again_ever_later_and_survives_a_restart()
    {
        Alert("lag", "kind: lag\nabove: 1m");
        _source.LagAge = TimeSpan.FromMinutes(5);
        _sender.Answer = "the webhook answered 500";
        await LookAsync(1, 60);
        Assert.InRange(_sender.Tries, 4, 7);
        Assert.Equal("the webhook answered 500", _watch.Book.Outboxes.Single().Problem);
        _watch = Open();
        _sender.Answer = null;
        await LookAsync(60);
        Assert.Contains("FIRING lag", Assert.Single(_sender.Sent), StringComparison.Ordinal);
        await LookAsync(60, 30);
        Assert.Single(_sender.Sent);
        await LookAsync(60, 31);
        Assert.Contains("FIRING (still) lag", _sender.Sent[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_address_comes_from_its_file_and_is_never_kept()
    {
        Alert("lag", "kind: lag\nabove: 1m");
        _source.LagAge = TimeSpan.FromMinutes(5);
        File.Delete($"{_project.Root}/hook");
        await LookAsync(10, 4);
        Assert.Equal("the file 'hook' is not there or is empty", _watch.Book.Outboxes.Single().Problem);
        File.WriteAllText($"{_project.Root}/hook", "https://hooks.example.com/T0/secret");
        await LookAsync(60);
        Assert.Equal("https://hooks.example.com/T0/secret", _sender.Addresses.Single());
        Assert.DoesNotContain(
            "hooks.example.com", File.ReadAllText($"{_project.Paths.State}/alerts.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_alert_that_is_taken_out_while_it_fires_is_told_to_be_over_and_a_broken_file_changes_nothing()
    {
        Alert("lag", "kind: lag\nabove: 1m");
        _source.LagAge = TimeSpan.FromMinutes(5);
        await LookAsync(10, 4);
        Assert.Single(_sender.Sent);
        Alert("lag", "kind: lag\nabove: soon");
        await LookAsync(10, 4);
        Assert.Equal(AlertState.Firing, State("lag"));
        File.Delete($"{_project.Paths.Alerts}/lag.yaml");
        await LookAsync(10, 4);
        Assert.Empty(_watch.Book.Instances);
        Assert.Contains("RESOLVED lag: no longer watched", _sender.Sent[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_table_shows_every_alert_and_log()
    {
        Alert("quiet", "kind: silence\nafter: 2m");
        Alert("lag", "kind: lag\nabove: 1m\nseverity: critical");
        await LookAsync(130);
        using Naru.Lake.Columns.ColumnBatch rows = new(new AlertsTable(_watch).Schema);
        await new AlertsTable(_watch).FillAsync(rows, CancellationToken.None);
        Assert.Equal(3, rows.RowCount);
        Assert.Equal("lag", Encoding.UTF8.GetString(rows.Columns[0].StringAt(0)));
        Assert.Equal("critical", Encoding.UTF8.GetString(rows.Columns[6].StringAt(0)));
        Assert.Equal("firing", Encoding.UTF8.GetString(rows.Columns[3].StringAt(1)));
    }

    [Fact]
    public void A_message_is_slack_shaped_and_its_texts_cannot_fake_a_line_or_a_link()
    {
        AlertNotice notice = new(
            "lag", "kr_shop.order", AlertState.Firing, true, false, "a <b> & c\nRESOLVED", "why", _time.GetUtcNow());
        using JsonDocument message = JsonDocument.Parse(AlertMessage.Write("shop", [notice]));
        Assert.Equal(
            "1 firing in shop\nFIRING critical lag on kr_shop.order: a &lt;b&gt; &amp; c RESOLVED - why",
            message.RootElement.GetProperty("text").GetString());
        Assert.Equal("section", message.RootElement.GetProperty("blocks")[0].GetProperty("type").GetString());
    }

    private sealed class FakeSource : IWatchSource
    {
        private readonly Dictionary<string, LogSample> _logs = [];

        public TimeSpan LagAge { get; set; }

        public long FreeBytes { get; set; } = 1000L << 20;

        public void Set(string log, long received, long rejected, TimeProvider time) =>
            _logs[log] = new LogSample(log, received, rejected, time.GetUtcNow());

        public ImmutableArray<AggregateSample> Aggregates { get; set; } = [];

        public WatchSample Read() =>
            new(_logs.Values.ToImmutableArray(), LagAge, FreeBytes, 1000L << 20) { Aggregates = Aggregates };
    }

    private sealed class FakeSender : IWebhookSender
    {
        public List<string> Sent { get; } = [];

        public List<string> Addresses { get; } = [];

        public int Tries { get; private set; }

        public string? Answer { get; set; }

        public Task<string?> SendAsync(
            string address, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
        {
            Tries++;
            if (Answer is null)
            {
                using JsonDocument document = JsonDocument.Parse(message);
                Sent.Add(document.RootElement.GetProperty("text").GetString()!);
                Addresses.Add(address);
            }

            return Task.FromResult(Answer);
        }
    }
}
