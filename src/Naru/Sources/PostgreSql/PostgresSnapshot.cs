using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Naru.Core;
using Npgsql;

namespace Naru.Sources.PostgreSql;

/// <summary>
/// Sessions of one exported snapshot: each is a read-only transaction that sees what the first one saw when it began.
/// A session that breaks is opened anew at the same point, as long as the first one lives.
/// </summary>
internal sealed class PostgresSnapshot(NpgsqlDataSource source, SourceEndpoint endpoint, int sessions)
    : ISourceSnapshot
{
    private const long ChunkBytesWithoutStatistics = 64L << 20;
    private const string Begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

    private const string SizeSql =
        """
        SELECT c.relkind, current_setting('block_size')::int8, greatest(c.reltuples, -1)::float8, c.relpages::int8,
            CASE WHEN c.relkind = 'p' THEN coalesce(
                (SELECT max(pg_catalog.pg_relation_size(t.relid)) FROM pg_catalog.pg_partition_tree(c.oid) t), 0)
            WHEN c.relkind IN ('r', 'm') THEN greatest(pg_catalog.pg_relation_size(c.oid),
                coalesce((SELECT max(pg_catalog.pg_relation_size(h.inhrelid)) FROM pg_catalog.pg_inherits h
                    WHERE h.inhparent = c.oid), 0))
            ELSE 0 END::int8
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2
        """;

    private readonly SemaphoreSlim _free = new(sessions, sessions);
    private readonly ConcurrentBag<NpgsqlConnection> _idle = [];
    private string _exported = "";
    private NpgsqlConnection? _first;

    public string Point { get; private set; } = "";

    public bool IsConsistent => true;

    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        Invariant.Hold(sessions > 0);
        _first = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        _idle.Add(_first);
        await ExecuteAsync(_first, Begin, cancellationToken).ConfigureAwait(false);

        // The first session is idle while others read, and its point must not be ended for it.
        await ExecuteAsync(_first, "SET LOCAL idle_in_transaction_session_timeout = 0", cancellationToken)
            .ConfigureAwait(false);
        await using (NpgsqlCommand command = new(
            "SELECT pg_catalog.pg_current_snapshot()::text, to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
            _first))
        await using (NpgsqlDataReader reader =
            await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
        {
            Invariant.Hold(await reader.ReadAsync(cancellationToken).ConfigureAwait(false));
            Point = $"{reader.GetString(0)} at {reader.GetString(1)}";
        }

        if (sessions > 1)
        {
            await using NpgsqlCommand export = new("SELECT pg_catalog.pg_export_snapshot()", _first);
            _exported = (string)(await export.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
        }
    }

    public Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken) => UseAsync(
        table,
        connection => PostgresDescriber.DescribeAsync(connection, table, cancellationToken),
        cancellationToken);

    public Task<IReadOnlyList<SourceChunk>> SplitAsync(
        SourceTable table, long rowsPerChunk, CancellationToken cancellationToken) => UseAsync(
        table.Name,
        connection => SplitAsync(connection, table, rowsPerChunk, cancellationToken),
        cancellationToken);

    public Task<string?> GreatestAsync(
        SourceTable table, SourceColumn column, CancellationToken cancellationToken) => UseAsync(
        table.Name,
        async connection =>
        {
            string name = PostgresSql.Identifier(column.Name);
            await using NpgsqlCommand command = new(
                $"SELECT max({name})::text FROM {PostgresSql.Name(table.Name)}", connection);
            return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) as string;
        },
        cancellationToken);

    public async Task ReadAsync(SourceRead read, IRowSink sink, CancellationToken cancellationToken)
    {
        Invariant.Hold(!read.Columns.IsEmpty);
        string sql = CopySql(read);
        await UseAsync(
            read.Table.Name,
            async connection =>
            {
                await using NpgsqlRawCopyStream stream =
                    await connection.BeginRawBinaryCopyAsync(sql, cancellationToken).ConfigureAwait(false);
                using PostgresCopy copy = new(stream, read, endpoint.Zone);
                await copy.ReadAsync(sink, cancellationToken).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        while (_idle.TryTake(out NpgsqlConnection? connection))
        {
            if (!ReferenceEquals(connection, _first))
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }

        if (_first is not null)
        {
            await _first.DisposeAsync().ConfigureAwait(false);
        }

        _free.Dispose();
    }

    /// <summary>Gives a free session to a call; one that broke is not given again.</summary>
    private async Task<T> UseAsync<T>(
        SourceTableName table, Func<NpgsqlConnection, Task<T>> call, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        NpgsqlConnection? connection = null;
        bool whole = false;
        try
        {
            connection = _idle.TryTake(out NpgsqlConnection? idle)
                ? idle : await JoinAsync(cancellationToken).ConfigureAwait(false);
            T result = await call(connection).ConfigureAwait(false);
            whole = true;
            return result;
        }
        catch (Exception exception) when (PostgresFault.Is(exception))
        {
            throw PostgresFault.Of(exception, endpoint, table.ToString());
        }
        finally
        {
            if (whole)
            {
                _idle.Add(connection!);
            }
            else if (connection is not null && !ReferenceEquals(connection, _first))
            {
                // A failed statement leaves its transaction of no use.
                await connection.DisposeAsync().ConfigureAwait(false);
            }

            _free.Release();
        }
    }

    private async Task<NpgsqlConnection> JoinAsync(CancellationToken cancellationToken)
    {
        if (_exported.Length == 0)
        {
            throw new SourceException(
                $"PostgreSQL at {endpoint}: the only session broke, and its point in time with it", passes: true);
        }

        NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await ExecuteAsync(connection, Begin, cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(
                connection, $"SET TRANSACTION SNAPSHOT {PostgresSql.Literal(_exported)}", cancellationToken)
                .ConfigureAwait(false);
            return connection;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InvalidParameterValue)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw new SourceException(
                $"PostgreSQL at {endpoint}: the session that held the point in time ended, and the point with it");
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task ExecuteAsync(
        NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>By where rows lie: the parts are even, need no key, and each reads its own pages only.</summary>
    private static async Task<IReadOnlyList<SourceChunk>> SplitAsync(
        NpgsqlConnection connection, SourceTable table, long rowsPerChunk, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(SizeSql, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table.Name.Schema });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table.Name.Name });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        if (!await reader.ReadAsync(cancellationToken).ConfigureAwait(false) || reader.GetInt64(4) == 0)
        {
            return [SourceChunk.Whole];
        }

        (long block, double rows, long pages, long bytes) =
            (reader.GetInt64(1), reader.GetDouble(2), reader.GetInt64(3), reader.GetInt64(4));
        long pagesNow = (bytes + block - 1) / block;
        double pagesPerChunk = rows > 0 && pages > 0
            ? rowsPerChunk * (pages / rows)
            : (double)ChunkBytesWithoutStatistics / block;
        return Pages(pagesNow, (long)Math.Clamp(pagesPerChunk, 1, pagesNow));
    }

    private static List<SourceChunk> Pages(long pages, long perChunk)
    {
        List<SourceChunk> chunks = [];
        for (long first = 0; first < pages; first += perChunk)
        {
            // Pages that come behind the last one meanwhile hold nothing that the point in time shows.
            bool last = first + perChunk >= pages;
            string to = last ? "" : string.Create(
                CultureInfo.InvariantCulture, $" AND ctid < '({first + perChunk},0)'::tid");
            chunks.Add(new SourceChunk(
                string.Create(CultureInfo.InvariantCulture, $"pages from {first}"),
                string.Create(CultureInfo.InvariantCulture, $"ctid >= '({first},0)'::tid{to}")));
        }

        return chunks.Count == 1 ? [SourceChunk.Whole] : chunks;
    }

    private static string CopySql(SourceRead read)
    {
        StringBuilder sql = new("COPY (SELECT ");
        sql.AppendJoin(", ", read.Columns.Select(PostgresTypes.Expression));
        sql.Append(" FROM ").Append(PostgresSql.Name(read.Table.Name));
        List<string> conditions = [];
        if (read.Chunk.Condition.Length > 0)
        {
            conditions.Add(read.Chunk.Condition);
        }

        if (read.From is { } from)
        {
            conditions.Add($"{PostgresSql.Identifier(from.Column.Name)} >= {PostgresSql.Literal(from.Value)}");
        }

        sql.Append(conditions.Count == 0 ? "" : " WHERE ").AppendJoin(" AND ", conditions);
        return sql.Append(") TO STDOUT (FORMAT BINARY)").ToString();
    }
}
