using System.Collections.Immutable;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Stream;

namespace Naru.Server;

/// <summary>Gathers the state of all parts for `/v1/status`, probes and metrics. Cheap: reads counters only.</summary>
internal sealed class StatusReader(
    StreamCounters counters, StreamWorker worker, ITopicLog topic, IFileSystem files, ProjectPaths paths)
{
    public PlatformStatus Read()
    {
        StreamStatus stream = worker.Status;
        return new PlatformStatus
        {
            Logs = [.. counters.Logs.OrderBy(static log => log.Log, StringComparer.Ordinal).Select(Read)],
            Stream = new StreamStatusView
            {
                Landing = stream.Landing,
                LagRecords = LagRecords(stream),
                PendingRecords = stream.PendingRecords,
                LandedAt = TimeOf(stream.LandedAt),
                MemoryBytes = stream.MemoryBytes,
                Failure = stream.Failure,
            },
            Topics = [.. topic.Status().Select(Read)],
            Disk = new DiskStatus(files.FreeBytes(paths.Data), files.TotalBytes(paths.Data)),
        };
    }

    private long LagRecords(StreamStatus stream)
    {
        long lag = 0;
        for (int partition = 0; partition < stream.NextOffsets.Length; partition++)
        {
            lag += Math.Max(0, topic.Offsets(partition).Durable - stream.NextOffsets[partition]);
        }

        return lag;
    }

    private static LogStatus Read(StreamCounters.LogCounters log) => new(log.Log)
    {
        Received = Interlocked.Read(ref log.ReceivedCount),
        Replayed = Interlocked.Read(ref log.ReplayedCount),
        Accepted = Interlocked.Read(ref log.LiveCount),
        Duplicates = Interlocked.Read(ref log.DuplicateCount),
        Late = Interlocked.Read(ref log.LateCount),
        Rejected = log.Rejected
            .Select(static (count, reason) => (Reason: ((RejectReason)reason).Text(), Count: count))
            .Where(static pair => pair.Count > 0)
            .ToImmutableSortedDictionary(static pair => pair.Reason, static pair => pair.Count, StringComparer.Ordinal),
        LastReceivedAt = TimeOf(Interlocked.Read(ref log.LastReceived)),
    };

    private TopicPartitionStatus Read(PartitionStatus status) => new(
        topic.Name,
        status.Partition,
        status.State.ToString().ToLowerInvariant(),
        status.FirstOffset,
        status.DurableOffset,
        status.Bytes,
        status.Segments,
        status.Detail);

    private static DateTimeOffset? TimeOf(long microseconds) =>
        microseconds == 0 ? null : DateTimeOffset.UnixEpoch.AddMicroseconds(microseconds);
}
