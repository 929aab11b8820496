using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Query.Gate;
using Naru.Query.Results;
using Naru.Query.Trino;

namespace Naru.Query;

/// <summary>What virtual tables are made from.</summary>
/// <param name="Readable">What the caller may read: nothing else is listed.</param>
/// <param name="Queries">The caller's queries, or all for an administrator.</param>
/// <param name="PreciseTimes">Types of times name their digits.</param>
internal sealed record VirtualSource(
    ReadableTables Readable, Func<IReadOnlyList<QueryEntry>> Queries, bool PreciseTimes);

/// <summary>
/// Trino's own tables as views over two small tables of what the caller may read. Names, order and types of columns are
/// Trino's; drivers read them by position.
/// </summary>
internal static class VirtualTableSql
{
    private const string Base = "_base";

    /// <summary>Columns of the tables that are always empty here: varchar, unless a type follows.</summary>
    private static readonly FrozenDictionary<string, string> Empty = new Dictionary<string, string>
    {
        ["views"] = "table_catalog table_schema table_name view_definition",
        ["roles"] = "role_name",
        ["enabled_roles"] = "role_name",
        ["applicable_roles"] = "grantee grantee_type role_name is_grantable",
        ["table_privileges"] = "grantor grantor_type grantee grantee_type table_catalog table_schema table_name "
            + "privilege_type is_grantable with_hierarchy",
        ["attributes"] = "type_cat type_schem type_name attr_name data_type:bigint attr_type_name attr_size:bigint "
            + "decimal_digits:bigint num_prec_radix:bigint nullable:bigint remarks attr_def sql_data_type:bigint "
            + "sql_datetime_sub:bigint char_octet_length:bigint ordinal_position:bigint is_nullable scope_catalog "
            + "scope_schema scope_table source_data_type:bigint",
        ["procedures"] = "procedure_cat procedure_schem procedure_name remarks procedure_type:bigint specific_name",
        ["procedure_columns"] = "procedure_cat procedure_schem procedure_name column_name column_type:bigint "
            + "data_type:bigint type_name precision:bigint length:bigint scale:bigint radix:bigint nullable:bigint "
            + "remarks column_def sql_data_type:bigint sql_datetime_sub:bigint char_octet_length:bigint "
            + "ordinal_position:bigint is_nullable specific_name",
        ["pseudo_columns"] = "table_cat table_schem table_name column_name data_type:bigint column_size:bigint "
            + "decimal_digits:bigint num_prec_radix:bigint column_usage remarks char_octet_length:bigint is_nullable",
        ["super_tables"] = "table_cat table_schem table_name supertable_name",
        ["super_types"] = "type_cat type_schem type_name supertype_cat supertype_schem supertype_name",
        ["udts"] = "type_cat type_schem type_name class_name data_type:bigint remarks base_type:bigint",
        ["analyze_properties"] = "catalog_name property_name default_value type description",
        ["column_properties"] = "catalog_name property_name default_value type description",
        ["schema_properties"] = "catalog_name property_name default_value type description",
        ["table_properties"] = "catalog_name property_name default_value type description",
        ["materialized_views"] = "catalog_name schema_name name storage_catalog storage_schema storage_table freshness "
            + "last_fresh_time:timestamptz comment definition",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>`java.sql.Types` by the beginning of a type's name.</summary>
    private static readonly (string Type, int Number, int? Size)[] JdbcTypes =
    [
        ("boolean", 16, null), ("tinyint", -6, 3), ("smallint", 5, 5), ("integer", 4, 10), ("bigint", -5, 19),
        ("real", 7, 24), ("double", 8, 53), ("decimal", 3, null), ("varchar", 12, int.MaxValue),
        ("varbinary", -3, int.MaxValue), ("date", 91, 14), ("timestamp with time zone", 2014, 33),
        ("timestamp", 93, 26), ("time", 92, 15), ("array", 2003, null), ("map", 2000, null), ("row", 2000, null),
        ("json", 2000, null), ("uuid", 2000, null),
    ];

    /// <summary>Statements that make these tables, before the query's own views are used.</summary>
    public static IEnumerable<string> Make(IReadOnlyCollection<VirtualTable> tables, VirtualSource source)
    {
        yield return $"CREATE SCHEMA {Base}";
        foreach (string statement in Bases(source))
        {
            yield return statement;
        }

        foreach (string schema in tables.Select(static table => table.Schema).Distinct())
        {
            yield return $"CREATE SCHEMA {schema}";
        }

        foreach (VirtualTable table in tables)
        {
            yield return $"CREATE VIEW {table.Schema}.{table.Name} AS {Query(table, source)}";
        }
    }

    private static IEnumerable<string> Bases(VirtualSource source)
    {
        ImmutableArray<TableDescription> tables = source.Readable.All;
        IEnumerable<string> schemas = tables.Select(static table => table.Name.Schema)
            .Concat(ReadableTables.SearchPath).Append(InformationTables.Schema).Distinct(StringComparer.Ordinal);
        yield return $"CREATE TABLE {Base}.schemas (schema VARCHAR)";
        yield return $"CREATE TABLE {Base}.tables (schema VARCHAR, name VARCHAR, comment VARCHAR)";
        yield return $"CREATE TABLE {Base}.columns (schema VARCHAR, tab VARCHAR, name VARCHAR, position BIGINT, "
            + "nullable BOOLEAN, type VARCHAR, jdbc BIGINT, size BIGINT, digits BIGINT, comment VARCHAR)";
        IEnumerable<string> rows = Insert("schemas", schemas.Select(static name => $"({Literal(name)})"))
            .Concat(Insert("tables", tables.Select(static table =>
                $"({Literal(table.Name.Schema)},{Literal(table.Name.SqlName)},{Literal(table.Description)})")))
            .Concat(Insert("columns", tables.SelectMany(table => Columns(table, source.PreciseTimes))));
        foreach (string statement in rows)
        {
            yield return statement;
        }
    }

    private static IEnumerable<string> Columns(TableDescription table, bool precise)
    {
        int position = 0;
        foreach (Column column in table.Schema.Columns)
        {
            position++;
            TrinoType type = TrinoType.Of(column.Type, precise);
            (string _, int number, int? size) = JdbcTypes.First(known => known.Type == type.Raw);
            bool isDecimal = column.Type.Kind == ColumnKind.Decimal;
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"({Literal(table.Name.Schema)},{Literal(table.Name.SqlName)},{Literal(column.Name)},{position},")
                + $"{column.Nullable},{Literal(type.Name)},{Number(number)},"
                + $"{Number(isDecimal ? column.Type.Precision : size)},"
                + $"{Number(isDecimal ? column.Type.Scale : null)},{Comment(table, column)})";
        }
    }

