using System.Diagnostics.Metrics;

namespace Naru.Server;

/// <summary>What `/v1/status` shows, as gauges and counters that are read when a scrape comes.</summary>
internal sealed class ServerMetrics : IDisposable
{
    public const string MeterName = "Naru.Server";

    private readonly Meter _meter = new(MeterName);
    private readonly StatusReader _status;

    public ServerMetrics(StatusReader status)
    {
        _status = status;
        Gauge(
            "naru_stream_lag_records",
            "Durable records that are not decoded yet.",
            static now => now.Stream.LagRecords);
        Gauge(
            "naru_stream_pending_records",
            "Decoded records, readable in SQL, that have not landed yet.",
            static now => now.Stream.PendingRecords);
        Gauge("naru_stream_landing", "Number of the last landing.", static now => now.Stream.Landing);
        Gauge("naru_stream_memory_bytes", "Memory of decoded rows.", static now => now.Stream.MemoryBytes);
        Gauge(
            "naru_stream_stopped", "1 while a failure stops the stream, else 0.",
            static now => now.Stream.Failure is null ? 0 : 1);
        _meter.CreateObservableGauge(
            "naru_stream_landed_seconds",
            () => LandedAt(_status.Read()),
            "s",
            "When the last landing was, Unix time; absent before the first since the start.");
        Gauge("naru_disk_free_bytes", "Free bytes of the data's volume.", static now => now.Disk.FreeBytes);
        Gauge("naru_disk_total_bytes", "Size of the data's volume.", static now => now.Disk.TotalBytes);
        AddTopics();
        AddLogs();
        _meter.CreateObservableGauge(
            "naru_process_memory_bytes", static () => Environment.WorkingSet, "By", "Resident memory of the server.");
        _meter.CreateObservableCounter(
            "naru_process_cpu_seconds_total",
            static () => Environment.CpuUsage.TotalTime.TotalSeconds,
            "s",
            "Processor time of the server.");
    }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<double>> LandedAt(PlatformStatus now) =>
        now.Stream.LandedAt is { } at ? [new Measurement<double>(at.ToUnixTimeMilliseconds() / 1000.0)] : [];

    private void AddTopics()
    {
        _meter.CreateObservableGauge(
            "naru_topic_serving",
            () => _status.Read().Topics.Select(static topic =>
                new Measurement<long>(topic.State == "serving" ? 1 : 0, Partition(topic))),
            null,
            "1 while the partition takes events, 0 while it recovers or is read-only.");
        _meter.CreateObservableGauge(
            "naru_topic_bytes",
            () => _status.Read().Topics.Select(static topic => new Measurement<long>(topic.Bytes, Partition(topic))),
            "By",
            "Bytes that a partition keeps.");
        _meter.CreateObservableGauge(
            "naru_topic_durable_offset",
            () => _status.Read().Topics.Select(static topic =>
                new Measurement<long>(topic.DurableOffset, Partition(topic))),
            null,
            "First offset that is not durable yet.");
    }

    private void AddLogs()
    {
        Count("naru_log_received_total", "Events read from the topic, by log.", static log => log.Received);
        Count("naru_log_replayed_total", "Rejected events judged again, by log.", static log => log.Replayed);
        Count("naru_log_accepted_total", "Events found valid and new, by log.", static log => log.Accepted);
        Count("naru_log_duplicates_total", "Events that had landed before, by log.", static log => log.Duplicates);
        Count("naru_log_late_total", "Events later than the log's late_after, by log.", static log => log.Late);
        _meter.CreateObservableCounter(
            "naru_log_rejected_total",
            () => _status.Read().Logs.SelectMany(static log => log.Rejected.Select(reason =>
                new Measurement<long>(reason.Value, Tag("log", log.Log), Tag("reason", reason.Key)))),
            null,
            "Rejected events, by log and reason.");
    }

    private void Gauge(string name, string description, Func<PlatformStatus, long> read) =>
        _meter.CreateObservableGauge(name, () => read(_status.Read()), null, description);

    private void Count(string name, string description, Func<LogStatus, long> read) =>
        _meter.CreateObservableCounter(
            name,
            () => _status.Read().Logs.Select(log => new Measurement<long>(read(log), Tag("log", log.Log))),
            null,
            description);

    private static KeyValuePair<string, object?>[] Partition(TopicPartitionStatus topic) =>
        [Tag("topic", topic.Topic), Tag("partition", topic.Partition)];

    private static KeyValuePair<string, object?> Tag(string name, object value) => new(name, value);
}
