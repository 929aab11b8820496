using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Naru.Core;
using Naru.Lake.Columns;
using Naru.MySql;

namespace Naru.Sources.MySql;

/// <summary>
/// Sessions that each hold a read-only transaction begun at the same moment: MySQL has no way to join another's point
/// in time, so all writers are held back (FLUSH TABLES WITH READ LOCK) for as long as it takes to begin them. Where the
/// user may not do that, there is one session. Tables of engines without transactions (MyISAM, Aria) are read as they
/// are when they are read.
/// </summary>
internal sealed class MySqlSnapshot : ISourceSnapshot
{
    /// <summary>While we wait for the lock, everybody who wants to write waits behind us.</summary>
    private const int LockWaitSeconds = 10;

    private const int LockWaitTimeout = 1205;
    private const string Begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    private const string Now = "SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')";

    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789+-.eE");

    private readonly SourceEndpoint _endpoint;
    private readonly SemaphoreSlim _free;
    private readonly ConcurrentBag<MySqlConnection> _idle;

    private MySqlSnapshot(SourceEndpoint endpoint, List<MySqlConnection> sessions, string point)
    {
        _endpoint = endpoint;
        _idle = [.. sessions];
        _free = new SemaphoreSlim(sessions.Count, sessions.Count);
        Point = point;
    }

    public string Point { get; }

    public bool IsConsistent => true;

    public static Task<MySqlSnapshot> OpenAsync(
        SourceEndpoint endpoint, int sessions, CancellationToken cancellationToken) =>
        MySqlThread.RunAsync(() => Open(endpoint, sessions), cancellationToken);

