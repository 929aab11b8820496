using System.Collections.Frozen;
using System.Text;
using Naru.Query.Gate;

namespace Naru.Archive;

/// <summary>
/// Names in a statement that may be those of tables: every `a.b`, and what follows FROM and JOIN. By them a text is
/// shown or not; what it may read when it runs is judged by the gate.
/// </summary>
internal static class SqlNames
{
    public static FrozenSet<string> In(params IEnumerable<string> texts)
    {
        HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
        foreach (string text in texts)
        {
            Add(text, names);
        }

        return names.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    }

    private static void Add(string text, HashSet<string> names)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        SqlLexer lexer = new(utf8);
        string? schema = null;
        string? word = null;
        bool dot = false;
        for (SqlToken token = lexer.Next(); token.Kind is not (SqlTokenKind.End or SqlTokenKind.Broken);
            token = lexer.Next())
        {
            string written = Encoding.UTF8.GetString(utf8, token.Start, token.End - token.Start);
            if (token.Kind is not (SqlTokenKind.Word or SqlTokenKind.QuotedName))
            {
                dot = written == "." && schema is not null;
                schema = dot ? schema : null;
                word = null;
                continue;
            }

            string name = token.Kind == SqlTokenKind.QuotedName
                ? written[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal) : written;
            if (dot && schema is not null)
            {
                names.Add($"{schema}.{name}");
            }
            else if (word is not null && (Same(word, "from") || Same(word, "join")))
            {
                names.Add(name);
            }

            schema = word = name;
            dot = false;
        }
    }

    private static bool Same(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);
}
