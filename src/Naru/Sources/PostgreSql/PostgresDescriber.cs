using System.Collections.Immutable;
using Npgsql;

namespace Naru.Sources.PostgreSql;

/// <summary>Reads a table's columns and key from PostgreSQL's catalog.</summary>
internal static class PostgresDescriber
{
    private const string TableSql =
        """
        SELECT c.oid::int8, c.relkind IN ('v', 'f'),
            CASE WHEN c.reltuples < 0 OR c.relkind IN ('v', 'f') THEN NULL ELSE c.reltuples::int8 END,
            CASE WHEN c.relkind IN ('v', 'f') THEN NULL ELSE pg_catalog.pg_total_relation_size(c.oid) END,
            ARRAY(SELECT a.attname::text FROM pg_catalog.pg_index i,
                unnest(i.indkey) WITH ORDINALITY AS k(number, place)
                JOIN pg_catalog.pg_attribute a ON a.attnum = k.number
                WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid ORDER BY k.place)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        """;

    /// <summary>Of a domain the type that it is made from, with the domain's own size.</summary>
    private const string ColumnsSql =
        """
        SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
            CASE WHEN b.typtype = 'b' THEN b.oid ELSE 0::oid END::int8,
            CASE WHEN b.typcategory = 'A' THEN b.typelem ELSE 0::oid END::int8,
            CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
            b.typtype = 'e'
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
            JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
        WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """;

    public static async Task<SourceTable?> DescribeAsync(
        NpgsqlConnection connection, SourceTableName name, CancellationToken cancellationToken)
    {
        SourceTable table;
        long id;
        await using (NpgsqlCommand command = new(TableSql, connection))
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name.Schema });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name.Name });
            await using NpgsqlDataReader reader =
                await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            if (!await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                return null;
            }

            id = reader.GetInt64(0);
            table = new SourceTable
            {
                Name = name,
                Columns = [],
                IsView = reader.GetBoolean(1),
                Rows = reader.IsDBNull(2) ? null : reader.GetInt64(2),
                Bytes = reader.IsDBNull(3) ? null : reader.GetInt64(3),
                Key = [.. reader.GetFieldValue<string[]>(4)],
            };
        }

        return table with { Columns = await ColumnsAsync(connection, id, cancellationToken).ConfigureAwait(false) };
    }

    private static async Task<ImmutableArray<SourceColumn>> ColumnsAsync(
        NpgsqlConnection connection, long id, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(ColumnsSql, connection);
        command.Parameters.Add(new NpgsqlParameter<uint>
        {
            TypedValue = (uint)id, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid,
        });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        ImmutableArray<SourceColumn>.Builder columns = ImmutableArray.CreateBuilder<SourceColumn>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            columns.Add(PostgresTypes.Column(new PostgresAttribute(
                reader.GetString(0),
                reader.GetString(1),
                (uint)reader.GetInt64(3),
                (uint)reader.GetInt64(4),
                reader.GetInt32(5),
                reader.GetBoolean(6),
                reader.GetBoolean(2))));
        }

        return columns.ToImmutable();
    }
}
