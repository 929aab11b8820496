using System.Text.Json;
using Naru.Core.Topics;
using static Naru.Tests.Topics.TopicTestData;

namespace Naru.Tests.Topics;

/// <summary>Counts what the whole process allocates, so it runs while no other test does.</summary>
[CollectionDefinition(nameof(AppendBudgetTests), DisableParallelization = true)]
[Collection(nameof(AppendBudgetTests))]
public sealed class AppendBudgetTests : IDisposable
{
    private const int InFlight = 64;
    private const int Rounds = 200;
    private readonly string _root = System.IO.Directory.CreateTempSubdirectory("naru-topic-").FullName;

    public void Dispose() => System.IO.Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task An_append_allocates_no_more_than_its_budget()
    {
        await using SegmentTopicLog log = Open(Path.Combine(_root, "events"), new TopicOptions { DiskReserve = 0 });
        AppendBatch batch = BatchOf(292, 1);
        await AppendAll(log, batch);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        await AppendAll(log, batch);
        double each = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)(InFlight * Rounds);
        double budget = Budget("topic_append_bytes_allocated");
        Assert.True(each <= budget, $"an append allocates {each:F1} bytes, its budget is {budget} (budgets.json)");
    }

    private static Task AppendAll(SegmentTopicLog log, AppendBatch batch) =>
        Task.WhenAll(Enumerable.Range(0, InFlight).Select(_ => Task.Run(() => AppendMany(log, batch))));

    private static async Task AppendMany(SegmentTopicLog log, AppendBatch batch)
    {
        for (int round = 0; round < Rounds; round++)
        {
            await log.AppendAsync(batch, CancellationToken.None);
        }
    }

    private static double Budget(string name)
    {
        string? folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder!, "Naru.slnx")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        string text = File.ReadAllText(Path.Combine(folder!, "benchmarks", "budgets.json"));
        return JsonDocument.Parse(text).RootElement.GetProperty(name).GetDouble();
    }
}
