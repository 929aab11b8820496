using System.Globalization;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Stream.Aggregate;
using Naru.Tests.Lake;

namespace Naru.Tests.Aggregates;

/// <summary>More partial results than `stream.aggregate_memory` holds: panes wait in their state files.</summary>
public sealed class AggregateSpillTests : IDisposable
{
    private const long Memory = 1 << 20;
    private const int Windows = 60;
    private const int KeysAWindow = 2_000;
    private const int KeysAtOnce = 500;
    private const string Name = "per_key";

    private const string Clicks = """
        log: m.click
        description: A tap.
        owner: m
        fields:
          k: {type: string, required: true}
          v: {type: int64}
        """;

    private readonly AggregateRun _run = new(TimeZoneInfo.Utc, 1) { AggregateMemory = Memory };
    private readonly LogDefinition _click;
    private readonly long _start;
    private long _most;
    private int _sent;

    public AggregateSpillTests()
    {
        _click = _run.Publish(Clicks);
        _start = _run.NowMicroseconds - (_run.NowMicroseconds % 60_000_000);
    }

    private RunningAggregate Running => _run.Aggregate(Name);

    private long MemoryBytes => Running.Layers().MemoryBytes;

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("tumble(m.click, event_time, INTERVAL '1 minute')")]
    [InlineData("session(m.click, event_time, INTERVAL '3 hours')")]
    public void Ten_times_the_groups_that_memory_holds_stay_within_it_and_count_alike(string from)
    {
        Open(from);
        for (int window = 0; window < Windows; window++)
        {
            Send(window);
            _run.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(Windows * KeysAWindow, Running.Layers().Groups);
        Assert.True(Running.Layers().Groups * GroupBytes() > 10 * Memory, "the groups would fit into memory");
        _run.Kill();
        Watch();

        // Once more, the oldest first: what is spilled of panes is added to and not read, of sessions it is read.
        for (int window = 0; window < Windows; window++)
        {
            Send(window);
        }

        Assert.True(_most <= Memory, $"{_most} bytes were in memory where {Memory} may be");
        Assert.True(Running.Status().SpilledBytes > Memory / 2);
        _run.Flush(Name);
        List<string?[]> rows = _run.Rows(Name);
        Assert.Equal(Windows * KeysAWindow, rows.Count);
        Assert.All(rows, static row => Assert.Equal(("2", SumOf(row[2]!)), (row[3], row[4])));
    }

    [Fact]
    public void Sessions_that_wait_on_disk_are_shown_joined_by_new_events_and_closed_in_their_time()
    {
        Open("session(m.click, event_time, INTERVAL '90 seconds')");
        for (int window = 0; window < Windows; window += 2)
        {
            Send(window);
            _run.Clock.Advance(TimeSpan.FromMinutes(2));
        }

        long spilled = Running.Landed.Spilled!.Count;
        Assert.True(spilled > Windows / 2 * KeysAWindow / 2, $"{spilled} sessions wait on disk");
        Dictionary<string, long> shown = Shown();
        Assert.Equal(Windows / 2 * KeysAWindow, shown.Count);
        Assert.All(shown.Values, static count => Assert.Equal(1, count));

        // What is two minutes apart are two sessions; an event between them, not landed yet, makes them one.
        Append((0, "w2-0"), (1, "w0-0"), (1, "w2-0"));
        shown = Shown();
        Assert.Equal((Windows / 2 * KeysAWindow, 2, 3), (shown.Count, shown["w0-0"], shown["w2-0"]));
        Assert.Equal(spilled, Running.Landed.Spilled.Count);
        _run.Land();
        Assert.Equal(shown, Shown());
        _run.Flush(Name);
        List<string?[]> rows = _run.Rows(Name);
        Assert.Equal(shown, rows.ToDictionary(
            static row => row[2]!, static row => long.Parse(row[3]!, CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void A_landing_reads_the_spilled_sessions_that_it_touches_or_closes_and_no_others()
    {
        Open("session(m.click, event_time, INTERVAL '90 seconds')");
        for (int window = 0; window < Windows; window += 2)
        {
            Send(window);
            _run.Clock.Advance(TimeSpan.FromMinutes(2));
        }

        long before = Running.Landed.Spilled!.Count;
        Append((1, "w0-0"), (3, "w2-7"), (4, "nobody"));
        AggregateState cut = Running.Active;
        RecalledSessions recalled = Running.Landed.Recall(cut)!;
        Assert.Equal(2, recalled.Sessions.Count);
        Assert.Equal(2, recalled.Places.Sum(static place => place.Numbers.Count));
        Assert.Equal(before, Running.Landed.Spilled.Count);
        recalled.Sessions.Free();
        _run.Land();
        Assert.False(Running.HasWindowEndingIn(_start, _start + 89_000_000));
        Assert.True(Running.HasWindowEndingIn(_start, _start + 90_000_000));
    }

    [Fact]
    public void A_cut_with_too_many_groups_lands_early()
    {
        Open("tumble(m.click, event_time, INTERVAL '1 minute')");
        Append(0, 0, 100);
        Assert.False(_run.WantsLanding);
        Append(0, 100, KeysAWindow);
        Assert.True(_run.WantsLanding);
        _run.Land();
        Assert.False(_run.WantsLanding);
    }

    [Fact]
    public void Live_windows_are_read_back_where_they_wait()
    {
        Open("hop(m.click, event_time, INTERVAL '1 minute', INTERVAL '3 minutes')");
        for (int window = 0; window < Windows; window++)
        {
            Send(window);
            _run.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        lock (Running.Gate)
        {
            AggregateLayers layers = Running.Layers();
            foreach (long window in layers.WindowsHeld(Running.Windows!).Skip(2).Take(Windows - 2))
            {
                GroupTable merged = layers.Merged(Running.Plan, Running.Windows!, window);
                Assert.Equal(3 * KeysAWindow, merged.Count);
                merged.Free();
            }
        }
    }

    /// <summary>Memory of one group where it is not spilled.</summary>
    private long GroupBytes()
    {
        if (Running.Landed.Sessions is { } sessions)
        {
            return sessions.MemoryBytes / sessions.Count;
        }

        GroupTable whole = Running.Landed.Borrow(Running.Landed.Panes.First())!;
        long bytes = whole.MemoryBytes / whole.Count;
        Running.Landed.Return(Running.Landed.Panes.First(), whole);
        return bytes;
    }

    /// <summary>Events of each session that is held, by key, of which none has two.</summary>
    private Dictionary<string, long> Shown()
    {
        using OutputRows output = new(Running.Plan, Running.Zone, isNumbered: false);
        Running.CollectOpen(long.MinValue, output);
        using ColumnBatch rows = output.TakeBase();
        return Enumerable.Range(0, rows.RowCount).ToDictionary(
            row => BatchMaker.TextOf(rows.Columns[2], row)!, row => rows.Columns[3].ValueAt<long>(row));
    }

    private static string SumOf(string key) =>
        (2 * int.Parse(key.AsSpan(key.IndexOf('-', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture))
        .ToString(CultureInfo.InvariantCulture);

    private void Open(string from) => _run.Open(1, AggregateRun.Compile(
        Name,
        "-- disorder: 10h\n-- lateness: 1h\n"
            + $"SELECT window_start, window_end, k, count(*) AS n, sum(v) AS v FROM {from} "
            + "GROUP BY window_start, window_end, k",
        _click));

    /// <summary>Every key of the window, landed whenever the stream says so.</summary>
    private void Send(int window)
    {
        for (int key = 0; key < KeysAWindow; key += KeysAtOnce)
        {
            Append(window, key, key + KeysAtOnce);
            Watch();
            if (_run.WantsLanding)
            {
                _run.Land();
                Watch();
            }
        }

        _run.Land();
        Watch();
    }

    private void Watch()
    {
        _most = Math.Max(_most, MemoryBytes);
        foreach (string file in Running.Landed.SpillFiles)
        {
            Assert.Contains(file, _run.StateFiles);
        }
    }

    private void Append(int window, int from, int to) =>
        Append([.. Enumerable.Range(from, to - from).Select(key => (window, $"w{window}-{key}"))]);

    private void Append(params (int Minute, string Key)[] sent)
    {
        string[] events = new string[sent.Length];
        for (int i = 0; i < events.Length; i++)
        {
            (int minute, string key) = sent[i];
            long time = (_start + (minute * 60_000_000L)) / 1000;
            string value = key[(key.IndexOf('-', StringComparison.Ordinal) + 1)..];
            value = value == key ? "0" : value;
            events[i] = string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"event_id":"{{_sent++}}","k":"{{key}}","v":{{value}},"event_time":{{time}}}""");
        }

        // Rows are counted when some time has passed.
        _run.Append(_click, 0, events);
        _run.Clock.Advance(TimeSpan.FromSeconds(0.2));
        _run.ReadAll();
    }
}
