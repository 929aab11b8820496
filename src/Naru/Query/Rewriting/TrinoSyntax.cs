using System.Globalization;
using System.Text;
using Naru.Query.Gate;

namespace Naru.Query.Rewriting;

/// <summary>
/// Trino's forms that DuckDB's parser does not take, put into forms that it does: a pass over the tokens, before
/// parsing. It decides nothing: what comes out is parsed by DuckDB and judged by the gate like any other text, and what
/// this does not know is left for the parser to complain about.
/// </summary>
internal sealed class TrinoSyntax
{
    private static readonly string[] Units = ["year", "month", "day", "hour", "minute", "second"];

    private static readonly HashSet<string> EndsOfValues = new(StringComparer.OrdinalIgnoreCase)
    {
        "order", "limit", "offset", "fetch", "union", "except", "intersect",
    };

    private readonly byte[] _text;
    private readonly List<SqlToken> _tokens = [];
    private readonly TextEdits _edits = new();

    private TrinoSyntax(byte[] text)
    {
        _text = text;
        SqlLexer lexer = new(text);
        SqlToken token;
        do
        {
            token = lexer.Next();
            _tokens.Add(token);
        }
        while (token.Kind is not (SqlTokenKind.End or SqlTokenKind.Broken));
    }

    /// <summary>Null when nothing is to be changed.</summary>
    public static (byte[] Text, SourceMap Places)? Change(ReadOnlyMemory<byte> text)
    {
        TrinoSyntax syntax = new(text.ToArray());
        for (int i = 0; i < syntax._tokens.Count; i++)
        {
            if (syntax._tokens[i].Kind == SqlTokenKind.Word)
            {
                syntax.Word(i);
            }
        }

        return syntax._edits.Any ? syntax._edits.Apply(text.Span) : null;
    }

    private void Word(int i)
    {
        switch (Text(i).ToLowerInvariant())
        {
            case "x" when IsString(i + 1) && Adjacent(i):
                Bytes(i);
                break;
            case "u" when IsSymbol(i + 1, '&') && IsString(i + 2) && Adjacent(i) && Adjacent(i + 1):
                CodePoints(i);
                break;
            case "values" when !IsSymbol(i - 1, '.'):
                Values(i);
                break;
            case "tablesample" when IsSymbol(i + 2, '(') && Close(i + 2) is > 0 and int close:
                Sample(i + 2, close);
                break;
            case "listagg" when IsSymbol(i + 1, '(') && Close(i + 1) is > 0 and int close:
                ListAgg(i + 1, close);
                break;
            case "if" when IsSymbol(i + 1, '(') && Close(i + 1) is > 0 and int close
                && Commas(i + 1, close).Count == 1:
                _edits.Insert(_tokens[close].Start, ", NULL");
                break;
            case "ignore" or "respect" when IsWord(i + 1, "nulls") && IsWord(i + 2, "over") && IsSymbol(i - 1, ')'):
                _edits.Insert(_tokens[i - 1].Start, $" {Text(i)} NULLS");
                _edits.Replace(_tokens[i].Start, _tokens[i + 1].End, "");
                break;
            case "array" when IsSymbol(i + 1, '(') && !IsWord(i + 2, "select", "with", "from", "values"):
                ArrayType(i, Close(i + 1));
                break;
            case "array" or "map" when IsSymbol(i + 1, '<'):
                AngledType(i);
                break;
            case "timestamp" or "time" when IsSymbol(i + 1, '(') && IsSymbol(i + 3, ')')
                && _tokens[i + 2].Kind == SqlTokenKind.Number:
                _edits.Replace(_tokens[i + 1].Start, _tokens[i + 3].End, "");
                break;
            case "interval" when IsString(i + 1) && IsWord(i + 3, "to"):
                Interval(i);
                break;
            case "decimal" when IsString(i + 1) && IsDecimal(Unquoted(i + 1)):
                _edits.Replace(_tokens[i].Start, _tokens[i + 1].End, Unquoted(i + 1));
                break;
        }
    }