    private static string Comment(TableDescription table, Column column) =>
        table.Comments.TryGetValue(column.Name, out string? comment) ? Literal(comment) : "NULL";

    private static IEnumerable<string> Insert(string table, IEnumerable<string> rows)
    {
        const int RowsOfStatement = 500;
        return rows.Chunk(RowsOfStatement)
            .Select(chunk => $"INSERT INTO {Base}.{table} VALUES {string.Join(',', chunk)}");
    }

    private static string Query(VirtualTable table, VirtualSource source)
    {
        if (Empty.TryGetValue(table.Name, out string? columns))
        {
            IEnumerable<string> nulls = columns.Split(' ').Select(static column => column.Split(':'))
                .Select(static column => $"CAST(NULL AS {(column.Length > 1 ? column[1] : "VARCHAR")}) AS {column[0]}");
            return $"SELECT {string.Join(", ", nulls)} WHERE false";
        }

        string catalog = Literal(ReadableTables.Catalog);
        return (VirtualTables.IsSystem(table.Schema) ? "system." : "", table.Schema, table.Name) switch
        {
            ("system.", _, "schemata") => $"SELECT 'system' AS catalog_name, unnest({SystemSchemas}) AS schema_name",
            ("system.", _, "tables") => $"SELECT {catalog} AS table_catalog, schema AS table_schema, "
                + $"name AS table_name, 'BASE TABLE' AS table_type FROM {Base}.tables WHERE false",
            ("system.", _, _) => $"SELECT * FROM ({InformationColumns(catalog)}) WHERE false",
            (_, InformationTables.InternalSchema, "schemata") =>
                $"SELECT {catalog} AS catalog_name, schema AS schema_name FROM {Base}.schemas",
            (_, InformationTables.InternalSchema, "tables") => $"SELECT {catalog} AS table_catalog, "
                + $"schema AS table_schema, name AS table_name, 'BASE TABLE' AS table_type FROM {Base}.tables",
            (_, InformationTables.InternalSchema, _) => InformationColumns(catalog),
            (_, _, "catalogs") when table.Schema == "_dbc" => $"SELECT unnest([{catalog}, 'system']) AS table_cat",
            (_, _, "schemas") => $"SELECT schema AS table_schem, {catalog} AS table_catalog FROM {Base}.schemas "
                + $"UNION ALL SELECT unnest({SystemSchemas}), 'system'",
            (_, _, "table_types") => "SELECT unnest(['TABLE', 'VIEW']) AS table_type",
            (_, _, "tables") => $"SELECT {catalog} AS table_cat, schema AS table_schem, name AS table_name, "
                + "'TABLE' AS table_type, comment AS remarks, CAST(NULL AS VARCHAR) AS type_cat, "
                + "CAST(NULL AS VARCHAR) AS type_schem, CAST(NULL AS VARCHAR) AS type_name, "
                + "CAST(NULL AS VARCHAR) AS self_referencing_col_name, CAST(NULL AS VARCHAR) AS ref_generation "
                + $"FROM {Base}.tables",
            (_, _, "columns") => JdbcColumns(catalog),
            (_, _, "types") => Types(),
            (_, _, "catalogs") => "SELECT name AS catalog_name, name AS connector_id, name AS connector_name "
                + $"FROM (SELECT unnest([{catalog}, 'system']) AS name)",
            (_, _, "table_comments") => $"SELECT {catalog} AS catalog_name, schema AS schema_name, "
                + $"name AS table_name, nullif(comment, '') AS comment FROM {Base}.tables",
            (_, _, "nodes") => "SELECT 'naru' AS node_id, 'http://localhost' AS http_uri, "
                + $"{Literal(TrinoServer.Version)} AS node_version, true AS coordinator, 'active' AS state",
            _ => Queries(source.Queries()),
        };
    }

