namespace Naru.Query.Functions;

/// <summary>How a function that DuckDB lacks, or means otherwise, is made.</summary>
internal enum FunctionKind
{
    /// <summary>SQL, created in a query's own DuckDB when its statement names it.</summary>
    Macro,

    /// <summary>A call of other functions that is put in its place before the statement is judged.</summary>
    Rewrite,

    /// <summary>C#, registered in every session.</summary>
    Scalar,
}

/// <summary>One function of the registry; docs/sql-functions.md is made of these.</summary>
/// <param name="Form">Name and arguments, as people read them.</param>
/// <param name="Meaning">What it gives, in one line.</param>
internal sealed record OwnFunction(string Form, FunctionKind Kind, string Meaning)
{
    public string Name { get; } = Form[..Form.IndexOf('(')];

    /// <summary>
    /// A macro's parameters and body with its overloads; a rewrite's <see cref="CallTemplate"/>; empty for a scalar.
    /// </summary>
    public string Definition { get; init; } = "";

    /// <summary>What is not as in Trino.</summary>
    public string Differs { get; init; } = "";

    /// <summary>Calls with another number of arguments stay as they are; null for any number.</summary>
    public (int Least, int Most)? Arguments { get; init; }
}

/// <summary>Functions of one subject.</summary>
internal sealed record FunctionGroup(string Title, IReadOnlyList<OwnFunction> Functions)
{
    /// <summary>Words before the table, if any.</summary>
    public string Note { get; init; } = "";

    public static OwnFunction Macro(string form, string definition, string meaning) =>
        new(form, FunctionKind.Macro, meaning) { Definition = definition };

    public static OwnFunction Rewrite(string form, string template, string meaning) =>
        new(form, FunctionKind.Rewrite, meaning) { Definition = template };

    public static OwnFunction Scalar(string form, string meaning) => new(form, FunctionKind.Scalar, meaning);
}
