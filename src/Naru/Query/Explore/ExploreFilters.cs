using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Query.Explore;

/// <summary>Conditions of a form as SQL. Values go in as literals of the field's type, or are refused.</summary>
internal static partial class ExploreFilters
{
    public const int ValuesMax = 100;

    private static readonly ImmutableArray<string> OneValue =
        ["more", "at_least", "less", "at_most", "contains", "begins"];

    /// <summary>What may be wanted of a field.</summary>
    public static ImmutableArray<string> Words { get; } = ["is", "is_not", .. OneValue, "set", "not_set"];

    /// <param name="column">The field as it stands in the statement, quoted.</param>
    /// <param name="type">Its type.</param>
    /// <param name="filter">What is wanted of it.</param>
    public static string Sql(string column, ColumnType type, ExploreFilter filter)
    {
        IReadOnlyList<string> values = filter.Values ?? [];
        if (!Words.Contains(filter.Is))
        {
            throw Bad($"there is no condition \"{filter.Is}\"", $"conditions: {string.Join(", ", Words)}");
        }

        int most = filter.Is is "set" or "not_set" ? 0 : OneValue.Contains(filter.Is) ? 1 : ValuesMax;
        if (values.Count > most || (values.Count == 0 && most > 0))
        {
            throw Bad(
                $"the condition \"{filter.Is}\" on \"{filter.Field}\" has {values.Count} values",
                most == 0 ? "it takes none" : most == 1 ? "it takes one" : $"it takes 1 to {ValuesMax}");
        }

        return filter.Is switch
        {
            "set" => $"{column} IS NOT NULL",
            "not_set" => $"{column} IS NULL",
            "contains" => $"contains(lower({Text(column, type)}), lower({Literal(values[0])}))",
            "begins" => $"starts_with({Text(column, type)}, {Literal(values[0])})",
            "is" => Any(column, type, filter),
            "is_not" => $"({column} IS NULL OR NOT {Any(column, type, filter)})",
            _ => $"{column} {Sign(filter)} {Value(type, filter, values[0])}",
        };
    }

    public static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>A name as SQL takes it. Of the words that mean something to SQL few have an underscore.</summary>
    public static string Name(string name) => Plain().IsMatch(name)
        ? name
        : SqlIdentifier.Quote(name);

    private static string Sign(ExploreFilter filter) => filter.Is switch
    {
        "more" => ">",
        "at_least" => ">=",
        "less" => "<",
        _ => "<=",
    };

    private static string Text(string column, ColumnType type) =>
        type.Kind is ColumnKind.String or ColumnKind.Json ? column : $"CAST({column} AS VARCHAR)";

    private static string Any(string column, ColumnType type, ExploreFilter filter)
    {
        string list = string.Join(", ", filter.Values!.Select(value => Value(type, filter, value)));
        return type.Kind == ColumnKind.StringArray ? $"list_has_any({column}, [{list}])" : $"{column} IN ({list})";
    }

    private static string Value(ColumnType type, ExploreFilter filter, string value)
    {
        string wanted;
        switch (type.Kind)
        {
            case ColumnKind.Int32 or ColumnKind.Int64 or ColumnKind.Decimal or ColumnKind.Double:
                if (Number().IsMatch(value))
                {
                    return value;
                }

                wanted = "a number";
                break;
            case ColumnKind.Boolean:
                if (value is "true" or "false")
                {
                    return value;
                }

                wanted = "true or false";
                break;
            case ColumnKind.Date:
                if (DateOnly.TryParseExact(
                    value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _))
                {
                    return $"DATE '{value}'";
                }

                wanted = "a day such as 2026-05-04";
                break;
            case ColumnKind.Timestamp:
                if (Moment().IsMatch(value))
                {
                    return $"TIMESTAMPTZ '{value.Replace('T', ' ')}'";
                }

                wanted = "a time such as 2026-05-04 10:00";
                break;
            default:
                return Literal(value);
        }

        throw Bad($"\"{value}\" is no value of \"{filter.Field}\"", $"write {wanted}");
    }

    public static QueryException Bad(string message, string hint) =>
        new(new QueryError(QueryCodes.BadRequest, message) { Hint = hint });

    [GeneratedRegex(@"^(?!current_|session_user)[a-z]+[0-9]*_[a-z0-9_]+\z|^_[a-z][a-z0-9_]*\z")]
    private static partial Regex Plain();

    [GeneratedRegex(@"^-?[0-9]{1,38}(\.[0-9]{1,38})?\z")]
    private static partial Regex Number();

    [GeneratedRegex(@"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?\z")]
    private static partial Regex Moment();
}
