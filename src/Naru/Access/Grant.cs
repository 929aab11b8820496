using System.Collections.Immutable;
using Naru.Lake.Catalog;

namespace Naru.Access;

/// <summary>What stands for a column: as the file says it, and as SQL over the table's columns.</summary>
internal sealed record ColumnMask(string Written, string Sql);

/// <summary>
/// What one role gives, or a key's own patterns. Patterns of full names: `*`, `kr_shop.*` or `kr_shop.page_view`.
/// </summary>
internal sealed record Grant
{
    /// <summary>Where <see cref="Rows"/> and masks say who asks.</summary>
    public const string UserMark = "{{user}}";

    /// <summary>Schemas whose rows are made of those of logs.</summary>
    private static readonly ImmutableArray<string> DerivedSchemas = ["agg", "mart", "naru"];

    /// <summary>The role's; empty for a key's own.</summary>
    public string Name { get; init; } = "";

    public string Description { get; init; } = "";

    public IReadOnlyList<string> Write { get; init; } = [];

    public IReadOnlyList<string> Read { get; init; } = [];

    /// <summary>Tables whose secure and raw groups may be read; a read right is needed too.</summary>
    public IReadOnlyList<string> Secure { get; init; } = [];

    /// <summary>By full name of the table: the condition of the rows that are shown.</summary>
    public ImmutableSortedDictionary<string, string> Rows { get; init; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <summary>By full name of the table, then by column.</summary>
    public ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, ColumnMask>> Masks { get; init; } =
        ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, ColumnMask>>(
            StringComparer.Ordinal);

    public bool Administer { get; init; }

    public bool HasRules => Rows.Count + Masks.Count > 0;

    public bool Writes(string log) => Matches(Write, log, derivedToo: true);

    /// <summary>
    /// With rules, `*` means the logs: what was counted from hidden rows is given by name or by schema only.
    /// </summary>
    public bool Reads(string name) => Matches(Read, name, derivedToo: !HasRules);

    public bool Secures(string name) => Matches(Secure, name, derivedToo: !HasRules);

    public string? RowsOf(string name) => Rows.GetValueOrDefault(name);

    public ImmutableSortedDictionary<string, ColumnMask> MasksOf(string name) =>
        Masks.GetValueOrDefault(name) ?? ImmutableSortedDictionary<string, ColumnMask>.Empty;

    public static string NameOf(TableName table) => $"{table.Schema}.{table.Name}";

    /// <param name="patterns">Of full names.</param>
    /// <param name="name">A full name.</param>
    /// <param name="derivedToo">`*` means tables that are made from logs, too.</param>
    public static bool Matches(IReadOnlyList<string> patterns, string name, bool derivedToo)
    {
        foreach (string pattern in patterns)
        {
            // What everybody asked is for whom it is given by name.
            bool matches = pattern == name || (name != AuditTable.FullName && (pattern == "*"
                ? derivedToo || !IsDerived(name)
                : pattern.EndsWith(".*", StringComparison.Ordinal)
                    && name.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal)));
            if (matches)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsDerived(string name)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && DerivedSchemas.Contains(name[..dot]);
    }
}
