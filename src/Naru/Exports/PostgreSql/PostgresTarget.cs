using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Models;
using Npgsql;

namespace Naru.Exports.PostgreSql;

/// <summary>
/// Sends an attempt to a PostgreSQL in one transaction, which also writes what it was into `_naru_exports` beside the
/// table: a connection that breaks anywhere leaves nothing, and what is sent again takes the place of what was sent.
/// All rows go as text into a temporary table and are cast there by the server; a batch that fails is halved until the
/// rows that do not fit are found.
/// </summary>
internal sealed class PostgresTarget(PostgresTargetDefinition target, string connection, TargetTools tools)
    : IExportTarget
{
    private const string Control = "_naru_exports";
    private const int BatchRows = 10_000;

    /// <summary>Of the advisory locks.</summary>
    private const int LockSpace = 1313821269;

    private readonly NpgsqlConnection _connection = new(connection);
    private PostgresTable? _table;
    private bool _isNew;

    private string Table => $"{PostgresText.Name(target.Schema)}.{PostgresText.Name(target.Table)}";

    private string ControlTable => $"{PostgresText.Name(target.Schema)}.{PostgresText.Name(Control)}";

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    public async Task<ExportTally> SendAsync(ExportJob job, CancellationToken cancellationToken)
    {
        try
        {
            await _connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            await MakeControlAsync(cancellationToken).ConfigureAwait(false);
            await using NpgsqlTransaction transaction = await _connection.BeginTransactionAsync(cancellationToken)
                .ConfigureAwait(false);
            string? held = await BeginAsync(job, cancellationToken).ConfigureAwait(false);
            ExportTally tally = await ApplyAsync(job, held, cancellationToken).ConfigureAwait(false);
            await EndAsync(job, tally, cancellationToken).ConfigureAwait(false);
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
            return tally;
        }
        catch (PostgresException exception)
        {
            throw new FillException(
                $"PostgreSQL refused it: {exception.MessageText} ({exception.SqlState}){Hint(exception)}", exception);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or System.IO.IOException)
        {
            throw new FillException($"PostgreSQL at {target.Place} does not answer: {exception.Message}", exception);
        }
    }

    /// <summary>In a transaction of its own: two exports that made it at once would fail one of them.</summary>
    private async Task MakeControlAsync(CancellationToken cancellationToken)
    {
        if (await PostgresTable.ReadAsync(_connection, ControlTable, cancellationToken).ConfigureAwait(false) is null)
        {
            await ExecuteAsync(
                string.Create(CultureInfo.InvariantCulture, $"BEGIN; SELECT pg_advisory_xact_lock({LockSpace}); ")
                + $"CREATE TABLE IF NOT EXISTS {ControlTable} (export text NOT NULL, \"interval\" text NOT NULL, "
                + "first bigint NOT NULL, started bigint NOT NULL, run text NOT NULL, rows bigint NOT NULL, "
                + "hash text NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (export, \"interval\")); "
                + "COMMIT",
                cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// One attempt at a time at an export, and none behind a later one. Gives what the target holds, for a mirror.
    /// </summary>
    private async Task<string?> BeginAsync(ExportJob job, CancellationToken cancellationToken)
    {
        string lockOf = string.Create(
            CultureInfo.InvariantCulture,
            $"pg_advisory_xact_lock(hashtextextended({PostgresText.Literal(job.Export.Name)}, {LockSpace}))");
        await ExecuteAsync(
            $"SET LOCAL TimeZone = {PostgresText.Literal(tools.Zone.Zone.Id)}; "
            + $"SET LOCAL client_min_messages = error; SELECT {lockOf}",
            cancellationToken).ConfigureAwait(false);
        await using NpgsqlCommand command = new(
            $"SELECT \"interval\", first, started FROM {ControlTable} WHERE export = $1 AND "
            + "($2 OR \"interval\" = $3) ORDER BY first DESC, started DESC LIMIT 1 FOR UPDATE",
            _connection);
        command.Parameters.Add(new NpgsqlParameter { Value = job.Export.Name });
        command.Parameters.Add(new NpgsqlParameter { Value = job.Export.IsWhole });
        command.Parameters.Add(new NpgsqlParameter { Value = job.Interval });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        if (!await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            return null;
        }

        (string interval, long first, long started) = (reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2));
        if (started > job.Started)
        {
            throw new FillException("a later attempt stands in the target already");
        }

        return first <= job.First || job.Force
            ? ExportState.Token(first, started)
            : throw new FillException(
                $"the target holds {interval}, which is later; `--force` puts the earlier one in its place");
    }

    private async Task<ExportTally> ApplyAsync(ExportJob job, string? held, CancellationToken cancellationToken)
    {
        _table = await TableAsync(job, cancellationToken).ConfigureAwait(false);
        string columns = string.Join(
            ", ", job.Rows.Columns.Select(static (_, i) => string.Create(CultureInfo.InvariantCulture, $"c{i} text")));
        await ExecuteAsync(
            $"CREATE TEMP TABLE _naru_stage (n bigint PRIMARY KEY, i text, {columns}) ON COMMIT DROP",
            cancellationToken).ConfigureAwait(false);
        bool byBase = job.Export.Mode == ExportMode.Mirror && !_isNew && !job.Force
            && held is not null && job.Kept.FindBase(held) is { } known && job.Rows.TryBase(known);
        (long staged, long bytes) = await StageAsync(
            job.Rows, byBase ? RowSet.Changed : RowSet.All, cancellationToken).ConfigureAwait(false);

        // What would be found at the commit is found row by row.
        await ExecuteAsync("SET CONSTRAINTS ALL IMMEDIATE", cancellationToken).ConfigureAwait(false);
        long deleted = 0;
        if (job.Export.Mode == ExportMode.Append)
        {
            deleted = await ExecuteAsync(
                $"DELETE FROM {Table} WHERE {PostgresText.Name(ExportRows.IntervalColumn)} = "
                + PostgresText.Literal(job.Interval),
                cancellationToken).ConfigureAwait(false);
        }
        else if (job.Export.Mode == ExportMode.Swap)
        {
            deleted = await ExecuteAsync($"DELETE FROM {Table}", cancellationToken).ConfigureAwait(false);
        }

        PostgresMerge merge = new(_connection, new PostgresMergeParts(Table, _table, job));
        deleted += await RemoveAsync(job, merge, byBase, cancellationToken).ConfigureAwait(false);
        (long inserted, long updated) = await merge.RunAsync(BatchRows, cancellationToken).ConfigureAwait(false);
        if (merge.Rejected > 0)
        {
            // What the table has of rows that do not fit any more goes too.
            deleted += await RemoveAsync(job, merge, byBase, cancellationToken).ConfigureAwait(false);
        }

        return new ExportTally(staged - merge.Rejected, inserted, updated, deleted, bytes);
    }

    private async Task EndAsync(ExportJob job, ExportTally tally, CancellationToken cancellationToken)
    {
        if (job.Export.IsWhole)
        {
            // The table holds one interval: the last.
            await ExecuteAsync(
                $"DELETE FROM {ControlTable} WHERE export = {PostgresText.Literal(job.Export.Name)}",
                cancellationToken).ConfigureAwait(false);
        }

        await using NpgsqlCommand command = new(
            $"INSERT INTO {ControlTable} (export, \"interval\", first, started, run, rows, hash) "
            + "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (export, \"interval\") DO UPDATE SET "
            + "first = excluded.first, started = excluded.started, run = excluded.run, rows = excluded.rows, "
            + "hash = excluded.hash, at = now()",
            _connection);
        object[] values =
        [
            job.Export.Name, job.Interval, job.First, job.Started, job.Run,
            job.Export.Mode == ExportMode.Mirror ? job.Rows.Count - job.Rows.Rejected : tally.Rows, job.Rows.Hash,
        ];
        foreach (object value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        job.Judged();
    }

    /// <summary>The table as it is, made where there is none.</summary>
    private async Task<PostgresTable> TableAsync(ExportJob job, CancellationToken cancellationToken)
    {
        bool append = job.Export.Mode == ExportMode.Append;
        PostgresTable? table = await PostgresTable.ReadAsync(_connection, Table, cancellationToken)
            .ConfigureAwait(false);
        if (table is null)
        {
            await ExecuteAsync(
                PostgresTable.Create(Table, job.Rows.Columns, job.Rows.Key, append), cancellationToken)
                .ConfigureAwait(false);
            _isNew = true;
            table = (await PostgresTable.ReadAsync(_connection, Table, cancellationToken).ConfigureAwait(false))!;
        }

        IEnumerable<(string Name, string Type)> wanted =
            job.Rows.Columns.Select(static column => (column.Name, PostgresTable.TypeOf(column)));
        foreach ((string name, string type) in append ? wanted.Append((ExportRows.IntervalColumn, "text")) : wanted)
        {
            if (!table.Columns.ContainsKey(name))
            {
                throw new FillException(
                    $"the table {target.Schema}.{target.Table} has no column \"{name}\"; add it: "
                    + $"ALTER TABLE {Table} ADD COLUMN {PostgresText.Name(name)} {type}");
            }
        }

        return table;
    }

    private async Task<(long Rows, long Bytes)> StageAsync(
        ExportRows rows, RowSet set, CancellationToken cancellationToken)
    {
        long count = 0;
        long bytes = 0;
        StringBuilder line = new();
        await using TextWriter copy = await _connection.BeginTextImportAsync(
            "COPY _naru_stage FROM STDIN", cancellationToken).ConfigureAwait(false);
        foreach (ExportRow row in rows.Texts(set))
        {
            line.Clear().Append(CultureInfo.InvariantCulture, $"{row.Number}\t");
            if (!PostgresText.TryCopy(line, row, rows.Columns))
            {
                rows.Reject(row.Number, "a text of it holds a NUL character, which PostgreSQL cannot keep");
                continue;
            }

            await copy.WriteAsync(line, cancellationToken).ConfigureAwait(false);
            bytes += line.Length;
            count++;
        }

        return (count, bytes);
    }

    /// <summary>
    /// Of a mirror, takes out what is no more: before rows come in, so that what is unique may move to another key.
    /// </summary>
    private async Task<long> RemoveAsync(
        ExportJob job, PostgresMerge merge, bool byBase, CancellationToken cancellationToken)
    {
        if (job.Export.Mode != ExportMode.Mirror)
        {
            return 0;
        }

        return byBase
            ? await RemoveAsync(job.Rows, cancellationToken).ConfigureAwait(false)
            : await ExecuteAsync(merge.DeleteOthers(), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes out the rows of the base that are no more.</summary>
    private async Task<long> RemoveAsync(ExportRows rows, CancellationToken cancellationToken)
    {
        ImmutableArray<ExportColumn> key =
            [.. rows.Key.Select(name => rows.Columns.Single(column => column.Name == name))];
        string columns = string.Join(
            ", ", key.Select(static (_, i) => string.Create(CultureInfo.InvariantCulture, $"c{i} text")));
        await ExecuteAsync(
            $"CREATE TEMP TABLE IF NOT EXISTS _naru_gone (n bigint, i text, {columns}) ON COMMIT DROP; "
            + "TRUNCATE _naru_gone",
            cancellationToken)
            .ConfigureAwait(false);
        StringBuilder line = new();
        await using (TextWriter copy = await _connection.BeginTextImportAsync(
            "COPY _naru_gone FROM STDIN", cancellationToken).ConfigureAwait(false))
        {
            foreach (ExportRow row in rows.Texts(RowSet.Removed))
            {
                line.Clear().Append(CultureInfo.InvariantCulture, $"{row.Number}\t");
                if (PostgresText.TryCopy(line, row, key))
                {
                    await copy.WriteAsync(line, cancellationToken).ConfigureAwait(false);
                }
            }
        }

        string same = string.Join(" AND ", key.Select((column, i) =>
            $"t.{PostgresText.Name(column.Name)} = {PostgresText.Cast(column, i, _table!.Columns[column.Name], "g")}"));
        return await ExecuteAsync($"DELETE FROM {Table} t USING _naru_gone g WHERE {same}", cancellationToken)
            .ConfigureAwait(false);
    }

    private async Task<long> ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(sql, _connection);
        return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private string Hint(PostgresException exception) => exception.SqlState switch
    {
        PostgresErrorCodes.InvalidColumnReference =>
            $"; rows are told apart by their key: CREATE UNIQUE INDEX ON {Table} (…) over its columns",
        PostgresErrorCodes.InsufficientPrivilege =>
            $"; the user \"{target.User}\" needs to write {Table} and to create {ControlTable}",
        PostgresErrorCodes.InvalidSchemaName => $"; create it: CREATE SCHEMA {PostgresText.Name(target.Schema)}",
        _ => "",
    };
}
