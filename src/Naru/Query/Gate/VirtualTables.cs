using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Naru.Query.Gate;

/// <summary>A table that is made for the one query that reads it.</summary>
/// <param name="Schema">The name that it has in the query's own DuckDB.</param>
/// <param name="Name">In small letters.</param>
internal readonly record struct VirtualTable(string Schema, string Name);

/// <summary>
/// Names of Trino's own tables: `information_schema` of the catalogs `naru` and `system`, `system.jdbc`,
/// `system.metadata`, `system.runtime`. They stand in schemas of the same length, which the gate puts into the text;
/// those begin with an underscore, so that no schema of the lake is called so. What they hold:
/// <see cref="VirtualTableSql"/>.
/// </summary>
internal static class VirtualTables
{
    public const string SystemCatalog = "system";
    public const string Jdbc = "jdbc";
    public const string Metadata = "metadata";
    public const string Runtime = "runtime";
    private const string SystemInformation = "_nformation_system";

    /// <summary>Schemas of the catalog `system`.</summary>
    public static readonly ImmutableArray<string> SystemSchemas =
        [InformationTables.Schema, Jdbc, Metadata, Runtime];

    private static readonly FrozenDictionary<string, string> InternalNames = new Dictionary<string, string>
    {
        [InformationTables.Schema] = SystemInformation,
        [Jdbc] = "_dbc",
        [Metadata] = "_etadata",
        [Runtime] = "_untime",
    }.ToFrozenDictionary(SqlName.Comparer);

    private static readonly FrozenDictionary<string, ImmutableArray<string>> Names =
        new Dictionary<string, ImmutableArray<string>>
        {
            [InformationTables.InternalSchema] =
            [
                "applicable_roles", "columns", "enabled_roles", "roles", "schemata", "table_privileges", "tables",
                "views",
            ],
            [SystemInformation] =
            [
                "applicable_roles", "columns", "enabled_roles", "roles", "schemata", "table_privileges", "tables",
                "views",
            ],
            ["_dbc"] =
            [
                "attributes", "catalogs", "columns", "procedure_columns", "procedures", "pseudo_columns", "schemas",
                "super_tables", "super_types", "table_types", "tables", "types", "udts",
            ],
            ["_etadata"] =
            [
                "analyze_properties", "catalogs", "column_properties", "materialized_views", "schema_properties",
                "table_comments", "table_properties",
            ],
            ["_untime"] = ["nodes", "queries"],
        }.ToFrozenDictionary(SqlName.Comparer);

    /// <summary>What a schema is called in the query's own DuckDB; null when it is none of these.</summary>
    public static string? InternalSchema(string catalog, string schema) =>
        SqlName.Same(catalog, SystemCatalog) ? InternalNames.GetValueOrDefault(schema)
        : InformationTables.IsSchema(schema) ? InformationTables.InternalSchema
        : null;

    /// <summary>In alphabetical order.</summary>
    public static ImmutableArray<string> In(string internalSchema) => Names[internalSchema];

    public static bool IsSystem(string internalSchema) => internalSchema == SystemInformation;

    /// <summary>The engine's words with the names as they were written.</summary>
    public static string AsWritten(string text)
    {
        text = text.Replace(InformationTables.InternalSchema, InformationTables.Schema, StringComparison.Ordinal);
        foreach ((string name, string internalName) in InternalNames)
        {
            text = text.Replace(internalName + ".", $"{SystemCatalog}.{name}.", StringComparison.Ordinal);
        }

        return text;
    }
}
