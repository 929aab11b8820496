using System.Data;
using System.Globalization;
using Naru.Core;
using Npgsql;
using NpgsqlTypes;

namespace Naru.State;

/// <summary>
/// The store that several programs share: one table of a PostgreSQL.
///
/// naru_state: key (primary, in byte order), revision, body (null for a removal). The row with the empty key holds the
/// store's revision and, as its body, the revision up to which removals may be forgotten. A commit locks that row
/// first, so commits take turns and revisions are in their order; a reader needs no lock, because each of its answers
/// is one statement.
///
/// When the connection is lost while a commit is confirmed, the server is asked what became of the transaction
/// (pg_xact_status), so a commit is never made twice and never taken for refused when it was made.
/// </summary>
internal sealed class PostgresStateStore : IStateStore
{
    private const string Columns = "SELECT key, revision, body FROM naru_state WHERE ";

    private const string Create =
        """
        CREATE TABLE IF NOT EXISTS naru_state
            (key text COLLATE "C" PRIMARY KEY, revision bigint NOT NULL, body text);
        CREATE INDEX IF NOT EXISTS naru_state_revision ON naru_state (revision);
        INSERT INTO naru_state VALUES ('', 0, '0') ON CONFLICT DO NOTHING;
        """;

    private const string Write =
        """
        INSERT INTO naru_state (key, revision, body) SELECT key, $3, body FROM unnest($1, $2) AS changed (key, body)
        ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, body = excluded.body
        """;

    /// <summary>"naru_sta" as a number: who makes the table holds it.</summary>
    private const long CreateLock = 0x6E6172755F737461;

    private readonly PostgresCalls _calls;
    private readonly PostgresStateLimits _limits;
    private readonly TimeProvider _time;

    private PostgresStateStore(PostgresCalls calls, PostgresStateLimits limits, TimeProvider time)
    {
        _calls = calls;
        _limits = limits;
        _time = time;
    }

