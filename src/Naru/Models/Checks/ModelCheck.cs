using System.Collections.Immutable;

namespace Naru.Models.Checks;

internal enum CheckSeverity
{
    /// <summary>Rows that do not hold are not committed.</summary>
    Fail,

    /// <summary>They are, and it is told.</summary>
    Warn,
}

internal enum CheckKind
{
    NotNull,
    Unique,
    AcceptedValues,
    Relationship,
    RowCount,
    NotEmpty,
    Holds,
    NoRows,
}

/// <summary>One `-- check:` of a model's header, as far as it can be read without the model's columns.</summary>
/// <param name="Kind">What is asked.</param>
/// <param name="Severity">What becomes of rows that do not hold.</param>
/// <param name="Text">The rule as it is written, on one line.</param>
/// <param name="Line">Of the file.</param>
/// <param name="Column">Of the line.</param>
internal sealed record WrittenCheck(CheckKind Kind, CheckSeverity Severity, string Text, int Line, int Column)
{
    /// <summary>Of the model's table.</summary>
    public ImmutableArray<string> Columns { get; init; } = [];

    /// <summary>Accepted values: literals of SQL.</summary>
    public ImmutableArray<string> Values { get; init; } = [];

    /// <summary>Relationship: the other table, as written.</summary>
    public string Table { get; init; } = "";

    /// <summary>Relationship: its column.</summary>
    public string Key { get; init; } = "";

    /// <summary>Row count: the share below, and above, what was to be expected; null is any.</summary>
    public RowBounds Bounds { get; init; }

    /// <summary>Holds and no rows: SQL.</summary>
    public string Body { get; init; } = "";
}

/// <summary>Shares of the expected number of rows: 0.5 is half of it fewer, or more. Null has no limit.</summary>
internal readonly record struct RowBounds(double? Fewer, double? More);

/// <summary>A check that is held against a model's columns: ready to be asked.</summary>
internal sealed record ModelCheck(WrittenCheck Written)
{
    public CheckKind Kind => Written.Kind;

    public CheckSeverity Severity => Written.Severity;

    public string Text => Written.Text;

    /// <summary>
    /// The rows that do not hold; null where only their number is asked. With a column <see cref="RowsColumn"/> each
    /// stands for so many.
    /// </summary>
    public ModelText? Offending { get; init; }

    /// <summary>How many rows do not hold.</summary>
    public ModelText? Count { get; init; }

    public const string RowsColumn = "_rows";
}
