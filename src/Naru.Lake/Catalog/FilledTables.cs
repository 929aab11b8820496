using System.Collections.Immutable;
using Naru.Lake.Columns;
using Naru.Lake.Delta;

namespace Naru.Lake.Catalog;

/// <summary>A table that another slice than the stream fills, an interval at a time: a model's result.</summary>
public sealed record FilledTable(
    TableName Name, TableSchema Columns, ImmutableArray<string> PartitionColumns, string Description)
{
    /// <summary>Where they all are in SQL.</summary>
    public const string Schema = "mart";

    /// <summary>How long after its end a day stays hot; null: as the project's settings say.</summary>
    public TimeSpan? HotFor { get; init; }

    /// <summary>How long after its end it stays warm at most.</summary>
    public TimeSpan? WarmFor { get; init; }
}

/// <summary>Which such tables there are. <see cref="Current"/> is another array when they changed.</summary>
public interface IFilledTables
{
    ImmutableArray<FilledTable> Current { get; }
}

/// <summary>The open tables of the lake, for slices that fill tables of their own.</summary>
public interface ITableStore
{
    /// <summary>The table, or null when nothing was written to it yet.</summary>
    DeltaTable? Find(TableName name);

    DeltaTable FindOrCreate(FilledTable table);

    /// <summary>Deletes a table; false while somebody reads it.</summary>
    bool Delete(TableName name);
}