    /// <summary>Makes the table where it is not there. Throws <see cref="StateException"/>.</summary>
    public static async Task<PostgresStateStore> OpenAsync(
        string connection, PostgresStateLimits limits, TimeProvider time, CancellationToken cancellationToken)
    {
        PostgresCalls calls = PostgresCalls.Open(connection, limits, time);
        try
        {
            await calls.RunAsync(CreateAsync, cancellationToken).ConfigureAwait(false);
            return new PostgresStateStore(calls, limits, time);
        }
        catch
        {
            await calls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask<StateRecord?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        StateRules.CheckKey(key);
        List<StateRecord> found = await SelectAsync("key = $1 AND body IS NOT NULL", [Text(key)], cancellationToken)
            .ConfigureAwait(false);
        return found.Count == 0 ? null : found[0];
    }

    public async ValueTask<IReadOnlyList<StateRecord>> ReadAllAsync(string prefix, CancellationToken cancellationToken)
    {
        StateRules.CheckPrefix(prefix);
        return await SelectAsync(
            "key >= $1 AND key < $2 AND key <> '' AND body IS NOT NULL ORDER BY key",
            [Text(prefix), Text(prefix + '\x7f')],
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<StateChanges> ReadSinceAsync(
        long revision, string prefix, CancellationToken cancellationToken)
    {
        StateRules.CheckPrefix(prefix);

        // One statement, so the revision and the records are of one moment. The row of the revision comes first.
        List<StateRecord> found = await SelectAsync(
            """
            key = '' OR key >= $1 AND key < $2
                AND (revision > $3 OR $3 < (SELECT body::bigint FROM naru_state WHERE key = ''))
                ORDER BY key <> '', revision, key
            """,
            [Text(prefix), Text(prefix + '\x7f'), Number(revision)],
            cancellationToken).ConfigureAwait(false);
        StateRecord store = found[0];
        bool isWhole = revision < Parse(store.Body);
        return new StateChanges(
            store.Revision, isWhole, [.. found.Skip(1).Where(record => record.Body is not null || !isWhole)]);
    }

    public async ValueTask<StateCommit> TryCommitAsync(
        IReadOnlyList<StateChange> changes, CancellationToken cancellationToken)
    {
        StateRules.Check(changes);
        while (true)
        {
            try
            {
                return await _calls
                    .RunAsync((connection, stop) => CommitAsync(connection, changes, stop), cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (UnconfirmedException unconfirmed)
            {
                if (await HappenedAsync(unconfirmed.Transaction, cancellationToken).ConfigureAwait(false))
                {
                    return new StateCommit(true, unconfirmed.Revision);
                }
            }
        }
    }

    public ValueTask DisposeAsync() => _calls.DisposeAsync();

    private static async ValueTask<bool> CreateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand known = new(
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema AND tablename = 'naru_state'",
            connection);
        if (await known.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is > 0L)
        {
            return false;
        }

        await using NpgsqlTransaction transaction =
            await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using NpgsqlCommand turn = new("SELECT pg_advisory_xact_lock($1)", connection, transaction);
        turn.Parameters.Add(Number(CreateLock));
        await turn.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        await using NpgsqlCommand create = new(Create, connection, transaction);
        await create.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>
    /// Throws <see cref="UnconfirmedException"/> when the connection is lost while it is confirmed; before that nothing
    /// has happened, and it may be made again.
    /// </summary>
    private async ValueTask<StateCommit> CommitAsync(
        NpgsqlConnection connection, IReadOnlyList<StateChange> changes, CancellationToken cancellationToken)
    {
        await using NpgsqlTransaction transaction = await connection
            .BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken).ConfigureAwait(false);
        (long revision, string number, bool agrees) =
            await LockAsync(transaction, changes, cancellationToken).ConfigureAwait(false);
        StateChange[] written = [.. changes.Where(static change => !change.IsCheck)];
        if (!agrees || written.Length == 0)
        {
            return new StateCommit(agrees, revision);
        }

        revision++;
        await WriteAsync(transaction, written, revision, cancellationToken).ConfigureAwait(false);
        try
        {
            // Not cancelled in the middle: that would leave it unconfirmed without need.
            await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (PostgresException)
        {
            // The server's word: it did not happen.
            throw;
        }
        catch (NpgsqlException exception)
        {
            throw new UnconfirmedException(number, revision, exception);
        }

        return new StateCommit(true, revision);
    }

    /// <summary>
    /// Waits for its turn; then the store's revision, the transaction's number, and whether all changes expect rightly.
    /// </summary>
    private static async ValueTask<(long Revision, string Number, bool Agrees)> LockAsync(
        NpgsqlTransaction transaction, IReadOnlyList<StateChange> changes, CancellationToken cancellationToken)
    {
        // The second statement sees what was committed before the first got the row: each sees as of its own start.
        await using NpgsqlBatch batch = new(transaction.Connection, transaction);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            "SELECT revision, pg_current_xact_id()::text FROM naru_state WHERE key = '' FOR UPDATE"));
        NpgsqlBatchCommand read = new(
            "SELECT key, revision FROM naru_state WHERE key = ANY ($1) AND key <> '' AND body IS NOT NULL");
        read.Parameters.Add(Texts([.. changes.Select(static change => change.Key)]));
        batch.BatchCommands.Add(read);
        await using NpgsqlDataReader reader =
            await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        if (!await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            throw new StateException(
                "the table naru_state has lost its first row, which holds the revision; restore the table");
        }

        long revision = reader.GetInt64(0);
        string number = reader.GetString(1);
        await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
        Dictionary<string, long> found = new(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            found.Add(reader.GetString(0), reader.GetInt64(1));
        }

        return (revision, number, changes.All(change => found.GetValueOrDefault(change.Key) == change.Expected));
    }

    private async ValueTask WriteAsync(
        NpgsqlTransaction transaction, StateChange[] changes, long revision, CancellationToken cancellationToken)
    {
        await using NpgsqlBatch batch = new(transaction.Connection, transaction);
        NpgsqlBatchCommand write = new(Write);
        write.Parameters.Add(Texts(Array.ConvertAll(changes, static change => change.Key)));
        write.Parameters.Add(Texts(Array.ConvertAll(changes, static change => change.Body?.Trim())));
        write.Parameters.Add(Number(revision));
        batch.BatchCommands.Add(write);
        NpgsqlBatchCommand count = new("UPDATE naru_state SET revision = $1 WHERE key = ''");
        count.Parameters.Add(Number(revision));
        batch.BatchCommands.Add(count);
        if (revision % _limits.ForgetEvery == 0 && revision > _limits.RemovalsKept)
        {
            long forgotten = revision - _limits.RemovalsKept;
            NpgsqlBatchCommand forget = new("DELETE FROM naru_state WHERE body IS NULL AND revision <= $1");
            forget.Parameters.Add(Number(forgotten));
            batch.BatchCommands.Add(forget);
            NpgsqlBatchCommand note = new("UPDATE naru_state SET body = $1 WHERE key = ''");
            note.Parameters.Add(Text(forgotten.ToString(CultureInfo.InvariantCulture)));
            batch.BatchCommands.Add(note);
        }

        await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What became of a transaction; waits while the server itself does not know yet.</summary>
    private async ValueTask<bool> HappenedAsync(string transaction, CancellationToken cancellationToken)
    {
        long began = _time.GetTimestamp();
        while (true)
        {
            string status = await _calls.RunAsync(
                async (connection, stop) =>
                {
                    await using NpgsqlCommand ask = new("SELECT pg_xact_status($1::xid8)", connection);
                    ask.Parameters.Add(Text(transaction));
                    return await ask.ExecuteScalarAsync(stop).ConfigureAwait(false) as string ?? "forgotten";
                },
                cancellationToken).ConfigureAwait(false);
            if (status is "committed" or "aborted")
            {
                return status == "committed";
            }

            if (_time.GetElapsedTime(began) > 2 * _limits.StatementTimeout)
            {
                throw new StateException(
                    $"what became of transaction {transaction} of the state in PostgreSQL is not known: {status}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<List<StateRecord>> SelectAsync(
        string condition, NpgsqlParameter[] parameters, CancellationToken cancellationToken) =>
        await _calls.RunAsync(
            async (connection, stop) =>
            {
                await using NpgsqlCommand command = new(Columns + condition, connection);
                foreach (NpgsqlParameter parameter in parameters)
                {
                    // A parameter belongs to one command, and the call may be made again.
                    command.Parameters.Add(parameter.Clone());
                }

                List<StateRecord> records = [];
                await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(stop).ConfigureAwait(false);
                while (await reader.ReadAsync(stop).ConfigureAwait(false))
                {
                    records.Add(new StateRecord(
                        reader.GetString(0), reader.GetInt64(1), reader.IsDBNull(2) ? null : reader.GetString(2)));
                }

                return records;
            },
            cancellationToken).ConfigureAwait(false);

    private static long Parse(string? number)
    {
        bool known = long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long value);
        Invariant.Hold(known);
        return value;
    }

    private static NpgsqlParameter<string> Text(string text) =>
        new() { TypedValue = text, NpgsqlDbType = NpgsqlDbType.Text };

    private static NpgsqlParameter<long> Number(long number) =>
        new() { TypedValue = number, NpgsqlDbType = NpgsqlDbType.Bigint };

    private static NpgsqlParameter<string?[]> Texts(string?[] texts) =>
        new() { TypedValue = texts, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };

    /// <summary>The connection was lost while a commit was confirmed.</summary>
    private sealed class UnconfirmedException(string transaction, long revision, Exception inner)
        : Exception("a commit is not confirmed", inner)
    {
        public string Transaction => transaction;

        public long Revision => revision;
    }
}
