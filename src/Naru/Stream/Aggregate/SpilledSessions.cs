using System.Globalization;
using Naru.Aggregates;
using Naru.Core;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Sessions of one aggregate that wait in runs on disk. Those that a cut touches are taken back before it is merged, so
/// that every session is whole in one place; those that nobody touches are read when they close, and dropped unread.
/// </summary>
internal sealed class SpilledSessions(AggregatePlan plan, StateFolder folder, string stateKey)
{
    /// <summary>Beyond so many runs the small ones are put together.</summary>
    private const int RunsMax = 16;

    /// <summary>Runs of so few sessions together are always small.</summary>
    private const int FewSessions = 1_000;

    private readonly List<SessionRun> _runs = [];
    private int _written;

    public long Count => _runs.Sum(static run => (long)run.Count);

    public long Bytes => _runs.Sum(static run => run.Bytes);

    public long MemoryBytes => _runs.Sum(static run => run.MemoryBytes);

    public IEnumerable<string> Files => _runs.Select(static run => run.Name);

    /// <summary>First event of all, or earlier; long.MaxValue of none.</summary>
    public long First => _runs.Select(static run => run.First).DefaultIfEmpty(long.MaxValue).Min();

    /// <summary>End of the last session, or later; long.MinValue of none.</summary>
    public long End => _runs.Select(static run => run.End).DefaultIfEmpty(long.MinValue).Max();

    /// <summary>Reads the sessions that a cut touches; they stay here until <see cref="Take"/>.</summary>
    public RecalledSessions Recall(SessionTable cut)
    {
        RecalledSessions recalled = new(new SessionTable(plan), []);
        foreach (SessionRun run in _runs)
        {
            List<int> numbers = [];
            run.Recall(cut, recalled.Sessions, numbers);
            recalled.Places.Add((run, numbers));
        }

        Invariant.Hold(recalled.Sessions.Count == recalled.Places.Sum(static place => place.Numbers.Count));
        return recalled;
    }

    /// <summary>What was recalled is held in memory now.</summary>
    public void Take(RecalledSessions recalled)
    {
        foreach ((SessionRun run, List<int> numbers) in recalled.Places)
        {
            run.Take(numbers);
        }

        _runs.RemoveAll(static run => run.Count == 0);
    }

    public bool Covers(ReadOnlySpan<byte> key, long time, long endsAfter)
    {
        foreach (SessionRun run in _runs)
        {
            if (run.Covers(key, time, endsAfter))
            {
                return true;
            }
        }

        return false;
    }

    public bool HasEndingIn(long after, long by) => _runs.Exists(run => run.HasEndingIn(after, by));

    public void Visit(Action<SessionTable, int> visit)
    {
        foreach (SessionRun run in _runs)
        {
            run.Visit(visit);
        }
    }

    /// <summary>See <see cref="SessionRun.VisitEnding"/>.</summary>
    public void VisitEnding(long after, long by, Action<SessionTable, int> visit)
    {
        foreach (SessionRun run in _runs)
        {
            run.VisitEnding(after, by, visit);
        }
    }

    public void DropEndedBy(long instant)
    {
        foreach (SessionRun run in _runs)
        {
            run.DropEndedBy(instant);
        }

        _runs.RemoveAll(static run => run.Count == 0);
    }

    /// <summary>
    /// Reads what memory should take back before it spills: a run that has become sparse, and small ones where there
    /// are many, of about so many sessions in all. They stay here until <see cref="Take"/>.
    /// </summary>
    public RecalledSessions RecallSparse(long sessions)
    {
        RecalledSessions recalled = new(new SessionTable(plan), []);
        foreach (SessionRun run in Sparse(sessions))
        {
            run.Visit(recalled.Sessions.MergeOne);
            recalled.Places.Add((run, [.. run.Numbers()]));
        }

        return recalled;
    }

    /// <summary>Writes sessions of a table, given by end; the run is not among these until it is added.</summary>
    public SessionRun Write(SessionTable from, ReadOnlySpan<int> sessions, long closedBy)
    {
        string name = string.Create(
            CultureInfo.InvariantCulture, $"{stateKey[..16]}-{_written++}{SessionRun.Extension}");
        return SessionRun.Write((plan, folder, name), stateKey, from, sessions, closedBy);
    }

    public void Add(SessionRun run) => _runs.Add(run);

    public void Clear() => _runs.Clear();

    private List<SessionRun> Sparse(long sessions)
    {
        List<SessionRun> chosen = [.. _runs.Where(static run => run.IsSparse).Take(1)];
        long left = Math.Max(sessions, FewSessions);
        if (_runs.Count > RunsMax)
        {
            foreach (SessionRun small in _runs.Except(chosen).OrderBy(static run => run.Count))
            {
                left -= small.Count;
                if (left < 0)
                {
                    break;
                }

                chosen.Add(small);
            }
        }

        return chosen;
    }
}

/// <summary>Copies of sessions that a cut touches, and where they are.</summary>
internal sealed record RecalledSessions(SessionTable Sessions, List<(SessionRun Run, List<int> Numbers)> Places);
