using System.Collections.Immutable;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Models;

namespace Naru.Sources;

/// <summary>Which columns of a server's table are read, and what they are called in the lake.</summary>
/// <param name="Columns">As they are read.</param>
/// <param name="Names">In the lake, in the same order.</param>
internal sealed record ColumnChoice(ImmutableArray<SourceColumn> Columns, ImmutableArray<string> Names)
{
    /// <summary>Throws <see cref="SourceException"/> for a choice that cannot be.</summary>
    /// <param name="snapshot">What the file says.</param>
    /// <param name="kind">Of the server.</param>
    /// <param name="table">As it is now.</param>
    /// <param name="gone">Columns that were there before: to choose them is no mistake.</param>
    /// <param name="frozen">Names in the lake that may be taken; null for all.</param>
    public static ColumnChoice Of(
        SnapshotDefinition snapshot,
        ISourceKind kind,
        SourceTable table,
        IReadOnlyCollection<string> gone,
        IReadOnlyCollection<string>? frozen)
    {
        table = kind.Shaped(table, snapshot);
        IEnumerable<string> named = snapshot.Columns.Concat(snapshot.Except).Concat(snapshot.Types.Keys);
        foreach (string name in named.Append(snapshot.Cursor).Where(static name => name.Length > 0))
        {
            if (table.Columns.All(column => column.Name != name) && !gone.Contains(name))
            {
                string? near = NearestName.Find(name, table.Columns.Select(static column => column.Name));
                throw new SourceException(
                    $"{table.Name} has no column {name}; "
                    + (near is null ? "see `naru source tables`" : $"did you mean {near}?"));
            }
        }

        List<SourceColumn> columns = [];
        List<string> names = [];
        foreach (SourceColumn column in table.Columns.Where(column => IsChosen(snapshot, column.Name)))
        {
            string lake = NameOf(table, column, names);
            if (frozen is not null && !frozen.Contains(lake))
            {
                continue;
            }

            columns.Add(Typed(snapshot, kind, table, column));
            names.Add(lake);
        }

        return columns.Count == 0
            ? throw new SourceException(
                $"no column of {table.Name} is chosen; see `columns` and `except` of the source")
            : new ColumnChoice([.. columns], [.. names]);
    }

    /// <summary>The table of the lake that takes them.</summary>
    public FilledTable Filled(SnapshotDefinition snapshot, bool isSharded)
    {
        List<Column> columns =
        [
            .. Columns.Select((column, index) => new Column(
                Names[index], column.Type, Nullable: true, LogTables.FirstFieldId + index)),
        ];
        if (isSharded)
        {
            columns.Add(new Column(
                SourceNames.Shard, ColumnType.String, Nullable: true, LogTables.FirstFieldId + columns.Count));
        }

        columns.AddRange(LogTables.PartitionColumns(snapshot.Every == IntervalKind.Hour));
        return new FilledTable(
            snapshot.Fills!.Value, new TableSchema([.. columns]), ModelFolder.PartitionOf(snapshot.Every),
            snapshot.Description);
    }

    public static bool IsChosen(SnapshotDefinition snapshot, string name) =>
        (snapshot.Columns.IsEmpty || snapshot.Columns.Contains(name)) && !snapshot.Except.Contains(name);

    private static string NameOf(SourceTable table, SourceColumn column, List<string> taken)
    {
        const string Hint = "leave it out with `except`, or read a view that names it otherwise";
        string? name = SourceNames.ColumnOf(column);
        if (name is null)
        {
            throw new SourceException(
                $"column \"{column.Name}\" of {table.Name} has a name that SQL cannot have; {Hint}");
        }

        if (name is LogTables.Ymd or LogTables.Hour || taken.Contains(name))
        {
            throw new SourceException(
                $"column \"{column.Name}\" of {table.Name} would be called {name}, as another one is; {Hint}");
        }

        return name;
    }

    private static string Word(ColumnType type) => type.Kind == ColumnKind.Json ? "json" : type.Sql;

    private static SourceColumn Typed(
        SnapshotDefinition snapshot, ISourceKind kind, SourceTable table, SourceColumn column)
    {
        if (!snapshot.Types.TryGetValue(column.Name, out ColumnType wanted))
        {
            return column;
        }

        return kind.ReadAs(column, wanted) ?? throw new SourceException(
            $"column {column.Name} of {table.Name} is {column.ServerType}, which cannot be read as {Word(wanted)}; "
            + "write another type in `types`, or text");
    }
}
