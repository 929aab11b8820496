namespace Naru.Core.Topics;

/// <summary>Settings of a topic on local disk (section `topics:` of naru.yaml, keys in snake_case).</summary>
public sealed record TopicOptions
{
    /// <summary>Partitions of a topic that is made new; a topic that exists keeps the number it was made with. 1 to 64.</summary>
    public int Partitions { get; init; } = 2;

    /// <summary>Bytes at which a segment file is full and the next begins. 64 KB to 1 GB.</summary>
    public long SegmentBytes { get; init; } = 64L << 20;

    /// <summary>A segment is deleted when its newest batch is older than this and its consumers have passed it. Null: no limit.</summary>
    public TimeSpan? RetentionTime { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Oldest segments are deleted while the topic holds more bytes than this and consumers have passed them. Null: no limit.</summary>
    public long? RetentionBytes { get; init; }

    /// <summary>Bytes of the volume that stay free: appends are refused below. Null: the larger of 256 MiB and 2% of the volume.</summary>
    public long? DiskReserve { get; init; }

    /// <summary>Bytes of batches that may wait for their sync at once; beyond that appends are refused. At least 2 MB.</summary>
    public long InFlightBytes { get; init; } = 128L << 20;

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
