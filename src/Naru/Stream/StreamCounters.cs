using System.Collections.Concurrent;
using Naru.Core.Events;
using Naru.Core.Topics;

namespace Naru.Stream;

/// <summary>
/// Per log, since the process started: what the stream has decoded. Written by the stream's thread, read by any.
/// </summary>
internal sealed class StreamCounters
{
    private static readonly int Reasons = Enum.GetValues<RejectReason>().Length;

    private readonly ConcurrentDictionary<string, LogCounters> _logs = new(StringComparer.Ordinal);

    public IEnumerable<LogCounters> Logs => _logs.Values;

    public LogCounters Of(string log) => _logs.GetOrAdd(log, static name => new LogCounters(name));

    /// <summary>One batch was decoded.</summary>
    public void Add(string log, in TopicBatch batch, in VolumeCounts.Counts counts)
    {
        LogCounters counters = Of(log);
        Interlocked.Add(ref counters.ReceivedCount, counts.Received);
        Interlocked.Add(ref counters.ReplayedCount, counts.Replayed);
        Interlocked.Add(ref counters.LiveCount, counts.Landed);
        Interlocked.Add(ref counters.DuplicateCount, counts.Duplicate);
        Interlocked.Add(ref counters.LateCount, counts.Late);
        Interlocked.Exchange(
            ref counters.LastReceived, Math.Max(counters.LastReceived, batch.Header.ReceivedMicroseconds));
    }

    internal sealed class LogCounters(string log)
    {
        public long ReceivedCount;
        public long ReplayedCount;
        public long LiveCount;
        public long LandedCount;
        public long DuplicateCount;
        public long LateCount;
        public long LastReceived;
        public readonly long[] Rejected = new long[Reasons];

        public string Log { get; } = log;

        public void AddRejected(RejectReason reason, int count) => Interlocked.Add(ref Rejected[(int)reason], count);
    }
}
