using System.Collections.Immutable;

namespace Naru.Lake.Columns;

/// <summary>Columns in order. Immutable; equal by content.</summary>
public sealed class TableSchema : IEquatable<TableSchema>
{
    public TableSchema(ImmutableArray<Column> columns)
    {
        Core.Invariant.Hold(!columns.IsDefault && columns.All(static column => column.FieldId > 0));
        Columns = columns;
    }

    public ImmutableArray<Column> Columns { get; }

    /// <summary>Position of a column by name, or -1.</summary>
    public int IndexOf(string name)
    {
        for (int i = 0; i < Columns.Length; i++)
        {
            if (Columns[i].Name == name)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>The columns as CREATE TABLE takes them, without its brackets.</summary>
    public string ToSql() => string.Join(
        ", ", Columns.Select(static column => $"{Catalog.SqlIdentifier.Quote(column.Name)} {column.Type.Sql}"));

    public bool Equals(TableSchema? other) => other is not null && Columns.SequenceEqual(other.Columns);

    public override bool Equals(object? obj) => Equals(obj as TableSchema);

    public override int GetHashCode() => Columns.Length == 0 ? 0 : HashCode.Combine(Columns.Length, Columns[0].Name);
}
