using Naru.Core.Files;
using Naru.Core.Topics;

namespace Naru.Sim.Topics;

/// <summary>
/// The topic log under crashes: makes a topic, appends groups, rolls, deletes old segments, closes and opens, and
/// recovers from failed writes as the partition's thread does. Segments are tiny so that files turn over.
/// </summary>
internal sealed class TopicCrashScenario : CrashScenario
{
    private const int SegmentBytes = 4096;
    private const int PartitionsMax = 2;
    private const int RecoveriesMax = 60;
    private const string Directory = "/data/topics/events";
    private readonly IFileSystem _files;
    private readonly Random _random;
    private readonly ManualTimeProvider _time = new();
    private readonly TopicOracle[] _oracles;
    private readonly List<TopicNotice> _errors = [];
    private PartitionContext[] _contexts = [];
    private PartitionWriter[] _writers = [];
    private bool _isNew = true;

    public TopicCrashScenario(IFileSystem files, Random random)
    {
        _files = files;
        _random = random;
        _oracles = new TopicOracle[random.Next(1, PartitionsMax + 1)];
        for (int i = 0; i < _oracles.Length; i++)
        {
            _oracles[i] = new TopicOracle();
        }
    }

    public override void Open()
    {
        Span<byte> incarnation = stackalloc byte[16];
        _random.NextBytes(incarnation);
        PartitionContext template = new()
        {
            Files = _files,
            Directory = Directory,
            Topic = "events",
            Partition = 0,
            Incarnation = new Guid(incarnation),
            SegmentBytes = SegmentBytes,
            Time = _time,
            Notify = notice =>
            {
                if (notice.Level == TopicNoticeLevel.Error)
                {
                    _errors.Add(notice);
                }
            },
        };
        _contexts = TopicFolder.Open(template, _oracles.Length);
        List<PartitionWriter> writers = [];
        foreach (PartitionContext context in _contexts)
        {
            writers.Add(PartitionWriter.Open(context));
        }

        _writers = [.. writers];
        _isNew = true;
    }

    public override void Verify()
    {
        if (_errors is [{ } error, ..])
        {
            throw new OracleException($"the disk lost nothing that was synced, yet: {error.Message}");
        }

        for (int i = 0; i < _writers.Length; i++)
        {
            SegmentSet segments = _writers[i].Segments;
            Collector sink = new([]);
            SegmentReader reader = new(_files, segments, i);
            PartitionOffsets offsets = segments.Offsets;
            long end = reader.Read(offsets.First, ref sink);
            if (end != offsets.Durable)
            {
                throw new OracleException($"a read from {offsets.First} ended at {end}, durable is {offsets.Durable}");
            }

            if (_isNew)
            {
                _oracles[i].VerifyOpened(offsets, sink.Batches);
            }
            else
            {
                _oracles[i].Verify(offsets, sink.Batches);
            }

            VerifyTime(reader, _oracles[i], offsets);
        }

        _isNew = false;
    }

    public override void Step()
    {
        int partition = _random.Next(_writers.Length);
        _time.Advance(TimeSpan.FromMilliseconds(_random.Next(2000)));
        switch (_random.Next(100))
        {
            case < 78:
                Guard(partition, () => Append(partition));
                break;
            case < 83:
                Guard(partition, _writers[partition].RollNow);
                break;
            case < 93:
                Retain(partition);
                break;
            case < 96:
                Look();
                break;
            default:
                CloseAndOpen();
                break;
        }
    }

    public override void Die()
    {
        _writers = [];
        _errors.Clear();
    }

    private void Append(int partition)
    {
        PartitionWriter writer = _writers[partition];
        for (int left = _random.Next(1, 5); left > 0; left--)
        {
            AppendBatch batch = RandomBatch();
            long offset = writer.NextOffset;
            _oracles[partition].Staged(batch, offset);
            long given = writer.Stage(batch, BatchFormat.SizeOf(batch), BatchFormat.PayloadChecksum(batch));
            if (given != offset)
            {
                throw new OracleException($"staged at {given}, expected {offset}");
            }
        }

        writer.Commit();
        _oracles[partition].Committed();
    }

