using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Query.Worker;

/// <summary>A column of a file: its name, and its type in DuckDB's words.</summary>
internal sealed record FileColumn(string Name, string Type)
{
    public static FileColumn Of(Column column) => new(column.Name, column.Type.Sql);
}

/// <summary>Files of others, and what they should hold. The worker makes SQL of it: it alone looks into them.</summary>
internal sealed record FileRead
{
    /// <summary>Stands in a statement where a table of these files belongs.</summary>
    public const string Mark = "\u0001files\u0001";

    /// <summary>For messages.</summary>
    public required string Table { get; init; }

    public required OutsideFormat Format { get; init; }

    public required CsvShape Csv { get; init; }

    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>Of the files themselves.</summary>
    public required IReadOnlyList<FileColumn> Columns { get; init; }

    /// <summary>Those whose values stand in folders' names.</summary>
    public required IReadOnlyList<FileColumn> Partitions { get; init; }

    public static FileRead Of(TableSnapshot table) => new()
    {
        Table = table.Name.ToString(),
        Format = table.Outside!.Format,
        Csv = table.Outside.Csv,
        Files = table.Files,
        Columns =
        [
            .. table.Schema.Columns.Where(column => !table.PartitionColumns.Contains(column.Name))
                .Select(column => table.Outside.Format == OutsideFormat.Ndjson && column.Type.Kind == ColumnKind.Json
                    ? new FileColumn(column.Name, "JSON") : FileColumn.Of(column)),
        ],
        Partitions =
        [
            .. table.PartitionColumns.Select(name => FileColumn.Of(table.Schema.Columns[table.Schema.IndexOf(name)])),
        ],
    };
}

/// <summary>Files of others that are not as their table says.</summary>
internal sealed class FilesException(string table, string message) : Exception(message)
{
    public string Table { get; } = table;
}
