using System.Security.Cryptography;
using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>
/// A topic in segment files on local disk. One writer thread per partition; appends in flight share its syncs.
/// An append is acknowledged after fdatasync of its segment, and after the sync of the folder when the file is new.
/// After a write or sync that failed the whole topic acknowledges nothing until the durable prefix lies in a new file.
/// Layout: <see cref="TopicMetadata"/>, and a folder per partition with <see cref="SegmentFormat"/>,
/// <see cref="BatchFormat"/> and <see cref="SegmentIndex"/> files.
/// </summary>
public sealed class SegmentTopicLog : ITopicLog
{
    private static readonly TimeSpan RoomPeriod = TimeSpan.FromMilliseconds(500);
    private readonly IFileSystem _files;
    private readonly TopicOptions _options;
    private readonly TimeProvider _time;
    private readonly TopicHealth _health;
    private readonly AppendOperationPool _operations = new();
    private readonly SegmentSet[] _segments;
    private readonly SegmentReader[] _readers;
    private readonly PartitionAppender?[] _appenders;
    private readonly PartitionContext[] _contexts;
    private readonly ITimer _roomTimer;
    private readonly Lock _retention = new();
    private int _isDisposed;
    private int _turn;

    private SegmentTopicLog(PartitionContext[] contexts, TopicOptions options, TopicHealth health)
    {
        _contexts = contexts;
        _files = contexts[0].Files;
        _time = contexts[0].Time;
        _options = options;
        _health = health;
        Name = contexts[0].Topic;
        Incarnation = contexts[0].Incarnation;
        _segments = new SegmentSet[contexts.Length];
        _readers = new SegmentReader[contexts.Length];
        _appenders = new PartitionAppender?[contexts.Length];
        for (int i = 0; i < contexts.Length; i++)
        {
            OpenPartition(i);
        }

        _roomTimer = _time.CreateTimer(
            static health => ((TopicHealth)health!).MeasureRoom(), health, RoomPeriod, RoomPeriod);
    }

    public string Name { get; }

    public Guid Incarnation { get; }

    public int PartitionCount => _contexts.Length;

    /// <summary>
    /// Opens the topic in this folder, and makes it when it is not there; its name is the folder's. Recovers what a
    /// crash left. Throws <see cref="StorageException"/> when the disk fails or files are of a later format; a damaged
    /// partition does not throw, it is read-only.
    /// </summary>
    /// <param name="files">The disk.</param>
    /// <param name="directory">The topic's own folder.</param>
    /// <param name="options">Checked: <see cref="TopicOptions.Problems"/> must be empty.</param>
    /// <param name="time">Stamps segments, ages retention, and paces the look at free space.</param>
    /// <param name="notify">Told of recoveries, cuts and damage, from any thread; must not throw.</param>
    public static SegmentTopicLog Open(
        IFileSystem files, string directory, TopicOptions options, TimeProvider time, Action<TopicNotice> notify)
    {
        if (options.Problems() is [_, ..] problems)
        {
            throw new ArgumentException(string.Join("; ", problems), nameof(options));
        }

        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(directory));
        if (System.Text.Encoding.UTF8.GetByteCount(name) is 0 or > SegmentFormat.TopicNameBytesMax)
        {
            throw new ArgumentException($"\"{name}\" is no name for a topic: give 1 to 64 bytes", nameof(directory));
        }

