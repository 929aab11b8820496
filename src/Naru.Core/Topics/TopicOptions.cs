namespace Naru.Core.Topics;

[SettingSection("topics", "How received events are kept.")]
public sealed record TopicOptions
{
    /// <summary>A segment spans at most this part of the retention time, so no event outlives it by more.</summary>
    internal const int SegmentsPerRetention = 8;

    [Setting(
        "partitions of a topic that is made new; one that exists keeps its number",
        Unit = SettingUnit.Count,
        Min = "1",
        Max = "64")]
    public int Partitions { get; init; } = 2;

    [Setting("bytes at which a segment file is full", Unit = SettingUnit.Bytes, Min = "64KB", Max = "1GB")]
    public long SegmentBytes { get; init; } = 64L << 20;

    [Setting("age at which a segment is deleted, once landed; well below every `secure` lifetime", Min = "1m")]
    public TimeSpan? RetentionTime { get; init; } = TimeSpan.FromDays(7);

    [Setting("bytes of a topic beyond which landed segments are deleted, oldest first", Unit = SettingUnit.Bytes)]
    public long? RetentionBytes { get; init; }

    [Setting(
        "bytes of the volume that stay free: events are refused below; automatic is the larger of 256MB and 2%",
        Unit = SettingUnit.Bytes,
        Null = "automatic")]
    public long? DiskReserve { get; init; }

    [Setting("bytes that may wait for their sync at once; beyond it 503", Unit = SettingUnit.Bytes, Min = "2MB")]
    public long InFlightBytes { get; init; } = 128L << 20;

    /// <summary>
    /// The longest that a received event is kept: its segment is sealed within an eighth of the retention time, and
    /// goes as a whole. Null without end.
    /// </summary>
    public TimeSpan? KeptTimeMax => RetentionTime + (RetentionTime / SegmentsPerRetention);

    /// <summary>Every mistake in these settings, with its mend; empty when there is none.</summary>
    public IReadOnlyList<string> Problems()
    {
        List<string> problems = [];
        Need(Partitions is >= 1 and <= 64, $"partitions is {Partitions}: give 1 to 64");
        Need(SegmentBytes is >= 64 << 10 and <= 1 << 30, $"segment_bytes is {SegmentBytes}: give 64KB to 1GB");
        Need(RetentionTime is null || RetentionTime > TimeSpan.Zero, "retention_time must be longer than zero");
        Need(RetentionBytes is null or > 0, "retention_bytes must be more than zero");
        Need(DiskReserve is null or >= 0, "disk_reserve must not be negative");
        Need(InFlightBytes >= 2 << 20, $"in_flight_bytes is {InFlightBytes}: give at least 2MB, the room of one batch");
        return problems;

        void Need(bool condition, string problem)
        {
            if (!condition)
            {
                problems.Add(problem);
            }
        }
    }
}

/// <summary>How much a notice matters.</summary>
public enum TopicNoticeLevel
{
    Information,
    Warning,

    /// <summary>Loss, or a person is needed.</summary>
    Error,
}

/// <summary>Something that happened to a topic by itself; the program logs it.</summary>
public sealed record TopicNotice(TopicNoticeLevel Level, string Topic, int Partition, string Message);