    public Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken) => UseAsync(
        table,
        connection => MySqlThread.RunAsync(
            connection, session => MySqlDescriber.Describe(session, table), cancellationToken),
        cancellationToken);

    public Task<IReadOnlyList<SourceChunk>> SplitAsync(
        SourceTable table, long rowsPerChunk, CancellationToken cancellationToken) => UseAsync(
        table.Name,
        connection => MySqlThread.RunAsync(
            connection, session => MySqlSplitter.Split(session, table, rowsPerChunk), cancellationToken),
        cancellationToken);

    public Task<string?> GreatestAsync(
        SourceTable table, SourceColumn column, CancellationToken cancellationToken) => UseAsync(
        table.Name,
        connection => MySqlThread.RunAsync(
            connection,
            session => session.Texts($"SELECT max({MySqlText.Identifier(column.Name)}) FROM {NameOf(table)}")[0][0],
            cancellationToken),
        cancellationToken);

    public Task ReadAsync(SourceRead read, IRowSink sink, CancellationToken cancellationToken) => UseAsync(
        read.Table.Name,
        async connection =>
        {
            using MySqlRows rows = await MySqlThread.RunAsync(
                connection, session => session.Query(Sql(read)), cancellationToken).ConfigureAwait(false);
            await ReadAsync(connection, new MySqlReader(rows, read, _endpoint.Zone), sink, cancellationToken)
                .ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    public ValueTask DisposeAsync()
    {
        while (_idle.TryTake(out MySqlConnection? connection))
        {
            connection.Dispose();
        }

        _free.Dispose();
        return ValueTask.CompletedTask;
    }

    internal static string NameOf(SourceTable table) => MySqlText.Identifier(table.Name.Name);

    private static MySqlSnapshot Open(SourceEndpoint endpoint, int sessions)
    {
        Invariant.Hold(sessions > 0);
        List<MySqlConnection> opened = [];
        try
        {
            for (int i = 0; i < sessions; i++)
            {
                opened.Add(MySqlSource.Open(endpoint));
            }

            string alone = sessions > 1 ? BeginTogether(endpoint, opened) : "";
            if (opened.Count == 1)
            {
                opened[0].Execute(Begin);
            }

            return new MySqlSnapshot(endpoint, opened, PointOf(opened[0]) + alone);
        }
        catch
        {
            opened.ForEach(static connection => connection.Dispose());
            throw;
        }
    }

    /// <summary>Begins all transactions under one lock; without it leaves one session, and says why.</summary>
    private static string BeginTogether(SourceEndpoint endpoint, List<MySqlConnection> sessions)
    {
        using MySqlConnection locker = MySqlSource.Open(endpoint);
        try
        {
            locker.Execute(string.Create(
                CultureInfo.InvariantCulture, $"SET SESSION lock_wait_timeout = {LockWaitSeconds}"));
            locker.Execute("FLUSH TABLES WITH READ LOCK");
        }
        catch (MySqlException exception) when (exception.IsDenied || exception.Code == LockWaitTimeout)
        {
            sessions[1..].ForEach(static connection => connection.Dispose());
            sessions.RemoveRange(1, sessions.Count - 1);
            return exception.IsDenied
                ? ", in one session: for several, the server must let the user run FLUSH TABLES WITH READ LOCK (RELOAD)"
                : ", in one session: for several, FLUSH TABLES WITH READ LOCK waited too long for statements that run";
        }

        sessions.ForEach(static connection => connection.Execute(Begin));
        locker.Execute("UNLOCK TABLES");
        return "";
    }

    private static string PointOf(MySqlConnection connection)
    {
        string now = connection.Texts(Now)[0][0]!;
        string gtid = connection.IsMariaDb ? connection.Texts("SELECT @@global.gtid_binlog_pos")[0][0] ?? "" : "";
        return gtid.Length > 0 ? $"{gtid} at {now}" : now;
    }

    private static async Task ReadAsync(
        MySqlConnection connection, MySqlReader reader, IRowSink sink, CancellationToken cancellationToken)
    {
        ColumnBatch? batch = sink.Begin();
        try
        {
            while (await MySqlThread.RunAsync(connection, _ => reader.Fill(batch, sink), cancellationToken)
                .ConfigureAwait(false))
            {
                ColumnBatch full = batch;
                batch = null;
                batch = await sink.TakeAsync(full, reader.RowsFilled, cancellationToken).ConfigureAwait(false);
            }

            ColumnBatch last = batch;
            batch = null;
            await sink.EndAsync(last, reader.RowsFilled, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            batch?.Dispose();
            throw;
        }
    }

    private static string Sql(SourceRead read)
    {
        StringBuilder sql = new("SELECT ");
        sql.AppendJoin(", ", read.Columns.Select(MySqlTypes.Expression)).Append(" FROM ").Append(NameOf(read.Table));
        List<string> conditions = [];
        if (read.Chunk.Condition.Length > 0)
        {
            conditions.Add(read.Chunk.Condition);
        }

        if (read.From is { } from)
        {
            // A number in quotes would be compared as a double.
            bool isNumber = from.Column.Type.Kind
                is ColumnKind.Int32 or ColumnKind.Int64 or ColumnKind.Double or ColumnKind.Decimal;
            string value = isNumber && !from.Value.AsSpan().ContainsAnyExcept(NumberCharacters)
                ? from.Value : MySqlText.Literal(from.Value);
            conditions.Add($"{MySqlText.Identifier(from.Column.Name)} >= {value}");
        }

        return sql.Append(conditions.Count == 0 ? "" : " WHERE ").AppendJoin(" AND ", conditions).ToString();
    }

    /// <summary>Gives a free session to a call; one that broke is not given again.</summary>
    private async Task<T> UseAsync<T>(
        SourceTableName table, Func<MySqlConnection, Task<T>> call, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        MySqlConnection? connection = null;
        try
        {
            if (!_idle.TryTake(out connection))
            {
                throw new SourceException(
                    $"MySQL at {_endpoint}: a session broke, and its point in time with it", passes: true);
            }

            return await call(connection).ConfigureAwait(false);
        }
        catch (Exception exception) when (MySqlFault.Is(exception))
        {
            throw MySqlFault.Of(exception, _endpoint, table.ToString());
        }
        finally
        {
            if (connection is { IsBroken: false })
            {
                _idle.Add(connection);
            }
            else
            {
                connection?.Dispose();
            }

            _free.Release();
        }
    }
}