    private static string SystemSchemas =>
        $"[{string.Join(", ", VirtualTables.SystemSchemas.Select(Literal))}]";

    private static string InformationColumns(string catalog) => $"SELECT {catalog} AS table_catalog, "
        + "schema AS table_schema, tab AS table_name, name AS column_name, position AS ordinal_position, "
        + "CAST(NULL AS VARCHAR) AS column_default, CASE WHEN nullable THEN 'YES' ELSE 'NO' END AS is_nullable, "
        + $"type AS data_type, comment, CAST(NULL AS VARCHAR) AS extra_info "
        + $"FROM {Base}.columns";

    private static string JdbcColumns(string catalog) => $"SELECT {catalog} AS table_cat, schema AS table_schem, "
        + "tab AS table_name, name AS column_name, jdbc AS data_type, type AS type_name, size AS column_size, "
        + "CAST(NULL AS BIGINT) AS buffer_length, digits AS decimal_digits, "
        + "CASE WHEN type IN ('integer', 'bigint', 'double') OR type LIKE 'decimal%' THEN 10 END::BIGINT "
        + "AS num_prec_radix, CASE WHEN nullable THEN 1 ELSE 0 END::BIGINT AS nullable, "
        + "comment AS remarks, CAST(NULL AS VARCHAR) AS column_def, "
        + "CAST(NULL AS BIGINT) AS sql_data_type, CAST(NULL AS BIGINT) AS sql_datetime_sub, "
        + "CASE WHEN type = 'varchar' THEN size END AS char_octet_length, position AS ordinal_position, "
        + "CASE WHEN nullable THEN 'YES' ELSE 'NO' END AS is_nullable, CAST(NULL AS VARCHAR) AS scope_catalog, "
        + "CAST(NULL AS VARCHAR) AS scope_schema, CAST(NULL AS VARCHAR) AS scope_table, "
        + "CAST(NULL AS BIGINT) AS source_data_type, CAST(NULL AS VARCHAR) AS is_autoincrement, "
        + $"CAST(NULL AS VARCHAR) AS is_generatedcolumn FROM {Base}.columns";

