using System.Globalization;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Schedules;
using Naru.State;

namespace Naru.Ledger;

/// <summary>
/// The one ledger of everything that is filled by intervals: for each (thing, interval) whether it was filled, from
/// which versions of its inputs, or why not. It lies in the state store under `interval/THING/KIND/FIRST`; what is
/// missing or stale is not in it but follows from it. Reads are from memory; <see cref="RefreshAsync"/> brings what
/// others wrote. Safe for all threads.
/// </summary>
internal sealed class IntervalLedger(IStateStore store)
{
    private const string Prefix = "interval/";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, SortedDictionary<long, LedgerEntry>> _things = new(StringComparer.Ordinal);
    private long _revision;

    /// <summary>Changes whenever an entry does.</summary>
    public long Revision
    {
        get
        {
            lock (_gate)
            {
                return _revision;
            }
        }
    }

    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        StateChanges changes = await store.ReadSinceAsync(Revision, Prefix, cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            if (changes.IsWhole)
            {
                _things.Clear();
            }

            foreach (StateRecord record in changes.Records)
            {
                Take(record);
            }

            _revision = Math.Max(_revision, changes.Revision);
        }
    }

    public LedgerEntry? Find(string thing, Interval interval)
    {
        lock (_gate)
        {
            return _things.TryGetValue(KeyOf(thing, interval.Kind), out SortedDictionary<long, LedgerEntry>? entries)
                ? entries.GetValueOrDefault(interval.First)
                : null;
        }
    }

    /// <summary>All entries of a thing, ascending.</summary>
    public IReadOnlyList<LedgerEntry> Of(string thing, IntervalKind kind)
    {
        lock (_gate)
        {
            return _things.TryGetValue(KeyOf(thing, kind), out SortedDictionary<long, LedgerEntry>? entries)
                ? [.. entries.Values] : [];
        }
    }

    /// <summary>Every entry of every thing.</summary>
    public IReadOnlyList<(string Thing, LedgerEntry Entry)> All()
    {
        lock (_gate)
        {
            return
            [
                .. _things.OrderBy(static thing => thing.Key, StringComparer.Ordinal).SelectMany(
                    static thing => thing.Value.Values.Select(
                        entry => (thing.Key[..thing.Key.LastIndexOf('/')], entry))),
            ];
        }
    }

    /// <summary>
    /// Writes what is known of some intervals of a thing, all or none: null when another wrote one of them meanwhile.
    /// </summary>
    /// <param name="thing">`model/NAME`, `source/NAME`, …</param>
    /// <param name="changes">Each with the revision that it replaces, 0 for none.</param>
    /// <param name="cancellationToken">Before it is written.</param>
    public async Task<IReadOnlyList<LedgerEntry>?> TryPutAsync(
        string thing, IReadOnlyList<LedgerEntry> changes, CancellationToken cancellationToken)
    {
        Invariant.Hold(changes.Count > 0);
        StateChange[] written =
        [
            .. changes.Select(change => new StateChange(
                NameOf(thing, change.Interval),
                change.Revision,
                JsonSerializer.Serialize(
                    new IntervalBody(change.Interval.End, change.Record), LedgerJson.Default.IntervalBody))),
        ];
        StateCommit commit = await store.TryCommitAsync(written, cancellationToken).ConfigureAwait(false);
        if (!commit.Done)
        {
            await RefreshAsync(cancellationToken).ConfigureAwait(false);
            return null;
        }

        LedgerEntry[] entries = [.. changes.Select(change => change with { Revision = commit.Revision })];
        lock (_gate)
        {
            foreach (LedgerEntry entry in entries)
            {
                Put(thing, entry);
            }
        }

        return entries;
    }

    private static string NameOf(string thing, Interval interval) => string.Create(
        CultureInfo.InvariantCulture, $"{Prefix}{KeyOf(thing, interval.Kind)}/{interval.First:d20}");

    private static string KeyOf(string thing, IntervalKind kind) =>
        $"{thing}/{(kind == IntervalKind.Hour ? "hour" : "day")}";

    private void Take(StateRecord record)
    {
        string[] parts = record.Key[Prefix.Length..].Split('/');
        Invariant.Hold(parts.Length >= 3);
        string thing = string.Join('/', parts[..^2]);
        IntervalKind kind = parts[^2] == "hour" ? IntervalKind.Hour : IntervalKind.Day;
        long first = long.Parse(parts[^1], CultureInfo.InvariantCulture);
        if (record.Body is null)
        {
            if (_things.TryGetValue(KeyOf(thing, kind), out SortedDictionary<long, LedgerEntry>? entries))
            {
                entries.Remove(first);
            }

            return;
        }

        IntervalBody body = JsonSerializer.Deserialize(record.Body, LedgerJson.Default.IntervalBody)!;
        Put(thing, new LedgerEntry(new Interval(kind, first, body.End), body.Record, record.Revision));
    }

    /// <summary>What is newer stays: a refresh may come after a write that it does not know.</summary>
    private void Put(string thing, LedgerEntry entry)
    {
        string key = KeyOf(thing, entry.Interval.Kind);
        if (!_things.TryGetValue(key, out SortedDictionary<long, LedgerEntry>? entries))
        {
            _things.Add(key, entries = []);
        }

        if (!entries.TryGetValue(entry.Interval.First, out LedgerEntry? known) || known.Revision < entry.Revision)
        {
            entries[entry.Interval.First] = entry;
        }
    }
}
