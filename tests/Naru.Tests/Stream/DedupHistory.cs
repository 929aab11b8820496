using Naru.Core.Events;
using Naru.Stream.Dedup;

namespace Naru.Tests.Stream;

/// <summary>Random landings, merges, restarts and expiries of an index beside a set that remembers all of it.</summary>
internal sealed class DedupHistory(Random random, Func<DedupIndex> open)
{
    private const long Hour = ProjectZone.HourMicroseconds;

    private readonly Dictionary<EventId, long> _received = [];
    private readonly List<DedupRun> _runs = [];
    private DedupIndex _index = open();
    private long _now = 20_000 * ProjectZone.DayMicroseconds;
    private long _landing;

    public bool Agrees { get; private set; } = true;

    public int Merges { get; private set; }

    public int Restarts { get; private set; }

    public int Expiries { get; private set; }

    public string Detail =>
        $"{_runs.Count} runs, {_received.Count} ids, {Merges} merges, {Restarts} restarts, {Expiries} expiries";

    public void Step()
    {
        _now += random.NextInt64(8 * Hour);
        switch (random.Next(10))
        {
            case 0:
                Restart();
                break;
            case 1:
                Expire();
                break;
            case < 5:
                Merge();
                break;
            default:
                Land();
                break;
        }

        Compare();
    }

    private void Land()
    {
        int count = random.Next(4) == 0 ? random.Next(1, 8_000) : random.Next(1, 300);
        EventId[] ids = [.. Some(count).Distinct().Where(id => !_received.ContainsKey(id))];
        if (ids.Length == 0)
        {
            return;
        }

        _runs.Add(_index.Write(ids, DedupRetention.Days7, _now, ++_landing));
        _index.Install([.. _runs]);
        foreach (EventId id in ids)
        {
            _received.Add(id, _now);
        }
    }

    private void Merge()
    {
        if (_index.PlanMerge() is not { } plan)
        {
            return;
        }

        DedupRun merged = _index.Merge(plan);
        _runs.RemoveAll(plan.Inputs.Contains);
        _runs.Add(merged);
        _index.Install([.. _runs]);
        _index.DeleteUnnamed();
        Merges++;
    }

    private void Expire()
    {
        IReadOnlyList<DedupRun> expired = _index.Expired(_now);
        _runs.RemoveAll(expired.Contains);
        _index.Install([.. _runs]);
        Expiries += expired.Count;
    }

    private void Restart()
    {
        _index.Dispose();
        _index = open();
        _index.Load(_runs);
        Restarts++;
    }

    /// <summary>
    /// Seven days are remembered for sure; what is older may be forgotten, and then is forgotten for good.
    /// </summary>
    private void Compare()
    {
        EventId[] probes = [.. Some(500), .. _received.Keys.Take(2_000), .. _received.Keys.TakeLast(500)];
        bool[] known = DedupIndexTests.Probe(_index, probes);
        for (int i = 0; i < probes.Length; i++)
        {
            bool landed = _received.TryGetValue(probes[i], out long received);
            if (landed && !known[i] && _now - received > 7 * ProjectZone.DayMicroseconds)
            {
                _received.Remove(probes[i]);
                continue;
            }

            Agrees &= landed == known[i];
        }
    }

    /// <summary>
    /// Ids of about now, of a narrow space so that they meet again, with stragglers and clocks that lie.
    /// </summary>
    private IEnumerable<EventId> Some(int count)
    {
        for (int i = 0; i < count; i++)
        {
            long created = (_now / 1000) - random.Next(100_000);
            created = random.Next(50) == 0 ? random.NextInt64(1L << 47) : created;
            yield return new EventId((ulong)created << 16, (ulong)random.Next(3));
        }
    }
}