    /// <summary>As `DatabaseMetaData.getTypeInfo` wants them: nullable (1), searchable (3), signed numbers.</summary>
    private static string Types()
    {
        IEnumerable<string> rows = JdbcTypes.Select(static type =>
        {
            bool number = type.Type is "tinyint" or "smallint" or "integer" or "bigint" or "real" or "double"
                or "decimal";
            string quote = type.Type == "varchar" ? "''''" : "NULL";
            return $"({Literal(type.Type)}, {Number(type.Number)}, {Number(type.Size)}, {quote}, {quote}, NULL, 1, "
                + $"{type.Type == "varchar"}, 3, {!number}, false, false, NULL, 0, 0, NULL, NULL, "
                + $"{(number ? "10" : "NULL")})";
        });
        return "SELECT CAST(a AS VARCHAR) AS type_name, CAST(b AS BIGINT) AS data_type, CAST(c AS BIGINT) AS "
            + "precision, CAST(d AS VARCHAR) AS literal_prefix, CAST(e AS VARCHAR) AS literal_suffix, "
            + "CAST(f AS VARCHAR) AS create_params, CAST(g AS BIGINT) AS nullable, h AS case_sensitive, "
            + "CAST(i AS BIGINT) AS searchable, j AS unsigned_attribute, k AS fixed_prec_scale, l AS auto_increment, "
            + "CAST(m AS VARCHAR) AS local_type_name, CAST(n AS BIGINT) AS minimum_scale, "
            + "CAST(o AS BIGINT) AS maximum_scale, CAST(p AS BIGINT) AS sql_data_type, "
            + "CAST(q AS BIGINT) AS sql_datetime_sub, CAST(r AS BIGINT) AS num_prec_radix "
            + $"FROM (VALUES {string.Join(", ", rows)}) t(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r)";
    }

    private static string Queries(IReadOnlyList<QueryEntry> queries)
    {
        StringBuilder sql = new();
        foreach (QueryEntry query in queries)
        {
            TrinoErrorCode? code = query.Error is { } error ? TrinoErrors.Of(error).Code : null;
            string created = query.StartedAt.ToString("yyyy-MM-dd HH:mm:ss.ffffffzzz", CultureInfo.InvariantCulture);
            bool over = query.State is not (QueryState.Waiting or QueryState.Running);
            string end = over ? $"TIMESTAMPTZ {Literal(created)} + to_milliseconds({Number((long)query.Milliseconds)})"
                : "NULL";
            sql.Append(sql.Length == 0 ? "(" : ", (").Append(Literal(query.Id)).Append(", ")
                .Append(Literal(TrinoJson.StateName(query.State))).Append(", ").Append(Literal(query.Owner))
                .Append(", ").Append(Literal(query.Sql)).Append(", TIMESTAMPTZ ").Append(Literal(created)).Append(", ")
                .Append(end).Append(", ").Append(code is null ? "NULL" : Literal(code.Type)).Append(", ")
                .Append(code is null ? "NULL" : Literal(code.Name)).Append(')');
        }

        string rows = sql.Length == 0 ? "(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)" : sql.ToString();
        return "SELECT CAST(a AS VARCHAR) AS query_id, CAST(b AS VARCHAR) AS state, CAST(c AS VARCHAR) AS \"user\", "
            + "CAST(NULL AS VARCHAR) AS source, CAST(d AS VARCHAR) AS query, CAST([] AS VARCHAR[]) AS "
            + "resource_group_id, CAST(0 AS BIGINT) AS queued_time_ms, CAST(0 AS BIGINT) AS analysis_time_ms, "
            + "CAST(0 AS BIGINT) AS planning_time_ms, CAST(e AS TIMESTAMPTZ) AS created, "
            + "CAST(e AS TIMESTAMPTZ) AS started, CAST(NULL AS TIMESTAMPTZ) AS last_heartbeat, "
            + "CAST(f AS TIMESTAMPTZ) AS \"end\", CAST(g AS VARCHAR) AS error_type, CAST(h AS VARCHAR) AS error_code "
            + $"FROM (VALUES {rows}) t(a, b, c, d, e, f, g, h) WHERE a IS NOT NULL";
    }

    private static string Number(long? number) =>
        number is long value ? value.ToString(CultureInfo.InvariantCulture) : "NULL";

    private static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
