using System.Collections.Immutable;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.External;

/// <summary>One right file of `tables/`: files that others own, read as a table.</summary>
internal sealed record ExternalTable
{
    /// <summary>Where they all are in SQL.</summary>
    public const string Schema = "ext";

    public required string Name { get; init; }

    public string Description { get; init; } = "";

    public string Owner { get; init; } = "";

    public required LocationPattern Location { get; init; }

    public required OutsideFormat Format { get; init; }

    public CsvShape Csv { get; init; } = CsvShape.Usual;

    /// <summary>As the file says; empty: as the files are found to be.</summary>
    public ImmutableArray<Column> Columns { get; init; } = [];

    /// <summary>Columns of the table whose values stand in folders' names, in the location's order.</summary>
    public ImmutableArray<Column> Partitions { get; init; } = [];

    public ImmutableDictionary<string, string> Comments { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>No file is right; else it is a mistake, for a disk that is not mounted looks the same.</summary>
    public bool AllowsEmpty { get; init; }

    /// <summary>Changes with the definition.</summary>
    public required string Fingerprint { get; init; }

    public TableName Table => new(Schema, Name);

    public bool IsInferred => Columns.IsEmpty;

    /// <summary>The path of its definition.</summary>
    public string File => $"{ExternalFolder.Kind.Folder}/{Name}{ExternalFile.Extension}";

    /// <summary>Columns of the files, then those of their folders.</summary>
    public TableSchema SchemaOf(IEnumerable<Column> columns) => new(
    [
        .. columns.Where(column => Partitions.All(part => part.Name != column.Name)).Concat(Partitions)
            .Select(static (column, i) => column with { FieldId = i + 1 }),
    ]);
}

/// <summary>All right external tables. Immutable.</summary>
internal sealed record ExternalSet(ImmutableArray<ExternalTable> Tables)
{
    public static readonly ExternalSet Empty = new([]);

    public ExternalTable? Find(string name) =>
        Tables.FirstOrDefault(table => string.Equals(table.Name, name, StringComparison.Ordinal));
}
