namespace Naru.Query.Gate;

internal enum SqlTokenKind
{
    End,
    Word,
    QuotedName,
    String,
    Number,
    Symbol,

    /// <summary>A string, quoted name or comment that never ends.</summary>
    Broken,
}

/// <summary>Bytes from <see cref="Start"/> to before <see cref="End"/>.</summary>
internal readonly record struct SqlToken(SqlTokenKind Kind, int Start, int End);

/// <summary>
/// Cuts UTF-8 SQL into tokens as PostgreSQL's and DuckDB's scanners do, far enough to find a statement's first words,
/// its end and its dotted names. It decides nothing: what it hands on is parsed by DuckDB and judged by the gate.
/// </summary>
internal ref struct SqlLexer(ReadOnlySpan<byte> text, int position = 0)
{
    private readonly ReadOnlySpan<byte> _text = text;
    private int _position = position;

    public SqlToken Next()
    {
        if (!TrySkipBlank())
        {
            return Take(SqlTokenKind.Broken, _position, _text.Length);
        }

        int start = _position;
        if (start >= _text.Length)
        {
            return new SqlToken(SqlTokenKind.End, start, start);
        }

        byte first = _text[start];
        return first switch
        {
            (byte)'\'' => Quoted(start, (byte)'\'', SqlTokenKind.String, backslash: false),
            (byte)'"' => Quoted(start, (byte)'"', SqlTokenKind.QuotedName, backslash: false),
            (byte)'e' or (byte)'E' when At(start + 1) == '\'' =>
                Quoted(start, (byte)'\'', SqlTokenKind.String, backslash: true),
            (byte)'$' when TryDollarQuoted(start, out SqlToken token) => token,
            _ when IsWordStart(first) => Run(SqlTokenKind.Word, start, IsWordPart),
            _ when char.IsAsciiDigit((char)first) => Run(SqlTokenKind.Number, start, IsNumberPart),
            _ => Take(SqlTokenKind.Symbol, start, start + 1),
        };
    }

    private static bool IsWordStart(byte value) => char.IsAsciiLetter((char)value) || value == '_' || value >= 0x80;

    private static bool IsWordPart(byte value) => IsWordStart(value) || char.IsAsciiDigit((char)value) || value == '$';

    private static bool IsNumberPart(byte value) =>
        char.IsAsciiLetterOrDigit((char)value) || value == '.' || value == '_';

    private readonly int At(int position) => position < _text.Length ? _text[position] : -1;

    private SqlToken Take(SqlTokenKind kind, int start, int end)
    {
        _position = end;
        return new SqlToken(kind, start, end);
    }

    private SqlToken Run(SqlTokenKind kind, int start, Func<byte, bool> belongs)
    {
        int end = start + 1;
        while (end < _text.Length && belongs(_text[end]))
        {
            end++;
        }

        return Take(kind, start, end);
    }

    private SqlToken Quoted(int start, byte quote, SqlTokenKind kind, bool backslash)
    {
        int at = start + (backslash ? 2 : 1);
        while (at < _text.Length)
        {
            if (backslash && _text[at] == '\\')
            {
                at += 2;
            }
            else if (_text[at] != quote)
            {
                at++;
            }
            else if (At(at + 1) == quote)
            {
                at += 2;
            }
            else
            {
                return Take(kind, start, at + 1);
            }
        }

        return Take(SqlTokenKind.Broken, start, _text.Length);
    }

    /// <summary>`$$…$$` or `$tag$…$tag$`; else `$` is a symbol (a parameter).</summary>
    private bool TryDollarQuoted(int start, out SqlToken token)
    {
        int end = start + 1;
        while (end < _text.Length
            && (IsWordStart(_text[end]) || (end > start + 1 && char.IsAsciiDigit((char)_text[end]))))
        {
            end++;
        }

        token = default;
        if (At(end) != '$')
        {
            return false;
        }

        ReadOnlySpan<byte> tag = _text[start..(end + 1)];
        int close = _text[(end + 1)..].IndexOf(tag);
        token = close < 0
            ? Take(SqlTokenKind.Broken, start, _text.Length)
            : Take(SqlTokenKind.String, start, end + 1 + close + tag.Length);
        return true;
    }

    /// <summary>False when a comment never ends.</summary>
    private bool TrySkipBlank()
    {
        while (_position < _text.Length)
        {
            byte value = _text[_position];
            if (value is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\f' or (byte)'\v')
            {
                _position++;
            }
            else if (value == '-' && At(_position + 1) == '-')
            {
                int end = _text[_position..].IndexOfAny((byte)'\n', (byte)'\r');
                _position = end < 0 ? _text.Length : _position + end;
            }
            else if (value == '/' && At(_position + 1) == '*')
            {
                if (!TrySkipBlockComment())
                {
                    return false;
                }
            }
            else
            {
                break;
            }
        }

        return true;
    }

    private bool TrySkipBlockComment()
    {
        int depth = 0;
        for (int at = _position; at < _text.Length; at++)
        {
            if (_text[at] == '/' && At(at + 1) == '*')
            {
                depth++;
                at++;
            }
            else if (_text[at] == '*' && At(at + 1) == '/')
            {
                depth--;
                at++;
                if (depth == 0)
                {
                    _position = at + 1;
                    return true;
                }
            }
        }

        return false;
    }
}
