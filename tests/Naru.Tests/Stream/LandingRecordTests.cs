using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Stream;
using Naru.Stream.Aggregate;
using Naru.Stream.Landing;

namespace Naru.Tests.Stream;

/// <summary>Records that a former version wrote are read by this one.</summary>
public sealed class LandingRecordTests
{
    [Theory]
    [InlineData("aggregates")]
    [InlineData("aggregates.files")]
    [InlineData("aggregates.aggregates")]
    [InlineData("aggregates.logs")]
    [InlineData("aggregates.retired")]
    [InlineData("aggregates.aggregates.0.queue")]
    [InlineData("aggregates.aggregates.0.text")]
    [InlineData("tables.0.removes")]
    public void What_an_older_record_does_not_have_is_empty(string missing)
    {
        JsonNode record = JsonSerializer.SerializeToNode(Record(), StreamJson.Default.LandingRecord)!;
        string[] path = missing.Split('.');
        JsonNode at = path[..^1].Aggregate(record, static (node, name) =>
            int.TryParse(name, out int index) ? node[index]! : node[name]!);
        Assert.True(at.AsObject().Remove(path[^1]));
        LandingRecord read = record.Deserialize(StreamJson.Default.LandingRecord)!;
        AggregatesLanding aggregates = read.Aggregates;
        int lengths = aggregates.Files.Length + aggregates.Logs.Length + aggregates.Retired.Length
            + aggregates.Aggregates.Length + read.Tables[0].Removes.Length
            + (aggregates.Aggregates is [{ } only] ? only.Queue.Length + only.Text.Length : 0);
        Assert.Equal(missing switch { "aggregates" => 1, "aggregates.aggregates" => 4, _ => 6 }, lengths);
    }

    private static LandingRecord Record() => new()
    {
        Number = 1,
        Topic = "events",
        Incarnation = Guid.Empty,
        LandedAt = 1,
        Partitions = [],
        Tables = [new TableLanding(new("agg", "a"), 0, 0, []) { Removes = ["f"] }],
        DedupRuns = [],
        Volume = [],
        Aggregates = new AggregatesLanding
        {
            Files = [new StateFileName("f", 1)],
            Logs = [new LogTime("a.b", [1])],
            Retired = [new RetiredAggregate("a", 1, 1)],
            Aggregates =
            [
                new AggregateLanding
                {
                    Name = "a",
                    Version = 1,
                    Fingerprint = "f",
                    Watermark = 1,
                    Text = "t",
                    Queue = [new WindowRange(1, 2, 3)],
                },
            ],
        },
    };
}
