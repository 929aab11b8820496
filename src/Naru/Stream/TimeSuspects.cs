using System.Runtime.InteropServices;
using System.Text;
using Naru.Core.Topics;

namespace Naru.Stream;

/// <summary>
/// Senders of one cut whose clocks lie. Bounded: beyond <see cref="SendersMax"/> new ones are not listed.
/// </summary>
internal sealed class TimeSuspects
{
    private const int SendersMax = 10_000;

    private readonly Dictionary<(string Log, string Sender), Skew> _senders = [];

    public bool Empty => _senders.Count == 0;

    public void Add(string log, in TopicBatch batch, long skewSeconds)
    {
        (string, string) key = (log, Encoding.UTF8.GetString(batch.Sender));
        if (_senders.Count >= SendersMax && !_senders.ContainsKey(key))
        {
            return;
        }

        ref Skew skew = ref CollectionsMarshal.GetValueRefOrAddDefault(_senders, key, out bool known);
        skew = known
            ? new Skew(skew.Events + 1, Math.Min(skew.MinSeconds, skewSeconds), Math.Max(skew.MaxSeconds, skewSeconds))
            : new Skew(1, skewSeconds, skewSeconds);
    }

    public IEnumerable<(string Log, string Sender, Skew Skew)> All() => _senders
        .OrderBy(static pair => pair.Key)
        .Select(static pair => (pair.Key.Log, pair.Key.Sender, pair.Value));

    internal readonly record struct Skew(long Events, long MinSeconds, long MaxSeconds);
}
