using Naru.Core.Schedules;

namespace Naru.Sources;

/// <summary>
/// Keeps a database's point in time open from one table of a source to the next, so that all tables of an interval show
/// the same state. It is let go when nobody needs it any more, or soon after: an open point keeps a server from
/// cleaning up.
/// </summary>
internal sealed class SourceSessions(SourceConnector connector, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private readonly Dictionary<Key, Held> _held = [];

    /// <summary>
    /// The open point of this shard and interval; a new one for a table that was read at it before, because whoever
    /// wants it again wants it as it is now.
    /// </summary>
    public async Task<SourceLease> LeaseAsync(
        SourceDefinition source,
        SourceShard shard,
        (Interval Interval, string Table) of,
        CancellationToken cancellationToken)
    {
        (Interval interval, string table) = of;
        Key key = new(source with { Tables = [], Shards = [shard] }, interval);
        Held held;
        lock (_gate)
        {
            bool isKnown = _held.TryGetValue(key, out Held? known);
            if (isKnown && known!.Tables.Contains(table))
            {
                isKnown = false;
                _held.Remove(key);
                if (known.Users == 0)
                {
                    _ = known.CloseAsync();
                }
            }

            held = isKnown ? known! : _held[key] = new Held(key, connector, source, shard);
            held.Tables.Add(table);
            held.Users++;
            held.Closing?.Dispose();
            held.Closing = null;
        }

        SourceLease lease = new(this, held);
        try
        {
            lease.Snapshot = await held.Snapshot.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
            return lease;
        }
        catch
        {
            lease.Break();
            await lease.EndAsync(keep: false).ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Held[] all;
        lock (_gate)
        {
            all = [.. _held.Values.Where(static held => held.Users == 0)];
            _held.Clear();
        }

        foreach (Held held in all)
        {
            await held.CloseAsync().ConfigureAwait(false);
        }
    }

    /// <param name="held">What was leased.</param>
    /// <param name="keep">Another table is expected to need it soon.</param>
    internal async ValueTask EndAsync(Held held, bool keep)
    {
        lock (_gate)
        {
            held.Users--;
            if (held.IsBroken && _held.GetValueOrDefault(held.Key) == held)
            {
                _held.Remove(held.Key);
            }

            if (held.Users > 0)
            {
                return;
            }

            if (keep && !held.IsBroken && _held.GetValueOrDefault(held.Key) == held)
            {
                held.Closing = time.CreateTimer(
                    static state => ((Held)state!).Expire(), held, Linger, Timeout.InfiniteTimeSpan);
                held.Expired = () => Expire(held);
                return;
            }

            if (_held.GetValueOrDefault(held.Key) == held)
            {
                _held.Remove(held.Key);
            }
        }

        await held.CloseAsync().ConfigureAwait(false);
    }

    private void Expire(Held held)
    {
        lock (_gate)
        {
            if (held.Users > 0 || _held.GetValueOrDefault(held.Key) != held)
            {
                return;
            }

            _held.Remove(held.Key);
        }

        _ = held.CloseAsync();
    }

    /// <summary>A source that was changed meanwhile is another one.</summary>
    internal sealed record Key(SourceDefinition Source, Interval Interval)
    {
        public bool Equals(Key? other) =>
            other is not null && Interval == other.Interval && Source.Name == other.Source.Name
            && Source.Shards[0] == other.Source.Shards[0] && Source.Parallel == other.Source.Parallel;

        public override int GetHashCode() => HashCode.Combine(Source.Name, Interval, Source.Shards[0]);
    }

    internal sealed class Held(Key key, SourceConnector connector, SourceDefinition source, SourceShard shard)
    {
        private ISourceServer? _server;

        public Key Key => key;

        public int Users { get; set; }

        /// <summary>Those that were read at this point, or are.</summary>
        public HashSet<string> Tables { get; } = new(StringComparer.Ordinal);

        public bool IsBroken { get; set; }

        public ITimer? Closing { get; set; }

        public Action Expired { get; set; } = static () => { };

        public Lazy<Task<ISourceSnapshot>> Snapshot => field ??= new Lazy<Task<ISourceSnapshot>>(OpenAsync);

        public void Expire() => Expired();

        public async Task CloseAsync()
        {
            Closing?.Dispose();
            if (Snapshot.IsValueCreated)
            {
                Task opened = Snapshot.Value;
                await opened.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (opened.IsCompletedSuccessfully)
                {
                    ISourceSnapshot snapshot = await Snapshot.Value.ConfigureAwait(false);
                    await snapshot.DisposeAsync().ConfigureAwait(false);
                }
            }

            if (_server is not null)
            {
                await _server.DisposeAsync().ConfigureAwait(false);
            }
        }

        /// <summary>Not cancelled with the one who asked first: others may wait for it.</summary>
        private async Task<ISourceSnapshot> OpenAsync()
        {
            _server = connector.Open(source, shard, null, key.Interval);
            return await _server.BeginAsync(source.Parallel, CancellationToken.None).ConfigureAwait(false);
        }
    }
}

/// <summary>A use of an open point in time. Ended once.</summary>
internal sealed class SourceLease(SourceSessions sessions, SourceSessions.Held held)
{
    public ISourceSnapshot Snapshot { get; set; } = null!;

    /// <summary>Nobody is to get it again: a session of it failed.</summary>
    public void Break() => held.IsBroken = true;

    public ValueTask EndAsync(bool keep) => sessions.EndAsync(held, keep);
}
