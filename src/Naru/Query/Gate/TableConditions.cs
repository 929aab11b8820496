using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Query.Gate;

/// <summary>How a column is held against constants.</summary>
internal enum ConditionKind
{
    /// <summary>It is one of the values.</summary>
    In,

    /// <summary>It is the value or above it.</summary>
    From,

    /// <summary>It is the value or below it.</summary>
    To,
}

/// <summary>
/// What holds for every row that one place of a statement takes from a table: `user_id = 'x'`, `p_ymd >= '2026-11-01'`.
/// </summary>
/// <param name="Column">As the table has it.</param>
/// <param name="Kind">How.</param>
/// <param name="Values">Texts and whole numbers as they are written, without quotes.</param>
/// <param name="IsText">They are texts; else whole numbers.</param>
internal sealed record ColumnCondition(string Column, ConditionKind Kind, ImmutableArray<string> Values, bool IsText);

/// <summary>One place of a statement that reads a table; no conditions: it may need every row.</summary>
internal sealed record TableRead(TableName Table, ImmutableArray<ColumnCondition> Conditions);

/// <summary>
/// The tables that one SELECT names in its FROM, and what its WHERE says of their rows for sure: comparisons of a
/// column with constants that stand alone or are joined by AND. Such a condition is not met by NULL, so it holds for
/// rows that an outer join would fill with NULL too, and for columns that joins hold equal to it. Joins that look for
/// the nearest row or count positions, samples, pivots and renamed columns make every row count: then nothing is said.
/// </summary>
internal sealed class TableConditions
{
    private readonly List<(TableDescription Table, string Name)> _tables = [];
    private readonly JoinedColumns _joins = new();
    private bool _isOpaque;

    /// <summary>A table of the FROM; under an alias when it has one.</summary>
    public void Add(TableDescription table, JsonElement reference)
    {
        string alias = reference.GetProperty("alias").GetString() ?? "";
        _tables.Add((table, alias.Length > 0 ? alias : reference.GetProperty("table_name").GetString()!));
        _isOpaque |= IsGiven(reference, "sample") || IsGiven(reference, "column_name_alias");
    }

    /// <summary>Anything in FROM, before what is in it.</summary>
    public void Look(JsonElement reference)
    {
        _joins.Look(reference);
        switch (reference.GetProperty("type").GetString())
        {
            case "JOIN":
                _isOpaque |= reference.GetProperty("ref_type").GetString() is not ("REGULAR" or "NATURAL" or "CROSS")
                    || !string.IsNullOrEmpty(reference.GetProperty("alias").GetString())
                    || IsGiven(reference, "sample");
                break;
            case "PIVOT":
                _isOpaque = true;
                break;
        }
    }

    /// <param name="select">The SELECT's node.</param>
    public IEnumerable<TableRead> Reads(JsonElement select)
    {
        JsonElement where = select.GetProperty("where_clause");
        List<(string? Table, ColumnCondition Condition)> found = [];
        bool isKnown = !_isOpaque && !_joins.IsOpaque && !IsGiven(select, "sample");
        if (isKnown)
        {
            Collect(where, found);
        }

        List<ColumnCondition>[] conditions = [.. _tables.Select(each => Own(each.Table, each.Name, found))];
        if (found.Count > 0 && _tables.Count > 1)
        {
            Spread(conditions, [.. _joins.Equal(_tables, where)]);
        }

        return _tables.Zip(conditions, static (table, own) => new TableRead(table.Table.Name, [.. own]));
    }

    private List<ColumnCondition> Own(
        TableDescription table, string name, List<(string? Table, ColumnCondition Condition)> found) =>
    [
        .. found.Where(each => !_joins.Hides(name) && (each.Table is null || SqlName.Same(each.Table, name)))
            .Select(each => Of(table, each.Condition)).OfType<ColumnCondition>(),
    ];

    /// <summary>Gives a table what is known of the columns of others that its own are equal to.</summary>
    private void Spread(List<ColumnCondition>[] conditions, (TableColumn A, TableColumn B)[] equal)
    {
        bool isMore = true;
        for (int round = 0; isMore && round < _tables.Count; round++)
        {
            isMore = false;
            foreach ((TableColumn a, TableColumn b) in equal)
            {
                isMore |= Spread(conditions, a, b) | Spread(conditions, b, a);
            }
        }
    }

    private bool Spread(List<ColumnCondition>[] conditions, TableColumn from, TableColumn to)
    {
        int source = _tables.FindIndex(each => SqlName.Same(each.Name, from.Table));
        int target = _tables.FindIndex(each => SqlName.Same(each.Name, to.Table));
        if (source < 0 || target < 0
            || ColumnOf(_tables[source].Table, from.Column) is not { } known
            || ColumnOf(_tables[target].Table, to.Column) is not { } equal

            // Texts and numbers that are compared after a cast may be equal and written differently.
            || known.Type != equal.Type)
        {
            return false;
        }

        ColumnCondition[] more =
        [
            .. conditions[source].Where(each => each.Column == known.Name)
                .Select(each => each with { Column = equal.Name })
                .Where(each => !conditions[target].Exists(own => own.Column == each.Column && own.Kind == each.Kind
                    && own.IsText == each.IsText && own.Values.SequenceEqual(each.Values))),
        ];
        conditions[target].AddRange(more);
        return more.Length > 0;
    }

