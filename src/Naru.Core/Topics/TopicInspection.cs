using System.Globalization;
using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>What a look at one partition's files found: offsets kept, and what is damaged, as sentences.</summary>
public sealed record PartitionInspection(
    int Partition, long First, long End, long NewestMicroseconds, IReadOnlyList<string> Problems);

/// <summary>
/// Reads all of a topic's segments and changes nothing: every batch's checksum, and that segments follow each other.
/// For a topic that nobody writes; beside a writer, only the last segment's end is uncertain.
/// </summary>
public static class TopicInspection
{
    /// <summary>The topic's incarnation; null when there is no topic. Throws when `topic.json` is damaged.</summary>
    public static Guid? Incarnation(IFileSystem files, string directory) =>
        TopicMetadata.Load(files, directory)?.Incarnation;

    public static IReadOnlyList<PartitionInspection> Look(IFileSystem files, string directory)
    {
        TopicMetadata? metadata = TopicMetadata.Load(files, directory);
        List<PartitionInspection> found = [];
        for (int partition = 0; partition < (metadata?.Partitions ?? 0); partition++)
        {
            found.Add(Look(new PartitionContext
            {
                Files = files,
                Directory = Path.Combine(directory, partition.ToString(CultureInfo.InvariantCulture)),
                Topic = metadata!.Topic,
                Partition = partition,
                Incarnation = metadata.Incarnation,
                SegmentBytes = 0,
                Time = TimeProvider.System,
                Notify = static _ => { },
            }));
        }

        return found;
    }

    private static PartitionInspection Look(PartitionContext context)
    {
        List<string> problems = [];
        long? start = PartitionStart.Load(context);
        if (start is null)
        {
            problems.Add($"\"{Path.Combine(context.Directory, PartitionStart.FileName)}\" is damaged");
        }

        long[] bases = [.. Bases(context).Where(at => at >= (start ?? 0))];
        if (bases.Length == 0)
        {
            problems.Add($"\"{context.Directory}\" holds no segment");
            return new PartitionInspection(context.Partition, start ?? 0, start ?? 0, 0, problems);
        }

        if (bases[0] > (start ?? bases[0]))
        {
            problems.Add($"\"{context.PathOf(start!.Value)}\" is missing: offsets {start} to {bases[0] - 1}");
        }

        long end = bases[0];
        long newest = 0;
        for (int i = 0; i < bases.Length; i++)
        {
            Invariant.Hold(i == 0 || bases[i - 1] < bases[i]);
            SegmentSummary summary = Look(context, bases[i], i + 1 < bases.Length ? bases[i + 1] : null, problems);
            end = summary.EndOffset;
            newest = Math.Max(newest, summary.MaxReceivedMicroseconds);
        }

        return new PartitionInspection(context.Partition, bases[0], end, newest, problems);
    }

    private static IEnumerable<long> Bases(PartitionContext context)
    {
        foreach (string name in context.Files.List(context.Directory))
        {
            if (SegmentFormat.TryParseName(name, SegmentFormat.Extension, out long baseOffset))
            {
                yield return baseOffset;
            }
        }
    }

    private static SegmentSummary Look(PartitionContext context, long baseOffset, long? next, List<string> problems)
    {
        SegmentIdentity identity = context.Identify(baseOffset);
        using IFile file = context.Files.Open(context.PathOf(baseOffset), FileOpen.Read);
        Span<byte> header = stackalloc byte[SegmentFormat.HeaderBytes];
        int read = file.Read(header, 0);
        long length = file.Length;
        SegmentSummary? certified = next is { } known
            ? new SegmentSummary { EndOffset = known, EndPosition = length }
            : null;
        if (SegmentFormat.Check(header[..read], identity) is { } wrong && (next is not null || read == header.Length))
        {
            problems.Add($"\"{file.Path}\": {wrong}");
        }

        SegmentScan scan = SegmentScan.Of(file, identity, certified, length);
        foreach (DamagedRange range in scan.Damage)
        {
            problems.Add(
                $"offsets {range.First} to {range.Last} are damaged in \"{file.Path}\" at byte {range.Position}");
        }

        Invariant.Hold(next is null || scan.EndOffset >= baseOffset);
        return scan.Summary;
    }
}
