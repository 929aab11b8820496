using System.Text;
using System.Text.RegularExpressions;
using Naru.Query.Gate;

namespace Naru.Query.Trino;

/// <summary>
/// What is put into a statement before it is asked: a client's parameters, and words that mean something of its
/// session. Only whole tokens are replaced, so nothing within a string, a quoted name or a comment is touched.
/// Remembers what it moved, for the places of errors.
/// </summary>
internal sealed partial class StatementEdits
{
    private readonly StatementText _before;
    private readonly List<(int Start, int End, string Text)> _edits = [];
    private readonly Lazy<StatementText> _after;

    private StatementEdits(StatementText before)
    {
        _before = before;
        _after = new Lazy<StatementText>(() => new StatementText(Sql));
    }

    public string Sql { get; private set; } = "";

    /// <param name="text">The statement.</param>
    /// <param name="parameters">What stands for each `?`, in order; null leaves them.</param>
    /// <param name="words">What certain words mean: `current_user`, `version()`.</param>
    public static StatementEdits Apply(
        StatementText text, IReadOnlyList<string>? parameters, IReadOnlyDictionary<string, string> words)
    {
        StatementEdits edits = new(text);
        int given = 0;
        for (int i = 0; i < text.Tokens.Length; i++)
        {
            SqlToken token = text.Tokens[i];
            SqlToken next = i + 1 < text.Tokens.Length ? text.Tokens[i + 1] : default;
            if (parameters is not null && text.IsSymbol(token, '?'))
            {
                edits.Replace(token.Start, token.End, given < parameters.Count ? Safe(parameters[given]) : "?");
                given++;
            }
            else if (token.Kind == SqlTokenKind.Word)
            {
                i += edits.Word(token, next, i, words);
            }
        }

        if (parameters is not null && given != parameters.Count)
        {
            throw new TrinoException(
                TrinoErrors.InvalidParameters,
                $"incorrect number of parameters: expected {given} but found {parameters.Count}");
        }

        edits.Sql = edits.Build();
        return edits;
    }

    public static int CountParameters(StatementText text) =>
        text.Tokens.Count(token => text.IsSymbol(token, '?'));

    /// <summary>Where a place of the new text stands in the old.</summary>
    public (int Line, int Column) PositionBefore(int line, int column)
    {
        int offset = _after.Value.OffsetOf(line, column);
        int moved = 0;
        foreach ((int start, int end, string text) in _edits)
        {
            int length = Encoding.UTF8.GetByteCount(text);
            int begins = start + moved;
            if (offset < begins)
            {
                break;
            }

            if (offset < begins + length)
            {
                return _before.PositionOf(start);
            }

            moved += length - (end - start);
        }

        return _before.PositionOf(offset - moved);
    }

    /// <summary>Gives the number of tokens beside this one that were used up.</summary>
    private int Word(SqlToken token, SqlToken next, int index, IReadOnlyDictionary<string, string> words)
    {
        string? literal = _before.StringValue(next);
        if (literal is not null && _before.IsWord(token, "timestamp") && Zoned().IsMatch(literal))
        {
            Replace(token.Start, token.End, "TIMESTAMPTZ");
            return 1;
        }

        bool called = next.Kind == SqlTokenKind.Symbol && _before.IsSymbol(next, '(');
        bool qualified = (index > 0 && _before.IsSymbol(_before.Tokens[index - 1], '.'))
            || _before.IsSymbol(next, '.');
        string name = _before.Text(token).ToLowerInvariant();
        if (qualified || !words.TryGetValue(called ? name + "()" : name, out string? meaning))
        {
            return 0;
        }

        bool closed = called && index + 2 < _before.Tokens.Length && _before.IsSymbol(_before.Tokens[index + 2], ')');
        if (called && !closed)
        {
            return 0;
        }

        Replace(token.Start, called ? _before.Tokens[index + 2].End : token.End, meaning);
        return called ? 2 : 0;
    }

    private void Replace(int start, int end, string text) => _edits.Add((start, end, text));

    private string Build()
    {
        StringBuilder sql = new();
        int from = 0;
        foreach ((int start, int end, string text) in _edits)
        {
            sql.Append(Encoding.UTF8.GetString(_before.Bytes[from..start])).Append(text);
            from = end;
        }

        int last = _before.Tokens.Length == 0 ? _before.Bytes.Length : _before.Tokens[^1].End;
        return sql.Append(Encoding.UTF8.GetString(_before.Bytes[from..last])).ToString();
    }

    /// <summary>In parentheses, and apart from its neighbours: `x-?` with -1 must not begin a comment.</summary>
    private static string Safe(string parameter) => $" ({parameter}) ";

    [GeneratedRegex(
        @"^\s*\d{4,}-\d+-\d+(\s+\d+:\d+(:\d+(\.\d+)?)?)?\s*([+-]\d\d?(:?\d\d)?|[A-Za-z][A-Za-z0-9_/+-]*)\s*$")]
    private static partial Regex Zoned();
}
