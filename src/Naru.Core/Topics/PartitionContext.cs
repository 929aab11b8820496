using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>What a partition needs from outside.</summary>
internal sealed record PartitionContext
{
    public required IFileSystem Files { get; init; }

    /// <summary>The partition's own folder.</summary>
    public required string Directory { get; init; }

    public required string Topic { get; init; }

    public required int Partition { get; init; }

    public required Guid Incarnation { get; init; }

    public required long SegmentBytes { get; init; }

    public required TimeProvider Time { get; init; }

    public required Action<TopicNotice> Notify { get; init; }

    public SegmentIdentity Identify(long baseOffset) => new(Topic, Partition, Incarnation, baseOffset);

    public string PathOf(long baseOffset) => Path.Combine(Directory, SegmentFormat.FileName(baseOffset));

    public void Tell(TopicNoticeLevel level, string message) =>
        Notify(new TopicNotice(level, Topic, Partition, message));

    public long NowMicroseconds => Time.GetUtcNow().ToUnixTimeMilliseconds() * 1000;
}
