using System.Collections.Immutable;
using System.Text;
using Naru.Lake.Catalog;

namespace Naru.Access;

/// <summary>How one caller sees one table: which of its rows, and what stands for its columns.</summary>
internal sealed record TableRules
{
    public static readonly TableRules None = new();

    /// <summary>SQL over the table's columns; null shows every row.</summary>
    public string? Rows { get; init; }

    /// <summary>Column to the SQL that stands for it.</summary>
    public ImmutableSortedDictionary<string, string> Columns { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    public bool Plain => Rows is null && Columns.IsEmpty;

    /// <summary>
    /// Rights add up row by row: a row is shown if any of the grants shows it, and a column of it as the most generous
    /// of those that show that row does. So two roles together never show what neither of them shows.
    /// </summary>
    /// <param name="grants">Those that give the table.</param>
    /// <param name="table">Its full name.</param>
    /// <param name="user">Who asks, for <see cref="Grant.UserMark"/>.</param>
    public static TableRules Of(IReadOnlyList<Grant> grants, string table, string user)
    {
        if (grants.Any(grant => grant.RowsOf(table) is null && grant.MasksOf(table).IsEmpty))
        {
            return None;
        }

        bool all = grants.Any(grant => grant.RowsOf(table) is null);
        ImmutableSortedDictionary<string, string>.Builder columns =
            ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (string column in grants.SelectMany(grant => grant.MasksOf(table).Keys).Distinct())
        {
            if (Column(grants, table, column) is { } sql)
            {
                columns.Add(column, With(user, sql));
            }
        }

        return new TableRules
        {
            Rows = all ? null : With(user, AnyOf(grants, table)),
            Columns = columns.ToImmutable(),
        };
    }

    /// <summary>A name as SQL text.</summary>
    public static string With(string user, string sql) => sql.Replace(
        Grant.UserMark, $"'{user.Replace("'", "''", StringComparison.Ordinal)}'", StringComparison.Ordinal);

    /// <summary>Null where the column is shown as it is in every row that is shown.</summary>
    private static string? Column(IReadOnlyList<Grant> grants, string table, string column)
    {
        Grant[] open = [.. grants.Where(grant => !grant.MasksOf(table).ContainsKey(column))];
        if (open.Any(grant => grant.RowsOf(table) is null))
        {
            return null;
        }

        StringBuilder sql = new("CASE");
        if (open.Length > 0)
        {
            sql.Append($" WHEN {AnyOf(open, table)} THEN {SqlIdentifier.Quote(column)}");
        }

        foreach (Grant grant in grants.Where(grant => grant.MasksOf(table).ContainsKey(column)))
        {
            string mask = $"({grant.MasksOf(table)[column].Sql}\n)";
            string condition = grant.RowsOf(table) is { } rows ? $"({rows}\n)" : "true";
            sql.Append($" WHEN {condition} THEN {mask}");
        }

        return sql.Append(" END").ToString();
    }

    // The line break ends a comment that a condition may close with.
    private static string AnyOf(IEnumerable<Grant> grants, string table) =>
        string.Join(" OR ", grants.Select(grant => $"({grant.RowsOf(table)}\n)").Distinct());
}