    /// <summary>X'65 66': DuckDB reads a text that begins with x.</summary>
    private void Bytes(int i)
    {
        string digits = string.Concat(Unquoted(i + 1).Where(static one => !char.IsWhiteSpace(one)));
        if (digits.All(char.IsAsciiHexDigit) && digits.Length % 2 == 0)
        {
            _edits.Replace(_tokens[i].Start, _tokens[i + 1].End, $"from_hex('{digits}')");
        }
    }

    private void CodePoints(int i)
    {
        string text = Unquoted(i + 2);
        bool own = IsWord(i + 3, "uescape") && IsString(i + 4) && Unquoted(i + 4).Length == 1;
        char escape = own ? Unquoted(i + 4)[0] : '\\';
        StringBuilder result = new();
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] != escape)
            {
                result.Append(text[at]);
                continue;
            }

            if (at + 1 < text.Length && text[at + 1] == escape)
            {
                result.Append(escape);
                at++;
                continue;
            }

            bool six = at + 1 < text.Length && text[at + 1] == '+';
            int start = at + (six ? 2 : 1);
            int length = six ? 6 : 4;
            if (start + length > text.Length
                || !int.TryParse(
                    text.AsSpan(start, length),
                    NumberStyles.AllowHexSpecifier,
                    CultureInfo.InvariantCulture,
                    out int code)
                || !Rune.IsValid(code) || code == 0)
            {
                return;
            }

            result.Append(new Rune(code));
            at = start + length - 1;
        }

        string literal = $"'{result.Replace("'", "''")}'";
        _edits.Replace(_tokens[i].Start, _tokens[own ? i + 4 : i + 2].End, literal);
    }

    /// <summary>Items that are no row of their own become one; ROW (…) is one without its word.</summary>
    private void Values(int i)
    {
        int start = i + 1;
        int depth = 0;
        for (int at = i + 1; at < _tokens.Count; at++)
        {
            depth += IsSymbol(at, '(') || IsSymbol(at, '[') ? 1 : 0;
            bool closes = IsSymbol(at, ')') || IsSymbol(at, ']');
            bool ends = (closes && depth == 0)
                || _tokens[at].Kind is SqlTokenKind.End or SqlTokenKind.Broken
                || (depth == 0 && _tokens[at].Kind == SqlTokenKind.Word && EndsOfValues.Contains(Text(at)));
            if (ends || (depth == 0 && IsSymbol(at, ',')))
            {
                Item(start, at);
                start = at + 1;
            }

            if (ends)
            {
                return;
            }

            depth -= closes ? 1 : 0;
        }
    }

    private void Item(int start, int end)
    {
        if (start >= end)
        {
            return;
        }

        bool row = IsWord(start, "row") && IsSymbol(start + 1, '(') && Close(start + 1) == end - 1;
        if (row)
        {
            _edits.Replace(_tokens[start].Start, _tokens[start].End, "");
        }
        else if (!IsSymbol(start, '(') || Close(start) != end - 1)
        {
            _edits.Insert(_tokens[start].Start, "(");
            _edits.Insert(_tokens[end - 1].End, ")");
        }
    }

    private void Sample(int open, int close)
    {
        bool told = IsSymbol(close - 1, '%') || IsWord(close - 1, "percent", "rows");
        if (!told && IsWord(open - 1, "bernoulli", "system"))
        {
            _edits.Insert(_tokens[close].Start, " PERCENT");
        }
    }

    /// <summary>The order goes among the arguments; without a separator there is none.</summary>
    private void ListAgg(int open, int close)
    {
        if (Commas(open, close).Count == 0)
        {
            _edits.Insert(_tokens[close].Start, ", ''");
        }

        if (IsWord(close + 1, "within") && IsWord(close + 2, "group") && IsSymbol(close + 3, '('))
        {
            _edits.Replace(_tokens[close].Start, _tokens[close + 3].End, " ");
        }
    }

    /// <summary>ARRAY(T) is T[].</summary>
    private void ArrayType(int i, int close)
    {
        if (close > 0)
        {
            _edits.Replace(_tokens[i].Start, _tokens[i + 1].End, "");
            _edits.Replace(_tokens[close].Start, _tokens[close].End, "[]");
        }
    }

    /// <summary>ARRAY&lt;T&gt; is T[], MAP&lt;K, V&gt; is MAP(K, V).</summary>
    private void AngledType(int i)
    {
        int depth = 0;
        for (int at = i + 1; at < _tokens.Count; at++)
        {
            depth += IsSymbol(at, '<') ? 1 : IsSymbol(at, '>') ? -1 : 0;
            bool type = IsSymbol(at, '<') || IsSymbol(at, '>') || IsSymbol(at, ',') || IsSymbol(at, '(')
                || IsSymbol(at, ')') || _tokens[at].Kind is SqlTokenKind.Word or SqlTokenKind.Number;
            if (!type)
            {
                return;
            }

            if (depth == 0)
            {
                bool array = IsWord(i, "array");
                _edits.Replace(_tokens[array ? i : i + 1].Start, _tokens[i + 1].End, array ? "" : "(");
                _edits.Replace(_tokens[at].Start, _tokens[at].End, array ? "[]" : ")");
                return;
            }
        }
    }

    /// <summary>'1-6' YEAR TO MONTH: every number with its unit.</summary>
    private void Interval(int i)
    {
        int first = Array.IndexOf(Units, Text(i + 2).ToLowerInvariant());
        int last = Array.IndexOf(Units, Text(i + 4).ToLowerInvariant());
        string text = Unquoted(i + 1).Trim();
        string sign = text.StartsWith('-') ? "-" : "";
        string[] numbers = text.TrimStart('-', '+').Split([' ', ':', '-'], StringSplitOptions.RemoveEmptyEntries);
        if (first < 0 || last <= first || numbers.Length != last - first + 1
            || !numbers.All(static one => one.All(static digit => char.IsAsciiDigit(digit) || digit == '.')))
        {
            return;
        }

        IEnumerable<string> parts = numbers.Select((number, at) => $"{sign}{number} {Units[first + at]}s");
        _edits.Replace(_tokens[i + 1].Start, _tokens[i + 4].End, $"'{string.Join(' ', parts)}'");
    }

    private static bool IsDecimal(string text) =>
        text.Length > 0 && text.All(static one => char.IsAsciiDigit(one) || one == '.') && char.IsAsciiDigit(text[0]);

    private List<int> Commas(int open, int close)
    {
        List<int> commas = [];
        int depth = 0;
        for (int at = open + 1; at < close; at++)
        {
            depth += IsSymbol(at, '(') || IsSymbol(at, '[') ? 1 : IsSymbol(at, ')') || IsSymbol(at, ']') ? -1 : 0;
            if (depth == 0 && IsSymbol(at, ','))
            {
                commas.Add(at);
            }
        }

        return commas;
    }

    /// <summary>The parenthesis that closes this one; -1 when none does.</summary>
    private int Close(int open)
    {
        int depth = 0;
        for (int at = open; at < _tokens.Count; at++)
        {
            depth += IsSymbol(at, '(') ? 1 : IsSymbol(at, ')') ? -1 : 0;
            if (depth == 0)
            {
                return at;
            }
        }

        return -1;
    }

    private bool Adjacent(int i) => _tokens[i].End == _tokens[i + 1].Start;

    private bool IsString(int i) =>
        i >= 0 && i < _tokens.Count && _tokens[i].Kind == SqlTokenKind.String && _text[_tokens[i].Start] == '\'';

    private bool IsSymbol(int i, char symbol) => i >= 0 && i < _tokens.Count
        && _tokens[i].Kind == SqlTokenKind.Symbol && _text[_tokens[i].Start] == symbol;

    private bool IsWord(int i, params ReadOnlySpan<string> words)
    {
        if (i < 0 || i >= _tokens.Count || _tokens[i].Kind != SqlTokenKind.Word)
        {
            return false;
        }

        string text = Text(i);
        foreach (string word in words)
        {
            if (text.Equals(word, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    private string Text(int i) =>
        i < _tokens.Count ? Encoding.UTF8.GetString(_text, _tokens[i].Start, _tokens[i].End - _tokens[i].Start) : "";

    private string Unquoted(int i) => Text(i)[1..^1].Replace("''", "'", StringComparison.Ordinal);
}
