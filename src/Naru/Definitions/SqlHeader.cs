using System.Collections.Immutable;
using Naru.Core.Text;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>One `-- key: value` of a header.</summary>
internal sealed record SqlHeaderEntry(string File, string Key, string Value, int Line, int Column)
{
    public void Mistake(MistakeList mistakes, string message, string hint) =>
        mistakes.Add(new Mistake(File, Line, Column, message, hint));
}

/// <summary>
/// The comment lines at the top of a file of SQL, of an aggregate or a saved query: those of the form `-- key: value`
/// are settings, others are comments.
/// </summary>
/// <param name="Entries">Known keys, each once.</param>
/// <param name="End">Where the query begins in the text.</param>
internal sealed record SqlHeader(ImmutableArray<SqlHeaderEntry> Entries, int End)
{
    /// <summary>Reads as far as comments and empty lines go; unknown and repeated keys are noted.</summary>
    public static SqlHeader Read(string file, string text, ImmutableArray<string> keys, MistakeList mistakes) =>
        Read(file, text, keys, "", mistakes);

    /// <param name="file">The file, as the user knows it.</param>
    /// <param name="text">All of it.</param>
    /// <param name="keys">Those that there are.</param>
    /// <param name="repeated">
    /// The one that may stand any number of times. A parenthesis that its line leaves open goes on in the comment lines
    /// that follow.
    /// </param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public static SqlHeader Read(
        string file, string text, ImmutableArray<string> keys, string repeated, MistakeList mistakes)
    {
        ImmutableArray<SqlHeaderEntry>.Builder entries = ImmutableArray.CreateBuilder<SqlHeaderEntry>();
        HashSet<string> seen = new(StringComparer.Ordinal);
        int start = 0;
        for (int number = 1; start < text.Length; number++)
        {
            int end = text.IndexOf('\n', start);
            int next = end < 0 ? text.Length : end + 1;
            string line = text[start..next].TrimEnd();
            string content = line.TrimStart();
            if (content.Length > 0 && !content.StartsWith("--", StringComparison.Ordinal))
            {
                break;
            }

            if (Split(content) is (string key, string value))
            {
                int first = number;
                value += key == repeated ? Rest(text, value, ref next, ref number) : "";
                SqlHeaderEntry entry = new(
                    file, key, value, first, line.IndexOf(key, StringComparison.Ordinal) + 1);
                if (!keys.Contains(key))
                {
                    string? near = NearestName.Find(key, keys);
                    entry.Mistake(
                        mistakes,
                        $"a header has no '{key}'",
                        near is null ? $"keys: {string.Join(", ", keys)}" : $"did you mean '{near}'?");
                }
                else if (!seen.Add(key) && key != repeated)
                {
                    entry.Mistake(mistakes, $"'{key}' stands twice in the header", "take one of them out");
                }
                else
                {
                    entries.Add(entry);
                }
            }

            start = next;
        }

        return new SqlHeader(entries.ToImmutable(), start);
    }

    /// <summary>The comment lines that close the parentheses that a value leaves open; "" where none can.</summary>
    private static string Rest(string text, string value, ref int next, ref int number)
    {
        string rest = "";
        int at = next;
        for (int lines = 1; Opens(value + rest); lines++)
        {
            int end = text.IndexOf('\n', at);
            string line = (end < 0 ? text[at..] : text[at..end]).Trim();
            if (!line.StartsWith("--", StringComparison.Ordinal))
            {
                return "";
            }

            rest += "\n" + line.TrimStart('-').Trim();
            at = end < 0 ? text.Length : end + 1;
            if (!Opens(value + rest))
            {
                next = at;
                number += lines;
            }
        }

        return rest;
    }

    private static bool Opens(string value)
    {
        int depth = 0;
        bool quoted = false;
        foreach (char character in value)
        {
            quoted ^= character == '\'';
            depth += quoted ? 0 : character switch { '(' => 1, ')' => -1, _ => 0 };
        }

        return depth > 0;
    }

    /// <summary>A word, a colon and a blank or nothing: all else is prose.</summary>
    private static (string Key, string Value)? Split(string comment)
    {
        string text = comment.TrimStart('-').TrimStart();
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        bool key = colon > 0 && text[..colon].All(static c => char.IsAsciiLetter(c) || c is '_' or '-')
            && (colon + 1 == text.Length || text[colon + 1] is ' ' or '\t');
        return comment.Length > 0 && key ? (text[..colon], text[(colon + 1)..].Trim()) : null;
    }
}
