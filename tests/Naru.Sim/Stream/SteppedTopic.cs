using Naru.Core.Files;
using Naru.Core.Topics;

namespace Naru.Sim.Stream;

/// <summary>
/// The segment log without its threads: the writers that <see cref="SegmentTopicLog"/> runs, stepped by a scenario, and
/// readable as a topic. A failed write is recovered at once, as the writer's thread does.
/// </summary>
internal sealed class SteppedTopic : ITopicLog
{
    private const int RecoveriesMax = 60;

    private readonly IFileSystem _files;
    private readonly PartitionContext[] _contexts;
    private readonly PartitionWriter[] _writers;

    private SteppedTopic(IFileSystem files, PartitionContext[] contexts, PartitionWriter[] writers)
    {
        _files = files;
        _contexts = contexts;
        _writers = writers;
    }

    public string Name => "events";

    public Guid Incarnation => _contexts[0].Incarnation;

    public int PartitionCount => _writers.Length;

    public static SteppedTopic Open(IFileSystem files, string directory, (int Partitions, Guid Incarnation) make,
        TimeProvider time)
    {
        PartitionContext template = new()
        {
            Files = files,
            Directory = directory,
            Topic = "events",
            Partition = 0,
            Incarnation = make.Incarnation,
            SegmentBytes = 8192,
            Time = time,
            Notify = static _ => { },
        };
        PartitionContext[] contexts = TopicFolder.Open(template, make.Partitions);
        return new SteppedTopic(files, contexts, [.. contexts.Select(PartitionWriter.Open)]);
    }

    /// <summary>The durable append, or null when the disk failed: then the batch may or may not be there.</summary>
    public AppendResult? TryAppend(int partition, AppendBatch batch)
    {
        PartitionWriter writer = _writers[partition];
        try
        {
            long offset = writer.Stage(batch, BatchFormat.SizeOf(batch), BatchFormat.PayloadChecksum(batch));
            writer.Commit();
            return new AppendResult(partition, offset, batch.Lengths.Length);
        }
        catch (StorageException)
        {
            Recover(writer);
            return null;
        }
    }

    public ValueTask<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken) =>
        throw new NotSupportedException("stepped topics append by TryAppend");

    public PartitionOffsets Offsets(int partition) => _writers[partition].Segments.Offsets;

    public long Read<TSink>(int partition, long offset, ref TSink sink)
        where TSink : IBatchSink, allows ref struct =>
        new SegmentReader(_files, _writers[partition].Segments, partition).Read(offset, ref sink);

    public long OffsetAt(int partition, long receivedMicroseconds) =>
        new SegmentReader(_files, _writers[partition].Segments, partition).OffsetAt(receivedMicroseconds);

    public ValueTask WaitAsync(int partition, long offset, CancellationToken cancellationToken) =>
        throw new NotSupportedException("nothing waits in a stepped topic");

    public IReadOnlyList<PartitionStatus> Status() => [];

    public void ApplyRetention(ReadOnlySpan<long> keepFrom)
    {
        for (int partition = 0; partition < _writers.Length; partition++)
        {
            new PartitionRetention(_contexts[partition], _writers[partition].Segments, long.MaxValue, 0, long.MinValue)
                .Apply(keepFrom[partition]);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static void Recover(PartitionWriter writer)
    {
        for (int tries = 0; ; tries++)
        {
            try
            {
                if (!writer.Recover())
                {
                    throw new OracleException("the durable prefix of the topic could not be read back");
                }

                return;
            }
            catch (StorageException) when (tries < RecoveriesMax)
            {
                // The disk is still ill.
            }
        }
    }
}