    private static Column? ColumnOf(TableDescription table, string name) =>
        table.Schema.Columns.FirstOrDefault(column => SqlName.Same(column.Name, name));

    private static ColumnCondition? Of(TableDescription table, ColumnCondition condition) =>
        ColumnOf(table, condition.Column) is { } column
            ? condition with { Column = column.Name }
            : null;

    private static bool IsGiven(JsonElement node, string property) =>
        node.TryGetProperty(property, out JsonElement value) && value.ValueKind switch
        {
            JsonValueKind.Array => value.GetArrayLength() > 0,
            JsonValueKind.Null => false,
            _ => true,
        };

    private static void Collect(JsonElement expression, List<(string?, ColumnCondition)> found)
    {
        if (expression.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        string type = expression.GetProperty("type").GetString()!;
        switch (expression.GetProperty("class").GetString())
        {
            case "CONJUNCTION" when type == "CONJUNCTION_AND":
                foreach (JsonElement child in expression.GetProperty("children").EnumerateArray())
                {
                    Collect(child, found);
                }

                break;
            case "COMPARISON":
                Compare(type, expression.GetProperty("left"), expression.GetProperty("right"), found);
                Compare(Turned(type), expression.GetProperty("right"), expression.GetProperty("left"), found);
                break;
            case "BETWEEN":
                JsonElement input = expression.GetProperty("input");
                Compare("COMPARE_GREATERTHANOREQUALTO", input, expression.GetProperty("lower"), found);
                Compare("COMPARE_LESSTHANOREQUALTO", input, expression.GetProperty("upper"), found);
                break;
            case "OPERATOR" when type == "COMPARE_IN":
                In(expression.GetProperty("children"), found);
                break;
        }
    }

    private static string Turned(string type) => type switch
    {
        "COMPARE_GREATERTHAN" => "COMPARE_LESSTHAN",
        "COMPARE_GREATERTHANOREQUALTO" => "COMPARE_LESSTHANOREQUALTO",
        "COMPARE_LESSTHAN" => "COMPARE_GREATERTHAN",
        "COMPARE_LESSTHANOREQUALTO" => "COMPARE_GREATERTHANOREQUALTO",
        _ => type,
    };

    private static void Compare(
        string type, JsonElement column, JsonElement constant, List<(string?, ColumnCondition)> found)
    {
        ConditionKind? kind = type switch
        {
            "COMPARE_EQUAL" => ConditionKind.In,
            "COMPARE_GREATERTHAN" or "COMPARE_GREATERTHANOREQUALTO" => ConditionKind.From,
            "COMPARE_LESSTHAN" or "COMPARE_LESSTHANOREQUALTO" => ConditionKind.To,
            _ => null,
        };
        if (kind is { } known && TryColumn(column, out string? table, out string name)
            && TryConstant(constant, out string value, out bool isText))
        {
            found.Add((table, new ColumnCondition(name, known, [value], isText)));
        }
    }

    private static void In(JsonElement children, List<(string?, ColumnCondition)> found)
    {
        if (!TryColumn(children[0], out string? table, out string name))
        {
            return;
        }

        List<string> values = [];
        bool? texts = null;
        foreach (JsonElement child in children.EnumerateArray().Skip(1))
        {
            if (!TryConstant(child, out string value, out bool isText) || (texts ??= isText) != isText)
            {
                return;
            }

            values.Add(value);
        }

        found.Add((table, new ColumnCondition(name, ConditionKind.In, [.. values], texts ?? true)));
    }

    private static bool TryColumn(JsonElement expression, out string? table, out string name)
    {
        (table, name) = (null, "");
        if (expression.GetProperty("class").GetString() != "COLUMN_REF")
        {
            return false;
        }

        JsonElement names = expression.GetProperty("column_names");
        int count = names.GetArrayLength();
        if (count > 2)
        {
            return false;
        }

        table = count == 2 ? names[0].GetString() : null;
        name = names[count - 1].GetString()!;
        return true;
    }

    /// <summary>A text, a whole number, or a text that is cast to a date.</summary>
    private static bool TryConstant(JsonElement expression, out string value, out bool isText)
    {
        (value, isText) = ("", true);
        if (expression.GetProperty("class").GetString() == "CAST"
            && expression.GetProperty("cast_type").GetProperty("id").GetString() == "DATE")
        {
            return TryConstant(expression.GetProperty("child"), out value, out isText) && isText
                && DateOnly.TryParseExact(
                    value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
        }

        if (expression.GetProperty("class").GetString() != "CONSTANT")
        {
            return false;
        }

        JsonElement constant = expression.GetProperty("value");
        if (constant.GetProperty("is_null").GetBoolean() || !constant.TryGetProperty("value", out JsonElement given))
        {
            return false;
        }

        string type = constant.GetProperty("type").GetProperty("id").GetString()!;
        isText = type == "VARCHAR";
        value = given.ValueKind == JsonValueKind.String ? given.GetString()! : given.GetRawText();
        return isText ? given.ValueKind == JsonValueKind.String
            : type is "INTEGER" or "BIGINT" or "SMALLINT" or "TINYINT"
                && long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _);
    }
}
