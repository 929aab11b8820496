using System.Text;
using Naru.Query;

namespace Naru.Cli.Sql;

/// <summary>
/// An error as a person reads it: the fact, the line it is about with a caret under the place, and the hint.
/// </summary>
internal static class ErrorText
{
    private const int LineWidthMax = 160;

    public static string Of(QueryError error, string sql)
    {
        StringBuilder text = new();
        text.Append("error: ").Append(error.Message).Append('\n');
        if (error.Line is int line && error.Column is int column)
        {
            string[] lines = sql.ReplaceLineEndings("\n").Split('\n');
            if (line >= 1 && line <= lines.Length && column >= 1 && column <= lines[line - 1].Length + 1)
            {
                AppendExcerpt(text, lines[line - 1].Replace('\t', ' '), column - 1);
            }
        }

        if (error.Hint is not null)
        {
            text.Append("hint: ").Append(error.Hint).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>A line too long for a terminal is cut around the place.</summary>
    private static void AppendExcerpt(StringBuilder text, string line, int at)
    {
        int start = Math.Max(0, at - (LineWidthMax / 2));
        int end = Math.Min(line.Length, start + LineWidthMax);
        string before = (start > 0 ? "…" : "") + line[start..at];
        string after = line[at..end] + (end < line.Length ? "…" : "");
        text.Append("  ").Append(before).Append(after).Append('\n');
        text.Append(' ', 2 + TextWidth.Of(before)).Append("^\n");
    }
}
