using System.Collections.Immutable;
using Naru.Core;

namespace Naru.State;

/// <summary>
/// The records in memory, without IO: judges a commit, takes it, reads. Not safe for threads; its owner takes turns.
/// </summary>
internal sealed class StateTable
{
    private static readonly IComparer<StateRecord> ByRevision = Comparer<StateRecord>.Create(static (left, right) =>
        left.Revision != right.Revision
            ? left.Revision.CompareTo(right.Revision)
            : string.CompareOrdinal(left.Key, right.Key));

    private readonly Dictionary<string, StateRecord> _records = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _keys = new(StringComparer.Ordinal);
    private readonly SortedSet<StateRecord> _byRevision = new(ByRevision);

    /// <summary>Of the last commit; 0 before the first.</summary>
    public long Revision { get; private set; }

    /// <summary>Removals up to this revision may be forgotten.</summary>
    public long Forgotten { get; private set; }

    /// <summary>All records and removals, by revision and key.</summary>
    public IEnumerable<StateRecord> All => _byRevision;

    public StateRecord? Read(string key) =>
        _records.GetValueOrDefault(key) is { Body: not null } record ? record : null;

    public ImmutableArray<StateRecord> ReadAll(string prefix)
    {
        // The sentinel is behind all characters of keys.
        SortedSet<string> keys = _keys.GetViewBetween(prefix, prefix + '\x7f');
        return [.. keys.Select(key => _records[key]).Where(static record => record.Body is not null)];
    }

    public StateChanges ReadSince(long revision, string prefix)
    {
        bool isWhole = revision < Forgotten;
        StateRecord first = new("", isWhole ? 0 : revision + 1, null);
        StateRecord last = new("\x7f", Revision, null);
        IEnumerable<StateRecord> since = first.Revision > last.Revision ? [] : _byRevision.GetViewBetween(first, last);
        return new StateChanges(
            Revision,
            isWhole,
            [
                .. since.Where(record => record.Key.StartsWith(prefix, StringComparison.Ordinal)
                    && (record.Body is not null || !isWhole)),
            ]);
    }

    /// <summary>Whether every record has the revision that the change expects.</summary>
    public bool Agrees(IReadOnlyList<StateChange> changes)
    {
        foreach (StateChange change in changes)
        {
            if ((Read(change.Key)?.Revision ?? 0) != change.Expected)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A commit, in order: its revision is one more than the last.</summary>
    public void Take(long revision, IEnumerable<StateRecord> records)
    {
        Invariant.Hold(revision == Revision + 1);
        Revision = revision;
        foreach (StateRecord record in records)
        {
            Invariant.Hold(record.Revision == revision);
            Put(record);
        }
    }

    /// <summary>A table as it was written down.</summary>
    public void Restore(long revision, long forgotten, IEnumerable<StateRecord> records)
    {
        Invariant.Hold(Revision == 0 && _records.Count == 0 && forgotten <= revision);
        (Revision, Forgotten) = (revision, forgotten);
        foreach (StateRecord record in records)
        {
            Invariant.Hold(record.Revision >= 1 && record.Revision <= revision);
            Put(record);
        }
    }

    /// <summary>Forgets removals up to a revision.</summary>
    public void Forget(long revision)
    {
        if (revision <= Forgotten)
        {
            return;
        }

        Forgotten = Math.Min(revision, Revision);
        StateRecord[] removals = [.. _byRevision
            .TakeWhile(record => record.Revision <= Forgotten)
            .Where(static record => record.Body is null)];
        foreach (StateRecord removal in removals)
        {
            _records.Remove(removal.Key);
            _keys.Remove(removal.Key);
            _byRevision.Remove(removal);
        }
    }

    private void Put(StateRecord record)
    {
        if (_records.TryGetValue(record.Key, out StateRecord? before))
        {
            _byRevision.Remove(before);
        }
        else
        {
            _keys.Add(record.Key);
        }

        _records[record.Key] = record;
        _byRevision.Add(record);
    }
}
