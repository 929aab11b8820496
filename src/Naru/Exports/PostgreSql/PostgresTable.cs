using System.Collections.Immutable;
using System.Globalization;
using Npgsql;

namespace Naru.Exports.PostgreSql;

/// <summary>A table of the target: the type of each column, without its length or digits.</summary>
internal sealed record PostgresTable(ImmutableSortedDictionary<string, string> Columns)
{
    /// <summary>Null when there is none.</summary>
    public static async Task<PostgresTable?> ReadAsync(
        NpgsqlConnection connection, string table, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
            + "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
            connection);
        command.Parameters.Add(new NpgsqlParameter { Value = table });
        ImmutableSortedDictionary<string, string>.Builder columns =
            ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            columns[reader.GetString(0)] = reader.GetString(1);
        }

        return columns.Count == 0 ? null : new PostgresTable(columns.ToImmutable());
    }

    /// <summary>The statements that make it.</summary>
    public static string Create(
        string table, ImmutableArray<ExportColumn> columns, ImmutableArray<string> key, bool append)
    {
        List<string> parts =
        [
            .. columns.Select(static column => $"{PostgresText.Name(column.Name)} {TypeOf(column)}"),
        ];
        string index = "";
        if (append)
        {
            string interval = PostgresText.Name(ExportRows.IntervalColumn);
            parts.Add($"{interval} text NOT NULL");
            index = $"; CREATE INDEX ON {table} ({interval})";
        }
        else if (!key.IsEmpty)
        {
            parts.Add($"PRIMARY KEY ({string.Join(", ", key.Select(PostgresText.Name))})");
        }

        return $"CREATE TABLE {table} ({string.Join(", ", parts)}){index}";
    }

    public static string TypeOf(ExportColumn column) => column.Type switch
    {
        ExportType.Boolean => "boolean",
        ExportType.SmallInt => "smallint",
        ExportType.Integer => "integer",
        ExportType.BigInt => "bigint",
        ExportType.Decimal => string.Create(
            CultureInfo.InvariantCulture, $"numeric({column.Precision},{column.Scale})"),
        ExportType.Float => "real",
        ExportType.Double => "double precision",
        ExportType.Date => "date",
        ExportType.Time => "time",
        ExportType.Timestamp => "timestamp",
        ExportType.TimestampTz => "timestamptz",
        ExportType.Uuid => "uuid",
        ExportType.Json or ExportType.Nested => "jsonb",
        ExportType.Blob => "bytea",
        ExportType.TextList => "text[]",
        _ => "text",
    };
}