        PartitionContext template = new()
        {
            Files = files,
            Directory = directory,
            Topic = name,
            Partition = 0,
            Incarnation = new Guid(RandomNumberGenerator.GetBytes(16)),
            SegmentBytes = options.SegmentBytes,
            Time = time,
            Notify = notify,
        };
        PartitionContext[] contexts = TopicFolder.Open(template, options.Partitions);
        return new SegmentTopicLog(contexts, options, new TopicHealth(files, directory, options));
    }

    public ValueTask<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int size = BatchFormat.SizeOf(batch);
        if (_health.TryEnter(size) is { } refusal)
        {
            throw refusal;
        }

        AppendOperation operation = _operations.Rent();
        ValueTask<AppendResult> result = operation.Start(batch, size, BatchFormat.PayloadChecksum(batch));
        if (LeastBusy() is { } appender && appender.TryEnqueue(operation))
        {
            return result;
        }

        _health.Leave(size);
        throw new TopicUnavailableException(
            Volatile.Read(ref _isDisposed) != 0
                ? $"topic \"{Name}\" is closing: send again later"
                : $"every partition of topic \"{Name}\" is read-only or recovering: see naru.topics",
            TopicHealth.RetryAfterFailureSeconds);
    }

    public PartitionOffsets Offsets(int partition) => _segments[partition].Offsets;

    public long Read<TSink>(int partition, long offset, ref TSink sink)
        where TSink : IBatchSink, allows ref struct =>
        _readers[partition].Read(offset, ref sink);

    public long OffsetAt(int partition, long receivedMicroseconds) =>
        _readers[partition].OffsetAt(receivedMicroseconds);

    public ValueTask WaitAsync(int partition, long offset, CancellationToken cancellationToken) =>
        _segments[partition].WaitAsync(offset, cancellationToken);

    public IReadOnlyList<PartitionStatus> Status() => Array.ConvertAll(_segments, static each => each.Status());

    /// <summary>
    /// The files that hold a partition's durable records now, oldest first. What an extent counts never changes; the
    /// last file may grow behind it.
    /// </summary>
    public IReadOnlyList<SegmentExtent> Extents(int partition) => _segments[partition].Extents();

    public void ApplyRetention(ReadOnlySpan<long> keepFrom)
    {
        Invariant.Hold(keepFrom.Length == PartitionCount);
        lock (_retention)
        {
            long oldest = _options.RetentionTime is { } time
                ? (_time.GetUtcNow() - time).ToUnixTimeMilliseconds() * 1000
                : long.MinValue;
            long rollBefore = _options.RetentionTime is { } kept
                ? (_time.GetUtcNow() - (kept / TopicOptions.SegmentsPerRetention)).ToUnixTimeMilliseconds() * 1000
                : long.MinValue;
            long? bytesMax = _options.RetentionBytes / PartitionCount;
            for (int i = 0; i < PartitionCount; i++)
            {
                PartitionRetention retention =
                    new(_contexts[i], _segments[i], oldest, bytesMax ?? long.MaxValue, rollBefore);
                if (retention.Apply(keepFrom[i]))
                {
                    _appenders[i]?.WantRoll();
                }
            }
        }

        _health.MeasureRoom();
    }

    /// <summary>Everything that was appended is synced and acknowledged before this returns.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await _roomTimer.DisposeAsync();
        foreach (PartitionAppender? appender in _appenders)
        {
            appender?.Stop();
        }
    }

    private void OpenPartition(int partition)
    {
        PartitionContext context = _contexts[partition];
        try
        {
            PartitionWriter writer = PartitionWriter.Open(context);
            _segments[partition] = writer.Segments;
            if (writer.Segments.State == PartitionState.Serving)
            {
                _appenders[partition] = new PartitionAppender(context, writer, _health);
            }
        }
        catch (StorageException error) when (error.Fault is StorageFault.Corrupt)
        {
            _segments[partition] = new SegmentSet(partition);
            _segments[partition].SetState(PartitionState.ReadOnly, error.Message);
            context.Tell(TopicNoticeLevel.Error, error.Message);
        }

        _readers[partition] = new SegmentReader(_files, _segments[partition], partition);
    }

    private PartitionAppender? LeastBusy()
    {
        PartitionAppender? best = null;
        long bestBytes = long.MaxValue;
        int turn = _turn++;
        for (int i = 0; i < _appenders.Length; i++)
        {
            PartitionAppender? appender = _appenders[(int)((uint)(turn + i) % (uint)_appenders.Length)];
            if (appender is not null && appender.IsServing && appender.QueuedBytes is var bytes && bytes < bestBytes)
            {
                best = appender;
                bestBytes = bytes;
            }
        }

        return best;
    }
}

/// <summary>One segment file: its first <see cref="Bytes"/> hold the offsets, and are durable.</summary>
public readonly record struct SegmentExtent(string Path, long BaseOffset, long EndOffset, long Bytes);
