using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Query.Gate;

namespace Naru.Query.Trino;

/// <summary>A statement cut into tokens, without the semicolons at its end; comments are no tokens.</summary>
internal sealed class StatementText
{
    private readonly byte[] _bytes;

    public StatementText(string sql)
    {
        _bytes = Encoding.UTF8.GetBytes(sql);
        List<SqlToken> tokens = [];
        SqlLexer lexer = new(_bytes);
        for (SqlToken token = lexer.Next(); token.Kind != SqlTokenKind.End; token = lexer.Next())
        {
            tokens.Add(token);
            if (token.Kind == SqlTokenKind.Broken)
            {
                break;
            }
        }

        while (tokens.Count > 0 && IsSymbol(tokens[^1], ';'))
        {
            tokens.RemoveAt(tokens.Count - 1);
        }

        Tokens = [.. tokens];
    }

    public ImmutableArray<SqlToken> Tokens { get; }

    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>As written.</summary>
    public string Text(SqlToken token) => Encoding.UTF8.GetString(_bytes, token.Start, token.End - token.Start);

    /// <summary>From a token to the statement's end, comments and all, without the semicolons there.</summary>
    public string From(int token) => token >= Tokens.Length
        ? ""
        : Encoding.UTF8.GetString(_bytes.AsSpan(Tokens[token].Start..Tokens[^1].End));

    /// <summary>Tokens between two places, without comments: one could swallow what is put behind.</summary>
    public string Joined(int first, int end)
    {
        StringBuilder joined = new();
        for (int i = first; i < end; i++)
        {
            joined.Append(i > first && Tokens[i].Start > Tokens[i - 1].End ? " " : "").Append(Text(Tokens[i]));
        }

        return joined.ToString();
    }

    public bool IsSymbol(SqlToken token, char symbol) =>
        token.Kind == SqlTokenKind.Symbol && token.End == token.Start + 1 && _bytes[token.Start] == symbol;

    public bool IsWord(SqlToken token, string word) => token.Kind == SqlTokenKind.Word
        && token.End - token.Start == word.Length
        && Ascii.EqualsIgnoreCase(_bytes.AsSpan(token.Start..token.End), word);

    /// <summary>What a string means: quotes undone, escapes of E'…' left to the engine.</summary>
    public string? StringValue(SqlToken token)
    {
        string text = Text(token);
        return token.Kind == SqlTokenKind.String && text.Length >= 2 && text[0] == '\''
            ? text[1..^1].Replace("''", "'", StringComparison.Ordinal)
            : null;
    }

    /// <summary>Line and column, both from 1, of a byte.</summary>
    public (int Line, int Column) PositionOf(int offset)
    {
        ReadOnlySpan<byte> before = _bytes.AsSpan(0, Math.Min(offset, _bytes.Length));
        int line = before.Count((byte)'\n') + 1;
        return (line, Encoding.UTF8.GetCharCount(before[(before.LastIndexOf((byte)'\n') + 1)..]) + 1);
    }

    /// <summary>The byte at a line and column.</summary>
    public int OffsetOf(int line, int column)
    {
        int start = 0;
        for (int i = 1; i < line; i++)
        {
            int end = _bytes.AsSpan(start).IndexOf((byte)'\n');
            start = end < 0 ? _bytes.Length : start + end + 1;
        }

        int offset = start;
        for (int characters = column - 1; characters > 0 && offset < _bytes.Length; characters--)
        {
            OperationStatusOf(offset, out int bytes, out int units);
            offset += bytes;
            characters -= units - 1;
        }

        return offset;
    }

    public TrinoException Mistake(int token, string expected)
    {
        bool end = token >= Tokens.Length;
        (int line, int column) = PositionOf(end ? _bytes.Length : Tokens[token].Start);
        string found = end ? "<EOF>" : Text(Tokens[token]);
        return new TrinoException(TrinoErrors.Syntax, string.Create(
            CultureInfo.InvariantCulture, $"line {line}:{column}: mismatched input '{found}'. Expecting: {expected}"));
    }