    /// <summary>Does what the partition's thread does: after a failure only recovery, until it succeeds.</summary>
    private void Guard(int partition, Action work)
    {
        try
        {
            work();
            return;
        }
        catch (StorageException)
        {
            // fail-stop
        }

        for (int tries = 0; tries < RecoveriesMax; tries++)
        {
            try
            {
                if (!_writers[partition].Recover())
                {
                    throw new OracleException("the durable prefix could not be read back");
                }

                _oracles[partition].Recovered(_writers[partition].Segments.DurableOffset);
                return;
            }
            catch (StorageException)
            {
                // the disk is still ill
            }
        }

        throw new OracleException("recovery never succeeded");
    }

    private void Retain(int partition)
    {
        TopicOracle oracle = _oracles[partition];
        SegmentSet segments = _writers[partition].Segments;
        long keepFrom = _random.NextInt64(oracle.DurableEnd + 1);
        oracle.MayDelete(keepFrom);
        long oldest = _random.Next(2) == 0 ? _contexts[0].NowMicroseconds - _random.Next(20_000_000) : long.MinValue;
        try
        {
            new PartitionRetention(_contexts[partition], segments, oldest, _random.Next(20_000), long.MinValue)
                .Apply(keepFrom);
            oracle.Deleted(segments.Offsets.First);
        }
        catch (StorageException)
        {
            // tried again at the next turn
        }
    }

    /// <summary>An orderly end and a new process.</summary>
    private void CloseAndOpen()
    {
        foreach (PartitionWriter writer in _writers)
        {
            writer.Close();
            writer.Dispose();
        }

        for (int tries = 0; ; tries++)
        {
            try
            {
                Open();
                break;
            }
            catch (StorageException) when (tries < RecoveriesMax)
            {
                Die();
            }
        }

        Look();
    }

    private void Look()
    {
        try
        {
            Verify();
        }
        catch (StorageException)
        {
            // a read failed: the next look compares
        }
    }

    private AppendBatch RandomBatch()
    {
        int count = _random.Next(1, 4);
        int[] lengths = new int[count];
        int total = 0;
        for (int i = 0; i < count; i++)
        {
            lengths[i] = _random.Next(_random.Next(12) == 0 ? 1500 : 150);
            total += lengths[i];
        }

        byte[] body = new byte[total];
        _random.NextBytes(body);
        bool isIndexed = _random.Next(4) == 0;
        return new AppendBatch
        {
            Header = new BatchHeader
            {
                Flags = isIndexed ? BatchFlags.Indexed : BatchFlags.ServerKey,
                LogId = _random.Next(1, 9),
                LogVersion = _random.Next(1, 4),
                ReceivedMicroseconds = _contexts[0].NowMicroseconds - _random.Next(500_000),
                KeyHigh = (ulong)_random.NextInt64(),
                KeyLow = (ulong)_random.NextInt64(),
            },
            Sender = "shop/app"u8[.._random.Next(9)].ToArray(),
            Lengths = lengths,
            Body = body,
            Indexes = isIndexed ? lengths : default(ReadOnlyMemory<int>),
        };
    }

    private void VerifyTime(SegmentReader reader, TopicOracle oracle, PartitionOffsets offsets)
    {
        long time = _contexts[0].NowMicroseconds - _random.NextInt64(30_000_000);
        long expected = oracle.OffsetAt(time, offsets.First);
        long found = reader.OffsetAt(time);
        if (found != expected)
        {
            throw new OracleException($"the offset at time {time} is said to be {found}, it is {expected}");
        }
    }

    private readonly struct Collector(List<ReadBatch> batches) : IBatchSink
    {
        public List<ReadBatch> Batches => batches;

        public bool Take(in TopicBatch batch)
        {
            batches.Add(ReadBatch.Of(batch));
            return true;
        }
    }
}
