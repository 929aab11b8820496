using System.Collections.Immutable;
using Naru.Lake.Columns;

namespace Naru.Sources;

/// <param name="Schema">Empty on servers where a database has none (MySQL).</param>
/// <param name="Name">As the server has it.</param>
internal readonly record struct SourceTableName(string Schema, string Name)
{
    /// <summary>As a file or a person names it: `public.orders`, `orders`.</summary>
    public static SourceTableName Parse(string text, string defaultSchema)
    {
        int dot = text.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && defaultSchema.Length > 0
            ? new SourceTableName(text[..dot], text[(dot + 1)..])
            : new SourceTableName(defaultSchema, text);
    }

    public override string ToString() => Schema.Length == 0 ? Name : $"{Schema}.{Name}";
}

/// <summary>A table as a list of tables shows it.</summary>
/// <param name="Name">Which.</param>
/// <param name="IsView">It has no rows of its own.</param>
/// <param name="Rows">About, as the server's own statistics say; null when it does not know.</param>
/// <param name="Bytes">With indexes; null when the server does not know.</param>
internal sealed record SourceTableSize(SourceTableName Name, bool IsView, long? Rows, long? Bytes);

/// <summary>A table of a server, as it is now.</summary>
internal sealed record SourceTable
{
    public required SourceTableName Name { get; init; }

    /// <summary>In the server's order.</summary>
    public required ImmutableArray<SourceColumn> Columns { get; init; }

    /// <summary>Columns of the primary key, in its order; empty without one.</summary>
    public ImmutableArray<string> Key { get; init; } = [];

    /// <summary>About.</summary>
    public long? Rows { get; init; }

    /// <summary>About.</summary>
    public long? Bytes { get; init; }

    public bool IsView { get; init; }

    /// <summary>What the source's file says of it, for the kind that reads it.</summary>
    public SourceTableOptions? Options { get; init; }
}

/// <summary>A column of a server, and what it is in the lake.</summary>
internal sealed record SourceColumn
{
    /// <summary>As the server has it.</summary>
    public required string Name { get; init; }

    /// <summary>What it is called in the lake; empty for its name, as far as SQL can have it.</summary>
    public string LakeName { get; init; } = "";

    /// <summary>The type in the server's words, with precision: `numeric(10,2)`. A change of it is told.</summary>
    public required string ServerType { get; init; }

    public required ColumnType Type { get; init; }

    public bool Nullable { get; init; } = true;

    /// <summary>
    /// Empty where every value of the server's type is the same value in the lake's. Otherwise how it is kept instead:
    /// `as text, in the server's notation`. Shown by `naru source tables` and told once a run.
    /// </summary>
    public string Note { get; init; } = "";

    /// <summary>The kind's own: how the value comes over the wire.</summary>
    public int Form { get; init; }
}

/// <summary>A part of a table. Made and read by one kind of server only.</summary>
/// <param name="Label">For messages: `album_id from 1 to 5000`.</param>
/// <param name="Condition">The kind's own; empty for the whole table.</param>
internal sealed record SourceChunk(string Label, string Condition)
{
    public static readonly SourceChunk Whole = new("all rows", "");
}

/// <summary>What is to be read.</summary>
internal sealed record SourceRead
{
    public required SourceTable Table { get; init; }

    /// <summary>Some of the table's, or read as other types.</summary>
    public required ImmutableArray<SourceColumn> Columns { get; init; }

    public SourceChunk Chunk { get; init; } = SourceChunk.Whole;

    /// <summary>Only rows whose value of this column is not less, where not null: incremental reading.</summary>
    public SourceFrom? From { get; init; }
}

/// <param name="Column">Which.</param>
/// <param name="Value">As <see cref="ISourceSnapshot.GreatestAsync"/> gave it.</param>
internal sealed record SourceFrom(SourceColumn Column, string Value);
