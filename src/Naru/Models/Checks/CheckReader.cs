using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Query.Gate;
using Naru.Yaml;

namespace Naru.Models.Checks;

/// <summary>Reads `-- check: [fail|warn] RULE(…)` of a model's header.</summary>
internal static class CheckReader
{
    private const double PercentMax = 1_000_000;

    private static readonly ImmutableArray<(string Name, CheckKind Kind, string Example)> Rules =
    [
        ("not_null", CheckKind.NotNull, "not_null(user_id)"),
        ("unique", CheckKind.Unique, "unique(user_id, day)"),
        ("accepted_values", CheckKind.AcceptedValues, "accepted_values(kind, 'view', 'tap')"),
        ("relationship", CheckKind.Relationship, "relationship(shop_id, t2_shop.id)"),
        ("row_count", CheckKind.RowCount, "row_count(50%), or row_count(-30%, +200%)"),
        ("not_empty", CheckKind.NotEmpty, "not_empty"),
        ("holds", CheckKind.Holds, "holds(clicks <= impressions)"),
        ("no_rows", CheckKind.NoRows, "no_rows(SELECT * FROM $rows WHERE cost < 0)"),
    ];

    /// <summary>Null after a mistake was noted.</summary>
    public static WrittenCheck? Read(SqlHeaderEntry entry, MistakeList mistakes)
    {
        string text = entry.Value.Trim();
        CheckSeverity severity = CheckSeverity.Fail;
        int blank = text.IndexOfAny([' ', '\t']);
        if (blank > 0 && text[..blank] is "fail" or "warn")
        {
            severity = text[..blank] == "warn" ? CheckSeverity.Warn : CheckSeverity.Fail;
            text = text[blank..].TrimStart();
        }

        int open = text.IndexOf('(', StringComparison.Ordinal);
        string name = (open < 0 ? text : text[..open]).Trim();
        (string Name, CheckKind Kind, string Example) rule = Rules.FirstOrDefault(each => each.Name == name);
        if (rule.Name is null)
        {
            string[] names = [.. Rules.Select(static each => each.Name)];
            string? near = NearestName.Find(name, names);
            entry.Mistake(
                mistakes,
                $"there is no check '{name}'",
                near is null ? $"checks: {string.Join(", ", names)}" : $"did you mean '{near}'?");
            return null;
        }

        string? inside = open < 0 ? "" : text[^1] == ')' ? text[(open + 1)..^1].Trim() : null;
        WrittenCheck written = new(rule.Kind, severity, OneLine(text), entry.Line, entry.Column);
        WrittenCheck? read = inside is null || (open < 0 && rule.Kind != CheckKind.NotEmpty)
            ? null : Inside(written, inside);
        if (read is null)
        {
            entry.Mistake(
                mistakes, $"the check '{OneLine(text)}' cannot be read", $"write it as '-- check: {rule.Example}'");
        }

        return read;
    }

    private static WrittenCheck? Inside(WrittenCheck check, string inside)
    {
        switch (check.Kind)
        {
            case CheckKind.Holds or CheckKind.NoRows:
                return inside.Length == 0 ? null : check with { Body = inside };
            case CheckKind.NotEmpty:
                return inside.Length == 0 ? check : null;
            case CheckKind.RowCount:
                return Bounds(inside) is { } bounds ? check with { Bounds = bounds } : null;
        }

        if (Arguments(inside) is not { Count: > 0 } arguments)
        {
            return null;
        }

        return check.Kind switch
        {
            CheckKind.NotNull or CheckKind.Unique =>
                arguments.TrueForAll(static each => each is [{ IsName: true }])
                    ? check with { Columns = [.. arguments.Select(static each => each[0].Text)] } : null,
            CheckKind.AcceptedValues => AcceptedValues(check, arguments),
            _ => Relationship(check, arguments),
        };
    }

    private static WrittenCheck? AcceptedValues(WrittenCheck check, List<List<Word>> arguments) =>
        arguments.Count > 1 && arguments[0] is [{ IsName: true }]
        && arguments.Skip(1).All(static each => each is [{ IsLiteral: true }] or [{ Text: "-" }, { IsLiteral: true }])
            ? check with
            {
                Columns = [arguments[0][0].Text],
                Values = [.. arguments.Skip(1).Select(static each => string.Concat(each.Select(
                    static word => word.Written)))],
            }
            : null;

    /// <summary>A column, and `table.column` or `schema.table.column`.</summary>
    private static WrittenCheck? Relationship(WrittenCheck check, List<List<Word>> arguments)
    {
        if (arguments is not [[{ IsName: true } column], { Count: 3 or 5 } path])
        {
            return null;
        }

        bool dotted = path.Where(static (word, i) => i % 2 == 0 ? !word.IsName : word.Text != ".").FirstOrDefault()
            is null;
        return dotted
            ? check with
            {
                Columns = [column.Text],
                Table = string.Concat(path.SkipLast(2).Select(static word => word.Text)),
                Key = path[^1].Text,
            }
            : null;
    }

    private static RowBounds? Bounds(string text)
    {
        double? fewer = null;
        double? more = null;
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        foreach (string part in parts)
        {
            if (!part.EndsWith('%') || !double.TryParse(
                part.TrimStart('-', '+')[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                out double percent) || percent > PercentMax)
            {
                return null;
            }

            fewer = part[0] != '+' ? percent / 100 : fewer;
            more = part[0] != '-' ? percent / 100 : more;
        }

        return parts.Length <= 2 && (parts.Length == 1 || (fewer is not null && more is not null))
            ? new RowBounds(fewer, more) : null;
    }

    private static List<List<Word>>? Arguments(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        List<List<Word>> arguments = [[]];
        SqlLexer lexer = new(bytes);
        for (SqlToken token = lexer.Next(); token.Kind != SqlTokenKind.End; token = lexer.Next())
        {
            if (token.Kind == SqlTokenKind.Broken)
            {
                return null;
            }

            string word = Encoding.UTF8.GetString(bytes.AsSpan(token.Start, token.End - token.Start));
            if (word == ",")
            {
                arguments.Add([]);
            }
            else
            {
                arguments[^1].Add(new Word(token.Kind, word));
            }
        }

        return arguments;
    }

    private static string OneLine(string text) =>
        string.Join(' ', text.Split((char[])['\n', '\r', '\t', ' '], StringSplitOptions.RemoveEmptyEntries))
            .Replace("( ", "(", StringComparison.Ordinal).Replace(" )", ")", StringComparison.Ordinal);

    private sealed record Word(SqlTokenKind Kind, string Written)
    {
        public bool IsName => Kind is SqlTokenKind.Word or SqlTokenKind.QuotedName;

        public bool IsLiteral => Kind is SqlTokenKind.String or SqlTokenKind.Number
            || (Kind == SqlTokenKind.Word && Written is "true" or "false");

        /// <summary>A name without its quotes.</summary>
        public string Text => Kind == SqlTokenKind.QuotedName
            ? Written[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal) : Written;
    }
}
