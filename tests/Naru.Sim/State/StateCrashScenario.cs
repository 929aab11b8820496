using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Files;
using Naru.State;

namespace Naru.Sim.State;

/// <summary>
/// The embedded state store under crashes: commits of several records that are set, removed, held or refused, until the
/// journal is written anew, and again. The oracle: what was committed is there, what was refused is not, all of a
/// commit or none of it; a commit that failed with an error may be there as a whole after the process's end, and never
/// while it lives.
/// </summary>
internal sealed class StateCrashScenario(IFileSystem files, Random random) : CrashScenario
{
    private const string Path = "/data/state/store.journal";
    private const int Keys = 12;
    private static readonly EmbeddedStateLimits Limits = new(CompactBytes: 400, RemovalsKept: 8);

    /// <summary>The records after each revision: of revision n at n.</summary>
    private readonly List<ImmutableSortedDictionary<string, StateRecord>> _history =
        [ImmutableSortedDictionary.Create<string, StateRecord>(StringComparer.Ordinal)];

    /// <summary>What the store would hold, had a failed commit happened.</summary>
    private readonly List<ImmutableSortedDictionary<string, StateRecord>> _uncertain = [];

    private EmbeddedState? _state;
    private bool _isNew;

    private ImmutableSortedDictionary<string, StateRecord> Known => _history[^1];

    public override void Open()
    {
        _state?.Dispose();
        _state = EmbeddedState.Open(files, Path, Limits);
        _isNew = true;
    }

    public override void Verify()
    {
        StateTable table = _state!.Table;
        if (_isNew && table.Revision == _history.Count)
        {
            ImmutableSortedDictionary<string, StateRecord>? kept =
                _uncertain.Find(state => Same(state.Values, table.ReadAll("")));
            _history.Add(kept ?? throw new OracleException($"revision {table.Revision} was never asked for as it is"));
        }

        _uncertain.Clear();
        Need(table.Revision == _history.Count - 1, $"revision {table.Revision}, committed {_history.Count - 1}");
        Need(Same(Known.Values, table.ReadAll("")), "the records are not those that were committed");
        VerifySince(table, random.Next(_history.Count));
        if (_isNew)
        {
            // Most crashes come early in a life, since a start writes a new file; so some work is done before, with
            // faults off, for journals that have something in them.
            _isNew = false;
            for (int commits = random.Next(24); commits > 0; commits--)
            {
                Commit();
            }

            VerifyRead();
        }
    }

    public override void Step()
    {
        int turn = random.Next(100);
        if (turn < 90)
        {
            Commit();
        }
        else
        {
            VerifyRead();
        }
    }

    public override void Die() => _state = null;

    private static bool Same(IEnumerable<StateRecord> left, IEnumerable<StateRecord> right) =>
        left.SequenceEqual(right);

    private static void Need(bool condition, string promise)
    {
        if (!condition)
        {
            throw new OracleException(promise);
        }
    }

    private void Commit()
    {
        long revision = _history.Count;
        ImmutableSortedDictionary<string, StateRecord> after = Known;
        List<StateChange> changes = [];
        bool agrees = true;
        foreach (int number in Enumerable.Range(0, Keys).OrderBy(_ => random.Next()).Take(random.Next(1, 4)))
        {
            string key = string.Create(CultureInfo.InvariantCulture, $"key/{number:00}");
            long expected = Known.TryGetValue(key, out StateRecord? before) ? before.Revision : 0;
            bool isWrong = random.Next(12) == 0;
            agrees &= !isWrong;
            expected = isWrong ? expected + 1 : expected;
            string body = $"{{\"n\":{random.Next(1000)},\"text\":\"{new string('x', random.Next(120))}\"}}";
            int kind = random.Next(10);
            StateChange change = kind == 0
                ? StateChange.Check(key, expected)
                : new StateChange(key, expected, kind <= 3 ? null : body);
            changes.Add(change);
            after = kind == 0 ? after
                : change.Body is null ? after.Remove(key)
                : after.SetItem(key, new StateRecord(key, revision, body));
        }

        bool writes = agrees && !changes.TrueForAll(static change => change.IsCheck);
        if (writes)
        {
            // A crash in the middle of it leaves it uncertain as well.
            _uncertain.Add(after);
        }

        try
        {
            StateCommit commit = _state!.TryCommit(changes);
            Need(commit.Done == agrees, agrees ? "a commit was refused" : "a commit that expected wrongly was done");
            if (writes)
            {
                // The failed ones before it are now known not to have happened.
                _history.Add(after);
                _uncertain.Clear();
            }

            Need(commit.Revision == _history.Count - 1, $"answered revision {commit.Revision}");
        }
        catch (StorageException)
        {
            Need(writes, "nothing was to be written");
        }
    }

    private void VerifyRead()
    {
        StateTable table = _state!.Table;
        Need(table.Revision == _history.Count - 1, "the living process shows a commit that failed");
        Need(Same(Known.Values, table.ReadAll("")), "the living process shows other records than were committed");
        Need(Same(Known.Values.Where(static each => each.Key[4] == '0'), table.ReadAll("key/0")), "prefix");
        VerifySince(table, random.Next(_history.Count));
    }

    /// <summary>What changed since a revision, put on what was then, is what is now.</summary>
    private void VerifySince(StateTable table, int revision)
    {
        StateChanges changes = table.ReadSince(revision, "");
        Need(
            !changes.IsWhole || revision < table.Revision - Limits.RemovalsKept,
            $"removals since {revision} are forgotten at {table.Revision}");
        ImmutableSortedDictionary<string, StateRecord> then = changes.IsWhole ? _history[0] : _history[revision];
        foreach (StateRecord record in changes.Records)
        {
            then = record.Body is null ? then.Remove(record.Key) : then.SetItem(record.Key, record);
        }

        Need(changes.Revision == table.Revision, "changes are of another revision");
        Need(Same(then.Values, Known.Values), $"what changed since {revision} does not lead to {table.Revision}");
    }
}
