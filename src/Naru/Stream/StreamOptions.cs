using Naru.Core;

namespace Naru.Stream;

[SettingSection("stream", "How received events become tables.")]
internal sealed record StreamOptions
{
    [Setting("longest time that a decoded event waits for its landing", Min = "100ms", Max = "1h")]
    public TimeSpan LandingInterval { get; init; } = TimeSpan.FromSeconds(10);

    [Setting("decoded bytes at which a landing starts early", Unit = SettingUnit.Bytes, Min = "1MB")]
    public long LandingBytes { get; init; } = 192L << 20;

    [Setting(
        "longest pause between two flushes of a table's unlanded rows for queries; ten times what one takes is enough",
        Max = "10s")]
    public TimeSpan TailInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    [Setting("table files written at once in a landing", Unit = SettingUnit.Count, Min = "1", Max = "64")]
    public int WriterThreads { get; init; } = 2;

    [Setting("how long landing records are kept for `naru audit` and for readers of the topic `valid`", Min = "1d")]
    public TimeSpan LandingRetention { get; init; } = TimeSpan.FromDays(30);

    [Setting(
        "memory for partial results of aggregates; more than that stays on disk until its window closes",
        Unit = SettingUnit.Bytes,
        Min = "16MB")]
    public long AggregateMemory { get; init; } = 512L << 20;

    [Setting("memory for the index that finds duplicates", Unit = SettingUnit.Bytes, Min = "16MB")]
    public long DedupMemory { get; init; } = 256L << 20;
}
