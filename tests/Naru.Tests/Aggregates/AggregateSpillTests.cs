using System.Globalization;
using Naru.Definitions;
using Naru.Stream.Aggregate;

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

    [Fact]
    public void Ten_times_the_groups_that_memory_holds_stay_within_it_and_count_alike()
    {
        Open("tumble(m.click, event_time, INTERVAL '1 minute')");
        for (int window = 0; window < Windows; window++)
        {
            Send(window);
            _run.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(Windows * KeysAWindow, Running.Layers().Groups);
        Assert.True(Running.Layers().Groups * GroupBytes() > 10 * Memory, "the groups would fit into memory");
        _run.Kill();
        Watch();

        // Once more, the oldest first: what is spilled is added to and not read.
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
        GroupTable whole = Running.Landed.Borrow(Running.Landed.Panes.First())!;
        long bytes = whole.MemoryBytes / whole.Count;
        Running.Landed.Return(Running.Landed.Panes.First(), whole);
        return bytes;
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

    private void Append(int window, int from, int to)
    {
        long time = (_start + (window * 60_000_000L)) / 1000;
        string[] events = new string[to - from];
        for (int i = 0; i < events.Length; i++)
        {
            int key = from + i;
            events[i] = string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"event_id":"{{_sent++}}","k":"w{{window}}-{{key}}","v":{{key}},"event_time":{{time}}}""");
        }

        // Rows are counted when some time has passed.
        _run.Append(_click, 0, events);
        _run.Clock.Advance(TimeSpan.FromSeconds(0.2));
        _run.ReadAll();
    }
}
