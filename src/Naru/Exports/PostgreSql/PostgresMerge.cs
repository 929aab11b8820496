using System.Collections.Immutable;
using System.Globalization;
using Naru.Core;
using Npgsql;

namespace Naru.Exports.PostgreSql;

/// <summary>What is merged, and into what.</summary>
internal sealed record PostgresMergeParts(string Name, PostgresTable Table, ExportJob Job);

/// <summary>
/// Puts staged rows into the table, batch by batch. A batch that fails for its values is undone and halved, down to the
/// rows that do not fit.
/// </summary>
internal sealed class PostgresMerge
{
    private readonly NpgsqlConnection _connection;
    private readonly PostgresMergeParts _parts;
    private readonly string _insert;
    private long _inserted;
    private long _updated;

    public PostgresMerge(NpgsqlConnection connection, PostgresMergeParts parts)
    {
        _connection = connection;
        _parts = parts;
        _insert = Insert();
    }

    private ExportRows Rows => _parts.Job.Rows;

    /// <summary>Staged rows that did not fit.</summary>
    public long Rejected { get; private set; }

    public async Task<(long Inserted, long Updated)> RunAsync(int batchRows, CancellationToken cancellationToken)
    {
        foreach ((long first, long last) in await BatchesAsync(batchRows, cancellationToken).ConfigureAwait(false))
        {
            await MergeAsync(first, last, cancellationToken).ConfigureAwait(false);
        }

        return (_inserted, _updated);
    }

    /// <summary>Takes out every row whose key was not staged.</summary>
    public string DeleteOthers()
    {
        string same = string.Join(" AND ", Rows.Key.Select(
            key => $"t.{PostgresText.Name(key)} = {Cast(key)}"));
        return $"DELETE FROM {_parts.Name} t WHERE NOT EXISTS (SELECT 1 FROM _naru_stage s WHERE {same})";
    }

    /// <summary>First and last number of the staged rows of each batch.</summary>
    private async Task<List<(long First, long Last)>> BatchesAsync(int rows, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(
            string.Create(
                CultureInfo.InvariantCulture,
                $"SELECT min(n), max(n) FROM (SELECT n, (row_number() OVER (ORDER BY n) - 1) / {rows} AS b ")
            + "FROM _naru_stage) numbered GROUP BY b ORDER BY 1",
            _connection);
        List<(long, long)> batches = [];
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            batches.Add((reader.GetInt64(0), reader.GetInt64(1)));
        }

        return batches;
    }

    private async Task MergeAsync(long first, long last, CancellationToken cancellationToken)
    {
        await ExecuteAsync("SAVEPOINT naru_batch", cancellationToken).ConfigureAwait(false);
        try
        {
            await using NpgsqlCommand command = new(_insert, _connection);
            command.Parameters.Add(new NpgsqlParameter { Value = first });
            command.Parameters.Add(new NpgsqlParameter { Value = last });
            await using (NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken)
                .ConfigureAwait(false))
            {
                await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                _inserted += reader.GetInt64(0);
                _updated += reader.GetInt64(1);
            }

            await ExecuteAsync("RELEASE SAVEPOINT naru_batch", cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException exception) when (IsOfValues(exception))
        {
            await ExecuteAsync("ROLLBACK TO SAVEPOINT naru_batch", cancellationToken).ConfigureAwait(false);
            await HalveAsync(first, last, exception, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task HalveAsync(
        long first, long last, PostgresException exception, CancellationToken cancellationToken)
    {
        if (first == last)
        {
            Rows.Reject(first, ReasonOf(exception));
            Rejected++;
            await ExecuteAsync(
                string.Create(CultureInfo.InvariantCulture, $"DELETE FROM _naru_stage WHERE n = {first}"),
                cancellationToken).ConfigureAwait(false);
            return;
        }

        await using NpgsqlCommand command = new(
            "SELECT max(n) FILTER (WHERE half = 1), min(n) FILTER (WHERE half = 2) FROM "
            + "(SELECT n, ntile(2) OVER (ORDER BY n) AS half FROM _naru_stage WHERE n BETWEEN $1 AND $2) halves",
            _connection);
        command.Parameters.Add(new NpgsqlParameter { Value = first });
        command.Parameters.Add(new NpgsqlParameter { Value = last });
        long middle;
        long next;
        await using (NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken)
            .ConfigureAwait(false))
        {
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            (middle, next) = (reader.GetInt64(0), reader.GetInt64(1));
        }

        Invariant.Hold(first <= middle && middle < next && next <= last);
        await MergeAsync(first, middle, cancellationToken).ConfigureAwait(false);
        await MergeAsync(next, last, cancellationToken).ConfigureAwait(false);
    }

    private string Insert()
    {
        ImmutableArray<ExportColumn> columns = Rows.Columns;
        string names = string.Join(", ", columns.Select(static column => PostgresText.Name(column.Name)));
        string cells = string.Join(", ", columns.Select(
            (column, i) => PostgresText.Cast(column, i, _parts.Table.Columns[column.Name], "s")));
        if (_parts.Job.Export.Mode == ExportMode.Append)
        {
            names += $", {PostgresText.Name(ExportRows.IntervalColumn)}";
            cells += ", s.i";
        }

        string put = $"INSERT INTO {_parts.Name} AS t ({names}) SELECT {cells} FROM _naru_stage s "
            + "WHERE s.n BETWEEN $1 AND $2";
        return _parts.Job.Export.Mode is ExportMode.Append or ExportMode.Swap
            ? $"WITH put AS ({put} RETURNING 1) SELECT count(*), 0::bigint FROM put"
            : $"WITH put AS ({put} ON CONFLICT ({string.Join(", ", Rows.Key.Select(PostgresText.Name))}) "
                + $"DO {Update()} RETURNING (xmax = 0) AS is_new) "
                + "SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM put";
    }

    /// <summary>Rows that are the same are left alone.</summary>
    private string Update()
    {
        string[] others =
        [
            .. Rows.Columns.Select(static column => column.Name).Where(name => !Rows.Key.Contains(name)),
        ];
        if (others.Length == 0)
        {
            return "NOTHING";
        }

        string sets = string.Join(", ", others.Select(PostgresText.Name).Select(
            static name => $"{name} = excluded.{name}"));
        string before = string.Join(", ", others.Select(name => Comparable("t", name)));
        string after = string.Join(", ", others.Select(name => Comparable("excluded", name)));
        return $"UPDATE SET {sets} WHERE ROW({before}) IS DISTINCT FROM ROW({after})";
    }

    /// <summary>Some types know no equality.</summary>
    private string Comparable(string side, string column)
    {
        bool plain = _parts.Table.Columns[column] is not ("json" or "xml" or "point");
        return $"{side}.{PostgresText.Name(column)}{(plain ? "" : "::text")}";
    }

    private string Cast(string key)
    {
        int at = Rows.Columns.IndexOf(Rows.Columns.Single(column => column.Name == key));
        return PostgresText.Cast(Rows.Columns[at], at, _parts.Table.Columns[key], "s");
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(sql, _connection);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Data exceptions, constraints, a trigger's own refusal, and rows too large for an index or a page.
    /// </summary>
    private static bool IsOfValues(PostgresException exception) =>
        exception.SqlState[..2] is "22" or "23" or "44" or "54" || exception.SqlState is "P0001" or "21000";

    private static string ReasonOf(PostgresException exception) =>
        exception.Detail is { Length: > 0 } detail ? $"{exception.MessageText} ({detail})" : exception.MessageText;
}
