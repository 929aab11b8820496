using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>
/// What all partitions of a topic share: whether it may take appends now, and how many bytes are on their way.
/// </summary>
internal sealed class TopicHealth
{
    public const int RetryAfterOverloadSeconds = 1;
    public const int RetryAfterFailureSeconds = 5;
    private const long ReserveBytesMin = 256L << 20;
    private const int ReservePerTotal = 50;
    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly TopicOptions _options;
    private long _inFlightBytes;
    private long _roomBytes;
    private int _failing;

    public TopicHealth(IFileSystem files, string directory, TopicOptions options)
    {
        _files = files;
        _directory = directory;
        _options = options;
        ReserveBytes = options.DiskReserve
            ?? Math.Max(ReserveBytesMin, files.TotalBytes(directory) / ReservePerTotal);
        MeasureRoom();
    }

    public long ReserveBytes { get; }

    /// <summary>True while any partition has an unrecovered failure: the topic then acknowledges nothing.</summary>
    public bool IsFailing => Volatile.Read(ref _failing) > 0;

    /// <summary>Takes these bytes of the budget, or says why not.</summary>
    public TopicUnavailableException? TryEnter(int bytes)
    {
        if (IsFailing)
        {
            return Failing();
        }

        if (Volatile.Read(ref _roomBytes) < bytes)
        {
            return new TopicUnavailableException(
                $"the disk is full up to its reserve of {ReserveBytes >> 20} MiB:"
                + " free space, shorten retention, or lower disk_reserve",
                RetryAfterFailureSeconds);
        }

        if (Interlocked.Add(ref _inFlightBytes, bytes) > _options.InFlightBytes)
        {
            Leave(bytes);
            return new TopicUnavailableException(
                $"{_options.InFlightBytes >> 20} MB wait for the disk already (in_flight_bytes): send again later",
                RetryAfterOverloadSeconds);
        }

        Interlocked.Add(ref _roomBytes, -bytes);
        return null;
    }

    public void Leave(long bytes)
    {
        long left = Interlocked.Add(ref _inFlightBytes, -bytes);
        Invariant.Hold(left >= 0);
    }

    public static TopicUnavailableException Failing() => new(
        "a write to the disk failed and is being recovered: send again later", RetryAfterFailureSeconds);

    public void Fail() => Interlocked.Increment(ref _failing);

    public void Recovered()
    {
        int failing = Interlocked.Decrement(ref _failing);
        Invariant.Hold(failing >= 0);
    }

    /// <summary>
    /// Asks the volume how much room is left above the reserve. When it does not answer, the last answer stands.
    /// </summary>
    public void MeasureRoom()
    {
        try
        {
            Volatile.Write(ref _roomBytes, _files.FreeBytes(_directory) - ReserveBytes);
        }
        catch (StorageException)
        {
            // a volume that cannot even say its free space fails the next write, which is handled there
        }
    }
}
