using System.Diagnostics;
using System.Globalization;
using Naru.Bench.Platform;
using Naru.Lake.DuckDb;

namespace Naru.Bench.Rows;

/// <summary>
/// P4: from the first byte sent until every event is committed to its three tables, beside DuckDB alone reading the
/// same lines from a file and writing the same column groups. Rounds in turn, medians.
/// </summary>
internal static class WholeWay
{
    private const int Rounds = 3;
    private const int BatchEvents = 1000;
    private const int Connections = 4;

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        int events = setup.Full ? 4_000_000 : 1_500_000;
        string folder = setup.NewFolder("whole-way");
        using PlatformRun naru = new($"{folder}/project", EventLines.Log);
        using PlatformRun counting = new PlatformRun($"{folder}/counting", EventLines.Log).WithAggregates();
        await naru.StartAsync();
        await counting.StartAsync();
        byte[] lines = new byte[events * EventLines.LineBytes];
        Memory<byte> quarter = lines.AsMemory(0, lines.Length / 4 / EventLines.LineBytes * EventLines.LineBytes);
        await RoundAsync(naru, quarter, -1);
        await RoundAsync(counting, quarter, -1);
        Fill(lines, run: 0);
        string file = $"{folder}/events.ndjson";
        await File.WriteAllBytesAsync(file, lines);

        List<(double Collected, double Committed)> mine = [];
        List<(double Collected, double Committed)> counted = [];
        List<(double Fields, double All)> peer = [];
        for (int round = 0; round < Rounds; round++)
        {
            peer.Add(DuckDb(file, folder));
            mine.Add(await RoundAsync(naru, lines, round + 1));
            counted.Add(await RoundAsync(counting, lines, round + 1));
        }

        double committed = events / Median(mine.Select(static one => one.Committed));
        double withThree = events / Median(counted.Select(static one => one.Committed));
        double collected = events / Median(mine.Select(static one => one.Collected));
        double theirs = events / Median(peer.Select(static one => one.All));
        double fields = events / Median(peer.Select(static one => one.Fields));
        CultureInfo culture = CultureInfo.InvariantCulture;
        RowResult result = new("P4", "the whole way, without aggregates, events/s")
        {
            Naru = string.Create(culture, $"{committed:N0}"),
            Peer = string.Create(culture, $"{theirs:N0} DuckDB {DuckDbLibrary.Version}"),
            Ratio = string.Create(culture, $"{committed / theirs:F2}"),
            Target = ">= 0.40",
            Met = committed / theirs >= 0.40,
            Note = string.Create(
                culture,
                $"{events:N0} events of {EventLines.LineBytes - 1} bytes, NDJSON batches of {BatchEvents}, ")
                + string.Create(culture, $"{Connections} connections; all acknowledged at {collected:N0}/s; ")
                + string.Create(culture, $"DuckDB writes `fields` alone at {fields:N0}/s ")
                + string.Create(culture, $"(ratio {committed / fields:F2})"),
        };
        RowResult three = new("P4", "the whole way, with three aggregates live, events/s")
        {
            Naru = string.Create(culture, $"{withThree:N0}"),
            Peer = result.Peer,
            Ratio = string.Create(culture, $"{withThree / theirs:F2}"),
            Target = ">= 0.40",
            Met = withThree / theirs >= 0.40,
            Note = string.Create(culture, $"{withThree / committed:F2} of the rate without aggregates"),
        };
        return setup.Full ? [result, three, await SustainedAsync(counting, lines)] : [result, three];
    }

    private static async Task<(double Collected, double Committed)> RoundAsync(
        PlatformRun naru, Memory<byte> lines, int run)
    {
        Fill(lines.Span, run);
        LoadShape shape = new() { Connections = Connections, BatchEvents = BatchEvents, Prepared = lines };
        EventLines last = new(seed: 2, run: run + 1_000_000);
        long start = Stopwatch.GetTimestamp();
        using EventLoad load = new(naru.Port, shape, last, lines.Length / EventLines.LineBytes);
        load.Join();
        double collected = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await naru.LandAsync(last);
        return (collected, Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    /// <summary>Ten minutes as fast as it goes: the rate of each minute, and the memory.</summary>
    private static async Task<RowResult> SustainedAsync(PlatformRun naru, byte[] lines)
    {
        List<double> rates = [];
        List<long> memory = [];
        long start = Stopwatch.GetTimestamp();
        for (int round = 100; Stopwatch.GetElapsedTime(start).TotalMinutes < 10; round++)
        {
            rates.Add(lines.Length / EventLines.LineBytes / (await RoundAsync(naru, lines, round)).Committed);
            memory.Add(naru.Memory().Proportional);
        }

        double early = memory.Take(memory.Count / 3).Max();
        double late = memory.TakeLast(memory.Count / 3).Max();
        CultureInfo culture = CultureInfo.InvariantCulture;
        return new RowResult("P4", "the same for 10 minutes: memory of the last third / the first")
        {
            Naru = string.Create(culture, $"{late / 1e6:N0} MB"),
            Peer = string.Create(culture, $"{early / 1e6:N0} MB"),
            Ratio = string.Create(culture, $"{late / early:F2}"),
            Target = "<= 1.10",
            Met = late / early <= 1.10,
            Note = string.Create(culture, $"{rates.Min():N0} to {rates.Max():N0} events/s a round, ")
                + string.Create(culture, $"median {Median(rates):N0}"),
        };
    }

    private static void Fill(Span<byte> lines, int run)
    {
        EventLines events = new(seed: 1, run);
        DateTime time = DateTime.UtcNow.AddHours(-1);
        const int Step = BatchEvents * EventLines.LineBytes;
        for (int at = 0; at < lines.Length; at += Step)
        {
            Span<byte> some = lines[at..Math.Min(lines.Length, at + Step)];
            events.Fill(some, at / EventLines.LineBytes, -1, time.AddMilliseconds(at / Step));
        }
    }

    private static (double Fields, double All) DuckDb(string file, string folder)
    {
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory(new KeyValuePair<string, string>("threads", "2"));
        using DuckDbConnection connection = database.Connect();
        long start = Stopwatch.GetTimestamp();
        Copy(
            "SELECT * FROM read_ndjson('" + file + "', columns = {event_id: 'VARCHAR', event_time: 'TIMESTAMPTZ', "
            + "ad_id: 'VARCHAR', campaign_id: 'BIGINT', placement: 'VARCHAR', cost: 'DECIMAL(18,6)', "
            + "clicked: 'BOOLEAN', page: 'VARCHAR', context: 'JSON'}) ORDER BY event_time",
            "fields");
        double fields = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Copy($"SELECT json FROM read_ndjson_objects('{file}')", "raw");
        Copy("SELECT * FROM read_ndjson('" + file + "', columns = {user_id: 'VARCHAR'})", "secure");
        return (fields, Stopwatch.GetElapsedTime(start).TotalSeconds);

        void Copy(string select, string group) => connection.Execute(
            $"COPY ({select}) TO '{folder}/{group}.parquet' "
            + "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)");
    }

    private static double Median(IEnumerable<double> values) =>
        values.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : 0;
}
