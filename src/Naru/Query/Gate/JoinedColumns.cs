using System.Text.Json;
using Naru.Lake.Catalog;

namespace Naru.Query.Gate;

/// <summary>
/// The joins of one FROM: which names a SEMI or ANTI join hides from the rest of the statement, and which columns it
/// holds equal. What holds for one of two equal columns in every row of the result may be asked of the other as well:
/// rows of the other table with another value find no partner among the rows that count. That is so for outer joins
/// too, as long as the equality stands between the two sides of the join: a row that it leaves alone has NULL there,
/// which meets no condition.
/// </summary>
internal sealed class JoinedColumns
{
    private readonly List<JsonElement> _joins = [];
    private readonly Dictionary<string, int> _names = new(SqlName.Comparer);
    private readonly HashSet<string> _hidden = new(SqlName.Comparer);

    /// <summary>A join that holds rows together in a way that is not known here.</summary>
    public bool IsOpaque { get; private set; }

    /// <summary>Any reference of the FROM.</summary>
    public void Look(JsonElement reference)
    {
        if (reference.GetProperty("type").GetString() != "JOIN")
        {
            string name = NameOf(reference);
            _names[name] = _names.GetValueOrDefault(name) + 1;
            return;
        }

        string type = reference.GetProperty("join_type").GetString()!;
        IsOpaque |= type is not ("INNER" or "LEFT" or "RIGHT" or "FULL" or "SEMI" or "ANTI");
        _joins.Add(reference);
        if (type is "SEMI" or "ANTI")
        {
            _hidden.UnionWith(NamesOf(reference.GetProperty("right")));
        }
    }

    /// <summary>Conditions of the WHERE cannot mean this table's columns.</summary>
    public bool Hides(string name) => _hidden.Contains(name);

    /// <summary>Pairs of columns that are equal in every row that the joins or the WHERE put together.</summary>
    /// <param name="tables">Those of the FROM, with the names that the statement gives them.</param>
    /// <param name="where">The statement's WHERE.</param>
    public IEnumerable<(TableColumn A, TableColumn B)> Equal(
        IReadOnlyList<(TableDescription Table, string Name)> tables, JsonElement where)
    {
        List<(TableColumn A, TableColumn B)> equal = [];
        foreach (JsonElement join in _joins)
        {
            HashSet<string> left = new(NamesOf(join.GetProperty("left")), SqlName.Comparer);
            HashSet<string> right = new(NamesOf(join.GetProperty("right")), SqlName.Comparer);
            foreach ((TableColumn a, TableColumn b) in Comparisons(join.GetProperty("condition")))
            {
                if ((left.Contains(a.Table) && right.Contains(b.Table))
                    || (right.Contains(a.Table) && left.Contains(b.Table)))
                {
                    equal.Add((a, b));
                }
            }

            foreach (JsonElement column in join.GetProperty("using_columns").EnumerateArray())
            {
                string name = column.GetString()!;
                equal.AddRange(
                    from a in tables.Where(table => left.Contains(table.Name))
                    from b in tables.Where(table => right.Contains(table.Name))
                    select (new TableColumn(a.Name, name), new TableColumn(b.Name, name)));
            }
        }

        // Of two tables with one name it is not known which is meant.
        return equal.Concat(Comparisons(where)).Where(pair =>
            _names.GetValueOrDefault(pair.A.Table) == 1 && _names.GetValueOrDefault(pair.B.Table) == 1);
    }

    private static IEnumerable<(TableColumn A, TableColumn B)> Comparisons(JsonElement expression)
    {
        if (expression.ValueKind != JsonValueKind.Object)
        {
            return [];
        }

        string type = expression.GetProperty("type").GetString()!;
        return type switch
        {
            "CONJUNCTION_AND" => expression.GetProperty("children").EnumerateArray().SelectMany(Comparisons),
            "COMPARE_EQUAL" when TryColumn(expression.GetProperty("left"), out TableColumn a)
                && TryColumn(expression.GetProperty("right"), out TableColumn b) => [(a, b)],
            _ => [],
        };
    }

    private static bool TryColumn(JsonElement expression, out TableColumn column)
    {
        column = new TableColumn("", "");
        if (expression.GetProperty("class").GetString() != "COLUMN_REF")
        {
            return false;
        }

        JsonElement names = expression.GetProperty("column_names");
        if (names.GetArrayLength() != 2)
        {
            return false;
        }

        column = new TableColumn(names[0].GetString()!, names[1].GetString()!);
        return true;
    }

    /// <summary>Names that the rest of the statement may use of a part of the FROM.</summary>
    private static IEnumerable<string> NamesOf(JsonElement reference)
    {
        if (reference.GetProperty("type").GetString() != "JOIN")
        {
            return [NameOf(reference)];
        }

        IEnumerable<string> left = NamesOf(reference.GetProperty("left"));
        return reference.GetProperty("join_type").GetString() is "SEMI" or "ANTI"
            ? left
            : left.Concat(NamesOf(reference.GetProperty("right")));
    }

    private static string NameOf(JsonElement reference)
    {
        string alias = reference.GetProperty("alias").GetString() ?? "";
        return alias.Length > 0 || !reference.TryGetProperty("table_name", out JsonElement table)
            ? alias
            : table.GetString() ?? "";
    }
}

/// <summary>A column by the name that the statement has for its table.</summary>
internal readonly record struct TableColumn(string Table, string Column);
