namespace Naru.Stream.Aggregate;

/// <summary>
/// Rows to be counted: event times, ids, keys and arguments of one source, over one set of columns. Row numbers are
/// positions in the views.
/// </summary>
internal sealed class InputRows(ColumnView times, ColumnView ids, ColumnView[] keys, ColumnView[] arguments)
{
    /// <summary>Derived event times.</summary>
    public ColumnView Times { get; } = times;

    /// <summary>`_id` as text.</summary>
    public ColumnView Ids { get; } = ids;

    public ColumnView[] Keys { get; } = keys;

    public ColumnView[] Arguments { get; } = arguments;
}

/// <summary>Some of the rows, and for each the group that it belongs to.</summary>
internal readonly ref struct RowGroups(ReadOnlySpan<int> rows, ReadOnlySpan<int> groups)
{
    public ReadOnlySpan<int> Rows { get; } = rows;

    public ReadOnlySpan<int> Groups { get; } = groups;

    public int Count => Rows.Length;
}
