using Naru.Query.Worker;

namespace Naru.Query.Trino;

/// <summary>How a statement is answered.</summary>
internal abstract record TrinoPlan;

/// <summary>By a worker.</summary>
/// <param name="Edits">The text that it is given.</param>
/// <param name="Shape">What its answer is made into.</param>
internal sealed record AskPlan(StatementEdits Edits, AskShape Shape) : TrinoPlan
{
    /// <summary>`EXPLAIN`, `EXPLAIN ANALYZE`, `EXPLAIN (FORMAT JSON)`: put before the text.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Where the text stands in what the client sent.</summary>
    public (int Line, int Column) Origin { get; init; } = (1, 1);
}

internal enum AskShape
{
    /// <summary>Rows as they come.</summary>
    Rows,

    /// <summary>A plan: one column, `Query Plan`.</summary>
    Plan,

    /// <summary>Whether it is a statement at all: `Valid`.</summary>
    Valid,

    /// <summary>The columns that it would give: DESCRIBE OUTPUT.</summary>
    Columns,

    /// <summary>The same, as DESCRIBE of a table tells them.</summary>
    Described,
}

/// <summary>From what the server itself knows.</summary>
/// <param name="Columns">Their names and types.</param>
/// <param name="Rows">Strings, numbers, booleans and nulls.</param>
internal sealed record RowsPlan(IReadOnlyList<ResultColumn> Columns, IReadOnlyList<object?[]> Rows) : TrinoPlan;

/// <summary>By a change of the client's session.</summary>
/// <param name="UpdateType">What it did.</param>
/// <param name="Headers">Without their prefix.</param>
internal sealed record UpdatePlan(string UpdateType, params IReadOnlyList<KeyValuePair<string, string>> Headers)
    : TrinoPlan;
