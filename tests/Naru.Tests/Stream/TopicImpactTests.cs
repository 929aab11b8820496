using System.Text;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Stream.Impact;
using Naru.Tests.Definitions;
using Naru.Tests.Topics;
using Naru.Yaml;

namespace Naru.Tests.Stream;

public sealed class TopicImpactTests : IDisposable
{
    private readonly TemporaryProject _project = new();

    public void Dispose() => _project.Dispose();

    private static AppendBatch Batch(LogDefinition log, BatchFlags flags, DateTimeOffset received,
        params string[] lines) =>
        new()
        {
            Header = new BatchHeader
            {
                LogId = log.Id,
                LogVersion = log.Version,
                Flags = flags,
                ReceivedMicroseconds = received.ToUnixTimeMilliseconds() * 1000,
            },
            Sender = "test"u8.ToArray(),
            Lengths = lines.Select(Encoding.UTF8.GetByteCount).ToArray(),
            Body = Encoding.UTF8.GetBytes(string.Concat(lines)),
        };

    [Fact]
    public async Task The_last_hours_events_of_the_log_are_judged_under_the_changed_file_and_under_their_own_version()
    {
        _project.WriteLog("kr_shop.a", "log: kr_shop.a\nfields: {n: int32, tags: string[]}\n");
        _project.WriteLog("kr_shop.b", "log: kr_shop.b\nfields: {n: int32}\n");
        DefinitionStore store = _project.OpenStore();
        _project.Publish(store);
        Assert.True(store.Current.TryGet("kr_shop.a", out LogDefinition? a));
        Assert.True(store.Current.TryGet("kr_shop.b", out LogDefinition? b));
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        await using SegmentTopicLog topic = TopicTestData.Open($"{_project.Root}/topic");
        CancellationToken token = CancellationToken.None;
        await topic.AppendAsync(Batch(a, 0, now.AddDays(-3), """{"n":99}"""), token);
        await topic.AppendAsync(
            Batch(a, 0, now.AddHours(-1), """{"n":1}""", """{"n":20}""", """{"n":30}""", """{"n":"x"}""", "{}"), token);
        await topic.AppendAsync(
            Batch(a, 0, now, """{"n":2,"tags":["long","b"]}""", """{"n":2,"tags":["a","long"]}"""), token);
        await topic.AppendAsync(Batch(b, 0, now, """{"n":50}"""), token);

        MistakeList mistakes = new();
        LogFileContent file = LogFile.Read(
            "kr_shop.a.yaml",
            """
            log: kr_shop.a
            fields: {n: {type: int32, required: true, max: 10}, tags: {type: string[], length: 2}}
            """u8,
            mistakes)!;
        ChangedLog changed = ProjectCheck.Changed(store, file)!;
        ImpactReport report = await new TopicImpactTest(topic, store).RunAsync(changed.Next, now.AddDays(-1), token);
        Assert.True(report.Complete);
        Assert.Equal((7, 6, 1), (report.Events, report.Rejected, report.RejectedNow));
        Assert.Equal(
            ["OutOfRange n 2", "TooLong tags 2", "MissingField n 1", "WrongType n 1"],
            report.Reasons.Select(static reason => $"{reason.Reason} {reason.Path} {reason.Events}"));
        Assert.All(report.Reasons, static reason => Assert.NotEmpty(reason.Examples));
    }
}
