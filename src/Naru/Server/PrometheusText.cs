using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Naru.Server;

/// <summary>
/// Naru's own meters as Prometheus text (exposition format 0.0.4). Counters and histograms are added up as they are
/// told; gauges are asked when a scrape comes. A metric has its meter's name for it, `naru_…`, as it is.
/// </summary>
internal sealed class PrometheusText : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";
    private const string MeterPrefix = "Naru.";

    /// <summary>More than these of one metric are left out: labels must never be made of what senders say.</summary>
    private const int SeriesMax = 10_000;

    private static readonly double[] Bounds =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, Metric> _metrics = new(StringComparer.Ordinal);
    private readonly Lock _scrape = new();

    public PrometheusText()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name.StartsWith(MeterPrefix, StringComparison.Ordinal))
            {
                listener.EnableMeasurementEvents(
                    instrument, _metrics.GetOrAdd(instrument.Name, _ => new Metric(instrument)));
            }
        };
        _listener.SetMeasurementEventCallback<long>(
            static (_, value, tags, state) => ((Metric)state!).Take(value, tags));
        _listener.SetMeasurementEventCallback<double>(
            static (_, value, tags, state) => ((Metric)state!).Take(value, tags));
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    public string Write()
    {
        lock (_scrape)
        {
            foreach (Metric metric in _metrics.Values)
            {
                metric.Forget();
            }

            _listener.RecordObservableInstruments();
            StringBuilder text = new();
            foreach ((_, Metric metric) in _metrics.OrderBy(static pair => pair.Key, StringComparer.Ordinal))
            {
                metric.Write(text);
            }

            return text.ToString();
        }
    }

    /// <summary>`{status="200"}`, or nothing.</summary>
    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return "";
        }

        StringBuilder labels = new("{");
        foreach ((string name, object? value) in tags)
        {
            string escaped = Convert.ToString(value, CultureInfo.InvariantCulture)!
                .Replace("\\", "\\\\", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("\n", "\\n", StringComparison.Ordinal);
            labels.Append(labels.Length == 1 ? "" : ",").Append(name).Append("=\"").Append(escaped).Append('"');
        }

        return labels.Append('}').ToString();
    }

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private sealed class Metric
    {
        private readonly ConcurrentDictionary<string, Series> _series = new(StringComparer.Ordinal);
        private readonly string _name;
        private readonly string _help;
        private readonly bool _isHistogram;
        private readonly bool _isObserved;
        private readonly bool _isCounter;

        public Metric(Instrument instrument)
        {
            _name = instrument.Name;
            _help = instrument.Description ?? "";
            _isHistogram = instrument is Histogram<double> or Histogram<long>;
            _isObserved = instrument.IsObservable;
            _isCounter = instrument.Name.EndsWith("_total", StringComparison.Ordinal);
        }

        public void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string labels = Labels(tags);
            if (!_series.TryGetValue(labels, out Series? series))
            {
                if (_series.Count >= SeriesMax)
                {
                    return;
                }

                series = _series.GetOrAdd(labels, _ => new Series(_isHistogram ? Bounds.Length + 1 : 0));
            }

            series.Take(value, _isObserved);
        }

        /// <summary>What is observed is told anew at each scrape; what is no longer told is gone.</summary>
        public void Forget()
        {
            if (_isObserved)
            {
                _series.Clear();
            }
        }

        public void Write(StringBuilder text)
        {
            if (_series.IsEmpty)
            {
                return;
            }

            string type = _isHistogram ? "histogram" : _isCounter ? "counter" : "gauge";
            text.Append($"# HELP {_name} {_help.Replace("\\", "\\\\", StringComparison.Ordinal)}\n");
            text.Append($"# TYPE {_name} {type}\n");
            foreach ((string labels, Series series) in _series.OrderBy(static pair => pair.Key, StringComparer.Ordinal))
            {
                if (_isHistogram)
                {
                    series.WriteHistogram(text, _name);
                }
                else
                {
                    text.Append($"{_name}{labels} {Number(series.Sum)}\n");
                }
            }
        }
    }

    private sealed class Series(int buckets)
    {
        private readonly Lock _gate = new();
        private readonly long[] _buckets = new long[buckets];
        private double _sum;

        public double Sum
        {
            get
            {
                lock (_gate)
                {
                    return _sum;
                }
            }
        }

        public void Take(double value, bool replace)
        {
            lock (_gate)
            {
                _sum = replace ? value : _sum + value;
                if (_buckets.Length > 0)
                {
                    int at = Bounds.AsSpan().BinarySearch(value);
                    _buckets[at < 0 ? ~at : at]++;
                }
            }
        }

        public void WriteHistogram(StringBuilder text, string name)
        {
            lock (_gate)
            {
                long count = 0;
                for (int i = 0; i < _buckets.Length; i++)
                {
                    count += _buckets[i];
                    string bound = i < Bounds.Length ? Number(Bounds[i]) : "+Inf";
                    text.Append($"{name}_bucket{{le=\"{bound}\"}} {count}\n");
                }

                text.Append($"{name}_sum {Number(_sum)}\n{name}_count {count}\n");
            }
        }
    }
}