    private void OperationStatusOf(int offset, out int bytes, out int units)
    {
        _ = Rune.DecodeFromUtf8(_bytes.AsSpan(offset), out Rune rune, out bytes);
        units = rune.Utf16SequenceLength;
    }
}

/// <summary>Reads a statement's words from its beginning.</summary>
internal sealed class StatementReader(StatementText text)
{
    public int At { get; private set; }

    public bool IsEnd => At >= text.Tokens.Length;

    public bool IsWord(int ahead, string word) =>
        At + ahead < text.Tokens.Length && text.IsWord(text.Tokens[At + ahead], word);

    /// <summary>Passes these words, if they are next.</summary>
    public bool Take(params ReadOnlySpan<string> words)
    {
        for (int i = 0; i < words.Length; i++)
        {
            if (!IsWord(i, words[i]))
            {
                return false;
            }
        }

        At += words.Length;
        return true;
    }

    public bool TakeSymbol(char symbol)
    {
        bool found = !IsEnd && text.IsSymbol(text.Tokens[At], symbol);
        At += found ? 1 : 0;
        return found;
    }

    public void Expect(string word)
    {
        if (!Take(word))
        {
            throw text.Mistake(At, $"'{word.ToUpperInvariant()}'");
        }
    }

    public void ExpectEnd()
    {
        if (!IsEnd)
        {
            throw text.Mistake(At, "<EOF>");
        }
    }

    /// <summary>A name: in small letters, unless quoted.</summary>
    public string Name()
    {
        SqlToken token = IsEnd ? default : text.Tokens[At];
        string written = IsEnd ? "" : text.Text(token);
        string? name = token.Kind switch
        {
            SqlTokenKind.Word => written.ToLowerInvariant(),
            SqlTokenKind.QuotedName => written[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal),
            _ => null,
        };
        if (name is null)
        {
            throw text.Mistake(At, "<identifier>");
        }

        At++;
        return name;
    }

    /// <summary>`a`, `a.b`, `a.b.c`.</summary>
    public ImmutableArray<string> DottedName()
    {
        ImmutableArray<string>.Builder parts = ImmutableArray.CreateBuilder<string>();
        do
        {
            parts.Add(Name());
        }
        while (TakeSymbol('.'));
        return parts.ToImmutable();
    }

    public string StringLiteral()
    {
        if (IsEnd || text.StringValue(text.Tokens[At]) is not string value)
        {
            throw text.Mistake(At, "<string>");
        }

        At++;
        return value;
    }

    /// <summary>`[LIKE 'pattern' [ESCAPE 'c']]` and the end.</summary>
    public LikePattern Like()
    {
        LikePattern pattern = LikePattern.Any;
        if (Take("like"))
        {
            string wanted = StringLiteral();
            string? escape = Take("escape") ? StringLiteral() : null;
            pattern = new LikePattern(wanted, escape is { Length: 1 } ? escape[0] : null);
        }

        ExpectEnd();
        return pattern;
    }

    /// <summary>Expressions between commas up to the end, or to a closing parenthesis that is passed too.</summary>
    public ImmutableArray<string> Expressions(bool closed)
    {
        ImmutableArray<string>.Builder expressions = ImmutableArray.CreateBuilder<string>();
        int start = At;
        int depth = 0;
        for (; At < text.Tokens.Length; At++)
        {
            SqlToken token = text.Tokens[At];
            bool closes = text.IsSymbol(token, ')') || text.IsSymbol(token, ']') || text.IsSymbol(token, '}');
            if (closes && depth == 0)
            {
                break;
            }

            depth += closes ? -1
                : text.IsSymbol(token, '(') || text.IsSymbol(token, '[') || text.IsSymbol(token, '{') ? 1 : 0;
            if (depth == 0 && text.IsSymbol(token, ','))
            {
                expressions.Add(Whole(start));
                start = At + 1;
            }
        }

        if (At > start || expressions.Count > 0)
        {
            expressions.Add(Whole(start));
        }

        if (closed && !TakeSymbol(')'))
        {
            throw text.Mistake(At, "')'");
        }

        ExpectEnd();
        return expressions.ToImmutable();

        string Whole(int first) =>
            first < At ? text.Joined(first, At) : throw text.Mistake(At, "<expression>");
    }
}
