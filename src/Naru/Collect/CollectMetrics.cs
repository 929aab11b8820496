using System.Diagnostics.Metrics;

namespace Naru.Collect;

/// <summary>Counters of collect. Counted a request, never an event at a time.</summary>
internal sealed class CollectMetrics : IDisposable
{
    public const string MeterName = "Naru.Collect";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _requests;
    private readonly Counter<long> _accepted;
    private readonly Counter<long> _rejected;
    private readonly Counter<long> _bytes;
    private readonly Histogram<double> _seconds;

    public CollectMetrics(ChunkBudget budget)
    {
        _requests = _meter.CreateCounter<long>(
            "naru_collect_requests_total", null, "Requests by status; 499: the client went away before the answer.");
        _accepted = _meter.CreateCounter<long>(
            "naru_collect_events_accepted_total", null, "Events acknowledged as durable.");
        _rejected = _meter.CreateCounter<long>(
            "naru_collect_events_rejected_total", null, "Events kept as rejected at receipt.");
        _bytes = _meter.CreateCounter<long>(
            "naru_collect_body_bytes_total", "By", "Bytes of bodies after decompression.");
        _seconds = _meter.CreateHistogram<double>(
            "naru_collect_request_seconds", "s", "From the request's headers to its acknowledgement.");
        _meter.CreateObservableGauge(
            "naru_collect_buffer_bytes", () => budget.Bytes, "By", "Memory that bodies being received hold.");
    }

    public void Request(int status, Receipt? receipt, TimeSpan elapsed)
    {
        _requests.Add(1, new KeyValuePair<string, object?>("status", StatusObject(status)));
        _seconds.Record(elapsed.TotalSeconds);
        if (receipt is null)
        {
            return;
        }

        _bytes.Add(receipt.BodyBytes);
        if (receipt.Accepted > 0)
        {
            _accepted.Add(receipt.Accepted);
        }

        if (receipt.Rejected > 0)
        {
            _rejected.Add(receipt.Rejected);
        }
    }

    public void Dispose() => _meter.Dispose();

    /// <summary>Boxed once each.</summary>
    private static object StatusObject(int status) => Statuses[status - 100];

    private static readonly object[] Statuses = [.. Enumerable.Range(100, 500).Select(static status => (object)status)];
}
