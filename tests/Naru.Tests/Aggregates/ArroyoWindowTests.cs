using System.Globalization;
using System.Text.Json;
using Naru.Aggregates;
using Naru.Definitions;

namespace Naru.Tests.Aggregates;

/// <summary>
/// Arroyo's golden window tests: run straight, killed in the middle (before a landing is durable, after its record, and
/// between two), and resumed at another partition count.
/// </summary>
public class ArroyoWindowTests
{
    private const string Impulse = """
        log: arroyo.impulse
        description: One tick.
        owner: arroyo
        fields:
          counter: {type: int64, required: true}
          subtask_index: {type: int64}
        time: timestamp
        max_past: unlimited
        """;

    private const string Window = "window_start, window_end";

    private static readonly Dictionary<string, string> Queries = new()
    {
        ["sliding_window_end"] =
            $"""
            SELECT {Window}, count(*) AS count, min(counter) AS min, max(counter) AS max
            FROM hop(arroyo.impulse, event_time, INTERVAL '2 seconds', INTERVAL '10 seconds') GROUP BY {Window}
            """,
        ["session_window"] =
            $"""
            SELECT {Window}, CASE WHEN counter % 10 = 0 THEN 0 ELSE counter END AS user_id, count(*) AS rows
            FROM session(arroyo.impulse, event_time, INTERVAL '20 seconds') GROUP BY {Window}, user_id
            """,
        ["global_session_window"] =
            $"""
            SELECT {Window}, count(*) AS rows
            FROM session(arroyo.impulse, event_time, INTERVAL '20 seconds') GROUP BY {Window}
            """,
        ["aggregates"] =
            $"""
            SELECT {Window}, min(counter) AS min, max(counter) AS max, sum(counter) AS sum, count(*) AS count,
                avg(counter) AS avg
            FROM tumble(arroyo.impulse, event_time, INTERVAL '36500 days') GROUP BY {Window}
            """,
        ["grouped_aggregates"] =
            $"""
            SELECT {Window}, counter % 5 AS counter_mod, min(counter) AS min, max(counter) AS max,
                sum(counter) AS sum, count(*) AS count, avg(counter) AS avg
            FROM tumble(arroyo.impulse, event_time, INTERVAL '36500 days') GROUP BY {Window}, counter_mod
            """,
    };

    private static string AllTimeEnd => (36_500L * 86_400_000_000).ToString(CultureInfo.InvariantCulture);

    public static TheoryData<string> Cases() => [.. Queries.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Golden_windows_come_out_straight(string name)
    {
        using AggregateRun run = Start(name, 1, out LogDefinition log);
        foreach (string[] lines in Input().Chunk(10))
        {
            run.Append(log, 0, lines);
            run.ReadAll();
            run.Land();
        }

        Compare(name, run);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Golden_windows_come_out_after_kills_in_the_middle(string name)
    {
        using AggregateRun run = Start(name, 2, out LogDefinition log);
        int batch = 0;
        foreach (string[] lines in Input().Chunk(7))
        {
            run.Append(log, batch % 2, lines);
            run.ReadAll();
            switch (batch++ % 5)
            {
                case 0:
                    run.Land();
                    break;
                case 1:
                    run.KillInLanding(recorded: false);
                    break;
                case 2:
                    run.KillInLanding(recorded: true);
                    break;
                case 3:
                    run.Kill();
                    break;
            }
        }

        Compare(name, run);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Golden_windows_come_out_when_resumed_at_another_partition_count(string name)
    {
        foreach ((int before, int after) in new[] { (1, 3), (3, 1), (2, 5) })
        {
            using AggregateRun run = Start(name, before, out LogDefinition log);
            string[] input = Input();
            for (int i = 0; i < input.Length; i++)
            {
                if (i == input.Length / 2)
                {
                    run.Rescale(after);
                }

                run.Append(log, i % run.Partitions, input[i]);
                if (i % 9 == 8)
                {
                    run.ReadAll();
                    run.Land();
                }
            }

            Compare(name, run);
        }
    }

    private static AggregateRun Start(string name, int partitions, out LogDefinition log)
    {
        AggregateRun run = new(TimeZoneInfo.Utc, TestSeed.Value);
        log = run.Publish(Impulse);
        run.Open(partitions, AggregateRun.Compile(name, "-- lateness: 1h\n" + Queries[name], log));
        return run;
    }

    private static string? Folder => SharedData.Folder("conformance/arroyo_windows");

    private static string[] Input()
    {
        Assert.SkipWhen(Folder is null, "the shared data folder is not there");
        return File.ReadAllLines(Path.Combine(Folder, "inputs/impulse.json"));
    }

    private static void Compare(string name, AggregateRun run)
    {
        run.Flush(name);
        AggregatePlan plan = run.Aggregate(name).Plan;
        string[] columns = [.. plan.Outputs.Select(static output => output.Name)];
        Assert.Equal(
            Expected(name).Order(StringComparer.Ordinal),
            run.Rows(name).Select(row => Line(columns.Select((column, i) => (column, row[i]!))))
                .Order(StringComparer.Ordinal));
        Assert.Equal(0, run.Aggregate(name).Late);
    }

    private static IEnumerable<string> Expected(string name)
    {
        bool allTime = Queries[name].Contains("36500", StringComparison.Ordinal);
        foreach (string line in File.ReadLines(Path.Combine(Folder!, $"golden/{name}.json")))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement row = document.RootElement.TryGetProperty("after", out JsonElement after)
                ? after : document.RootElement;
            List<(string, string)> values = allTime ? [("window_start", "0"), ("window_end", AllTimeEnd)] : [];
            foreach (JsonProperty value in row.EnumerateObject())
            {
                values.Add(value.Name switch
                {
                    "start" or "end" => ($"window_{value.Name}", Microseconds(value.Value.GetString()!)),
                    "avg" => (value.Name, BitConverter.DoubleToInt64Bits(value.Value.GetDouble())
                        .ToString(CultureInfo.InvariantCulture)),
                    _ => (value.Name, value.Value.GetRawText()),
                });
            }

            yield return Line(values);
        }
    }

    private static string Microseconds(string time) =>
        ((DateTimeOffset.Parse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal).UtcTicks
            - DateTimeOffset.UnixEpoch.Ticks) / 10).ToString(CultureInfo.InvariantCulture);

    private static string Line(IEnumerable<(string Name, string Value)> values) => string.Join(
        ' ', values.OrderBy(static value => value.Name, StringComparer.Ordinal)
            .Select(static value => $"{value.Name}={value.Value}"));
}
