using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Naru.Models;
using Naru.MySql;

namespace Naru.Exports.MySql;

/// <summary>
/// Sends an attempt to a MySQL or MariaDB in one transaction, which also writes what it was into `_naru_exports` beside
/// the table: a connection that breaks anywhere leaves nothing, and what is sent again takes the place of what was
/// sent. A statement of several rows that fails for its values is halved until the rows that do not fit are found.
///
/// A swap fills a new table and renames it into the place of the old one, both at once. MySQL commits around a RENAME,
/// so the note of what the target holds goes away before it and comes back behind it: an attempt that dies in between
/// has no note, and is made again. A table with triggers or foreign keys, which a new one would not have, is emptied
/// and filled in a transaction instead.
/// </summary>
internal sealed class MySqlTarget(MySqlTargetDefinition target, MySqlAddress address, TargetTools tools)
    : IExportTarget
{
    private const string Control = "`_naru_exports`";
    private const int LockWaitSeconds = 600;
    private const int NameLengthMax = 64;

    private MySqlConnection? _connection;

    private MySqlConnection Connection => _connection!;

    private string Table => MySqlText.Identifier(target.Table);

    public ValueTask DisposeAsync()
    {
        _connection?.Dispose();
        return ValueTask.CompletedTask;
    }

    public async Task<ExportTally> SendAsync(ExportJob job, CancellationToken cancellationToken)
    {
        try
        {
            _connection = await MySqlThread.RunAsync(() => MySqlConnection.Open(address), cancellationToken)
                .ConfigureAwait(false);
            return await MySqlThread.RunAsync(_connection, _ => Send(job), cancellationToken).ConfigureAwait(false);
        }
        catch (MySqlException exception) when (exception.IsTransient || exception.EndsSession)
        {
            throw new FillException($"MySQL at {target.Place} does not answer: {exception.Message}", exception);
        }
        catch (MySqlException exception)
        {
            throw new FillException(string.Create(
                CultureInfo.InvariantCulture,
                $"MySQL refused it: {exception.Message} ({exception.Code}){Hint(exception)}"), exception);
        }
        catch (MySqlLibraryException exception)
        {
            throw new FillException(exception.Message, exception);
        }
    }

    private ExportTally Send(ExportJob job)
    {
        Connection.Execute(
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_AUTO_VALUE_ON_ZERO,"
            + "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'");
        Connection.Execute(
            $"CREATE TABLE IF NOT EXISTS {Control} (export varchar(200) NOT NULL, `interval` varchar(64) NOT NULL, "
            + "first bigint NOT NULL, started bigint NOT NULL, run varchar(200) NOT NULL, `rows` bigint NOT NULL, "
            + "hash varchar(64) NOT NULL, at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, "
            + "PRIMARY KEY (export, `interval`)) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");

        // One attempt at a time at an export; the lock ends with the session.
        string lockName = $"naru {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            $"{target.Database}\0{job.Export.Name}")))[..40]}";
        if (Connection.Texts(string.Create(
            CultureInfo.InvariantCulture, $"SELECT GET_LOCK('{lockName}', {LockWaitSeconds})"))[0][0] != "1")
        {
            throw new FillException($"another attempt at {job.Export.Name} has been at work in the target for long");
        }

        (MySqlTable table, bool isNew) = TableOf(job);
        return job.Export.Mode == ExportMode.Swap && !table.HasTies ? Swap(job, table) : Merge(job, table, isNew);
    }

    private ExportTally Merge(ExportJob job, MySqlTable table, bool isNew)
    {
        Connection.Execute("START TRANSACTION");
        string? held = Held(job);
        bool byBase = job.Export.Mode == ExportMode.Mirror && !isNew && !job.Force
            && held is not null && job.Kept.FindBase(held) is { } known && job.Rows.TryBase(known);
        MySqlMerge merge = new(Connection, new MySqlMergeParts(Table, table, job, tools.Zone));
        long deleted = job.Export.Mode switch
        {
            ExportMode.Append => Connection.Execute(
                $"DELETE FROM {Table} WHERE {MySqlText.Identifier(ExportRows.IntervalColumn)} = "
                + MySqlText.Literal(job.Interval)),
            ExportMode.Swap => Connection.Execute($"DELETE FROM {Table}"),

            // Before rows come in, so that what is unique may move to another key.
            ExportMode.Mirror => merge.Remove(byBase),
            _ => 0,
        };
        merge.Run(byBase ? RowSet.Changed : RowSet.All);
        if (job.Export.Mode == ExportMode.Mirror && merge.Rejected > 0)
        {
            // What the table has of rows that do not fit any more goes too.
            deleted += merge.Remove(byBase);
        }

        merge.CheckKeys();
        ExportTally tally = new(merge.Sent, merge.Inserted, merge.Updated, deleted, merge.Bytes);
        Note(job, tally);
        job.Judged();
        Connection.Execute("COMMIT");
        return tally;
    }

    private ExportTally Swap(ExportJob job, MySqlTable table)
    {
        string fresh = Beside("new");
        string old = Beside("old");
        Connection.Execute($"DROP TABLE IF EXISTS {fresh}, {old}");
        Connection.Execute($"CREATE TABLE {fresh} LIKE {Table}");
        Connection.Execute("START TRANSACTION");
        _ = Held(job);
        Connection.Execute("COMMIT");
        Connection.Execute("START TRANSACTION");
        MySqlMerge merge = new(Connection, new MySqlMergeParts(fresh, table, job, tools.Zone));
        merge.Run(RowSet.All);
        Connection.Execute("COMMIT");
        long before = long.Parse(
            Connection.Texts($"SELECT count(*) FROM {Table}")[0][0]!, CultureInfo.InvariantCulture);
        Connection.Execute($"DELETE FROM {Control} WHERE export = {MySqlText.Literal(job.Export.Name)}");
        Connection.Execute($"RENAME TABLE {Table} TO {old}, {fresh} TO {Table}");
        ExportTally tally = new(merge.Sent, merge.Inserted, 0, before, merge.Bytes);
        Connection.Execute("START TRANSACTION");
        Note(job, tally);
        job.Judged();
        Connection.Execute("COMMIT");
        Connection.Execute($"DROP TABLE IF EXISTS {old}");
        return tally;
    }

    /// <summary>A name of our own for a table beside the target's.</summary>
    private string Beside(string what)
    {
        string name = $"_naru_{what}_{target.Table}";
        if (name.Length > NameLengthMax)
        {
            string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(target.Table)));
            name = $"_naru_{what}_{hash[..40]}";
        }

        return MySqlText.Identifier(name);
    }

    /// <summary>What the target holds, for a mirror; no attempt goes behind a later one.</summary>
    private string? Held(ExportJob job)
    {
        string which = job.Export.IsWhole ? "" : $" AND `interval` = {MySqlText.Literal(job.Interval)}";
        List<string?[]> rows = Connection.Texts(
            $"SELECT `interval`, first, started FROM {Control} WHERE export = {MySqlText.Literal(job.Export.Name)}"
            + $"{which} ORDER BY first DESC, started DESC LIMIT 1 FOR UPDATE");
        if (rows.Count == 0)
        {
            return null;
        }

        long first = long.Parse(rows[0][1]!, CultureInfo.InvariantCulture);
        long started = long.Parse(rows[0][2]!, CultureInfo.InvariantCulture);
        if (started > job.Started)
        {
            throw new FillException("a later attempt stands in the target already");
        }

        return first <= job.First || job.Force
            ? ExportState.Token(first, started)
            : throw new FillException(
                $"the target holds {rows[0][0]}, which is later; `--force` puts the earlier one in its place");
    }

    private void Note(ExportJob job, ExportTally tally)
    {
        string export = MySqlText.Literal(job.Export.Name);
        if (job.Export.IsWhole)
        {
            // The table holds one interval: the last.
            Connection.Execute($"DELETE FROM {Control} WHERE export = {export}");
        }

        long rows = job.Export.Mode == ExportMode.Mirror ? job.Rows.Count - job.Rows.Rejected : tally.Rows;
        Connection.Execute(string.Create(
            CultureInfo.InvariantCulture,
            $"REPLACE INTO {Control} (export, `interval`, first, started, run, `rows`, hash) VALUES ({export}, "
            + $"{MySqlText.Literal(job.Interval)}, {job.First}, {job.Started}, {MySqlText.Literal(job.Run)}, {rows}, "
            + $"{MySqlText.Literal(job.Rows.Hash)})"));
    }

    /// <summary>The table as it is, made where there is none; MySQL commits around a CREATE.</summary>
    private (MySqlTable Table, bool IsNew) TableOf(ExportJob job)
    {
        MySqlTable? table = MySqlTable.Read(Connection, target.Table);
        bool isNew = table is null;
        if (table is null)
        {
            Connection.Execute(MySqlTable.Create(Table, job, Connection.IsMariaDb));
            table = MySqlTable.Read(Connection, target.Table)!;
        }

        if (!table.HasTransactions)
        {
            throw new FillException(
                $"the table {target.Table} is of {table.Engine}, which has no transactions; ALTER TABLE {Table} "
                + "ENGINE = InnoDB");
        }

        IEnumerable<(string Name, string Type)> wanted = job.Rows.Columns.Select(
            column => (column.Name, MySqlTable.TypeOf(column, Connection.IsMariaDb, isKey: false)));
        wanted = job.Export.Mode == ExportMode.Append
            ? wanted.Append((ExportRows.IntervalColumn, "varchar(64)")) : wanted;
        foreach ((string name, string type) in wanted)
        {
            if (!table.Columns.ContainsKey(name))
            {
                throw new FillException(
                    $"the table {target.Table} has no column \"{name}\"; add it: ALTER TABLE {Table} "
                    + $"ADD COLUMN {MySqlText.Identifier(name)} {type}");
            }
        }

        CheckKey(job, table);
        return (table, isNew);
    }

    /// <summary>ON DUPLICATE KEY means whichever unique index a row collides with: there may be one only.</summary>
    private void CheckKey(ExportJob job, MySqlTable table)
    {
        if (job.Export.Mode is ExportMode.Append or ExportMode.Swap)
        {
            return;
        }

        string key = string.Join(", ", job.Rows.Key.Select(MySqlText.Identifier));
        if (!table.Unique.Any(IsKey))
        {
            throw new FillException(
                $"rows are told apart by their key: CREATE UNIQUE INDEX naru ON {Table} ({key})");
        }

        if (table.Unique.FirstOrDefault(index => !IsKey(index)) is { IsDefault: false } other)
        {
            throw new FillException(
                $"the table {target.Table} has a second unique index, over {string.Join(", ", other)}: MySQL would put "
                + "a row in the place of one with another key; drop the index, or use `mode: swap`");
        }

        bool IsKey(ImmutableArray<string> index) => index.Length == job.Rows.Key.Length
            && index.All(column => job.Rows.Key.Contains(column, StringComparer.OrdinalIgnoreCase));
    }

    private string Hint(MySqlException exception) => exception switch
    {
        { IsDenied: true } =>
            $"; the user \"{target.User}\" needs SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP and CREATE "
            + $"TEMPORARY TABLES on {MySqlText.Identifier(target.Database)}",
        { Code: 1049 } => $"; create it: CREATE DATABASE {MySqlText.Identifier(target.Database)}",
        { Code: 2026 } => "; see `tls` and `tls_authorities` of the target",
        _ => "",
    };
}
