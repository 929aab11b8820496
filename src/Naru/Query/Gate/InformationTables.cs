using System.Collections.Immutable;
using System.Text;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Query.Gate;

/// <summary>
/// information_schema as one caller of `/v1/sql` sees it: tables made for the one query that reads them, from what the
/// caller may read. DuckDB's own of that name shows the instance's insides and cannot be replaced, so ours carries
/// another name of the same length, which the gate puts into the text.
/// </summary>
internal static class InformationTables
{
    public const string Schema = "information_schema";
    public const string InternalSchema = "information_tables";

    public static readonly ImmutableArray<string> Names = ["schemata", "tables", "columns"];

    public static bool IsSchema(string name) => SqlName.Same(name, Schema) || SqlName.Same(name, InternalSchema);

    /// <summary>It is one of these three.</summary>
    public static bool Has(VirtualTable table) => table.Schema == InternalSchema && Names.Contains(table.Name);

    /// <summary>Statements that make and fill the tables.</summary>
    public static IEnumerable<string> Sql(ImmutableArray<TableDescription> tables)
    {
        yield return $"CREATE SCHEMA IF NOT EXISTS {InternalSchema}";
        yield return $"CREATE TABLE {InternalSchema}.schemata (catalog_name VARCHAR, schema_name VARCHAR)";
        yield return $"CREATE TABLE {InternalSchema}.tables (table_catalog VARCHAR, table_schema VARCHAR, "
            + "table_name VARCHAR, table_type VARCHAR, table_comment VARCHAR)";
        yield return $"CREATE TABLE {InternalSchema}.columns (table_catalog VARCHAR, table_schema VARCHAR, "
            + "table_name VARCHAR, column_name VARCHAR, ordinal_position INTEGER, column_default VARCHAR, "
            + "is_nullable VARCHAR, data_type VARCHAR)";
        IEnumerable<string> schemas = tables.Select(static table => table.Name.Schema)
            .Concat(ReadableTables.SearchPath).Append(Schema).Distinct(StringComparer.Ordinal);
        IEnumerable<string> schemata = schemas.Select(static schema => $"({Catalog},{Literal(schema)})");
        foreach (string statement in Insert("schemata", schemata))
        {
            yield return statement;
        }

        foreach (string statement in Insert("tables", tables.Select(Table)))
        {
            yield return statement;
        }

        foreach (string statement in Insert("columns", tables.SelectMany(Columns)))
        {
            yield return statement;
        }
    }

    private static string Catalog => Literal(ReadableTables.Catalog);

    private static IEnumerable<string> Insert(string table, IEnumerable<string> rows)
    {
        const int RowsOfStatement = 500;
        foreach (string[] chunk in rows.Chunk(RowsOfStatement))
        {
            yield return $"INSERT INTO {InternalSchema}.{table} VALUES {string.Join(',', chunk)}";
        }
    }

    private static string Table(TableDescription table) =>
        $"({Catalog},{Literal(table.Name.Schema)},{Literal(table.Name.SqlName)},"
        + $"{(table.System ? "'SYSTEM TABLE'" : "'BASE TABLE'")},{Literal(table.Description)})";

    private static IEnumerable<string> Columns(TableDescription table)
    {
        int position = 0;
        foreach (Column column in table.Schema.Columns)
        {
            position++;
            StringBuilder row = new();
            row.Append('(').Append(Catalog).Append(',').Append(Literal(table.Name.Schema)).Append(',')
                .Append(Literal(table.Name.SqlName)).Append(',').Append(Literal(column.Name)).Append(',')
                .Append(position).Append(",NULL,").Append(column.Nullable ? "'YES'" : "'NO'").Append(',')
                .Append(Literal(column.Type.Sql)).Append(')');
            yield return row.ToString();
        }
    }

    private static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
