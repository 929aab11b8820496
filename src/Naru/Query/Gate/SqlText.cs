using System.Text;

namespace Naru.Query.Gate;

/// <summary>
/// A statement as sent, and the part of it that is parsed and run: without a leading EXPLAIN (which is put
/// back by ourselves) and without a closing semicolon. Offsets are bytes of UTF-8 from the start of <see cref="Body"/>.
/// </summary>
internal sealed class SqlText
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private readonly byte[] _text;
    private readonly int _start;
    private (SqlText Text, Func<long, long?> OriginalOf)? _original;

    private SqlText(byte[] text, int start, int end, string prefix)
    {
        _text = text;
        _start = start;
        Body = text.AsMemory(start, end - start);
        Prefix = prefix;
    }

    /// <summary>A SELECT, SHOW, DESCRIBE, SUMMARIZE, VALUES, FROM …, if it is anything that may be asked.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>`EXPLAIN`, `EXPLAIN ANALYZE`, `EXPLAIN (FORMAT JSON)` or empty.</summary>
    public string Prefix { get; }

    /// <exception cref="QueryException">
    /// The text is too long, empty, not UTF-8, or holds several statements.
    /// </exception>
    public static SqlText Read(string sql, int bytesMax)
    {
        if (Encoding.UTF8.GetMaxByteCount(sql.Length) > bytesMax && Encoding.UTF8.GetByteCount(sql) > bytesMax)
        {
            throw new QueryException(new QueryError(
                QueryCodes.StatementTooLong, $"the statement is longer than {bytesMax} bytes")
            {
                Hint = "put long lists of values into a table, or ask in parts",
            });
        }

        return Read(ToUtf8(sql));
    }

    /// <summary>The same statement in other words, whose places are told in this one's text.</summary>
    public SqlText InOtherWords(byte[] body, Func<long, long?> originalOf) => new(body, 0, body.Length, Prefix)
    {
        _original = (this, originalOf),
    };

    /// <summary>Line and column, both from 1, of an offset in the body; null for an offset that is none.</summary>
    public (int Line, int Column)? PositionOf(long offset)
    {
        if (_original is ({ } text, { } originalOf))
        {
            return originalOf(offset) is long place ? text.PositionOf(place) : null;
        }

        if (offset < 0 || offset > Body.Length)
        {
            return null;
        }

        ReadOnlySpan<byte> before = _text.AsSpan(0, _start + (int)offset);
        int line = before.Count((byte)'\n') + 1;
        int lineStart = before.LastIndexOf((byte)'\n') + 1;
        return (line, Encoding.UTF8.GetCharCount(before[lineStart..]) + 1);
    }

    private static byte[] ToUtf8(string sql)
    {
        try
        {
            byte[] text = Strict.GetBytes(sql);
            if (!text.AsSpan().Contains((byte)0))
            {
                return text;
            }
        }
        catch (EncoderFallbackException)
        {
            // Half of a surrogate pair: no UTF-8 can say it.
        }

        throw new QueryException(new QueryError(
            QueryCodes.SyntaxError, "the statement holds a NUL character or broken Unicode"));
    }

    private static SqlText Read(byte[] text)
    {
        SqlLexer lexer = new(text);
        SqlToken first = lexer.Next();
        string prefix = "";
        int start = 0;
        if (IsWord(text, first, "explain"u8))
        {
            prefix = "EXPLAIN";
            start = first.End;
            SqlToken second = lexer.Next();
            if (IsWord(text, second, "analyze"u8))
            {
                prefix = "EXPLAIN ANALYZE";
                start = second.End;
            }
            else if (IsSymbol(text, second, '(') && IsWord(text, lexer.Next(), "format"u8)
                && IsWord(text, lexer.Next(), "json"u8) && lexer.Next() is var close && IsSymbol(text, close, ')'))
            {
                prefix = "EXPLAIN (FORMAT JSON)";
                start = close.End;
            }
        }

        return new SqlText(text, start, FindEnd(text, start), prefix);
    }

    /// <summary>
    /// The first semicolon outside strings and comments ends the statement; only more of them may follow.
    /// </summary>
    private static int FindEnd(byte[] text, int start)
    {
        SqlLexer lexer = new(text, start);
        int end = text.Length;
        bool empty = true;
        while (true)
        {
            SqlToken token = lexer.Next();
            if (token.Kind == SqlTokenKind.End)
            {
                break;
            }

            bool semicolon = token.Kind == SqlTokenKind.Symbol && text[token.Start] == ';';
            if (semicolon)
            {
                end = Math.Min(end, token.Start);
            }
            else if (end < text.Length)
            {
                throw new QueryException(Position(text, token.Start, new QueryError(
                    QueryCodes.SeveralStatements, "one statement may be asked at a time")));
            }

            empty &= semicolon;
        }

        return empty
            ? throw new QueryException(new QueryError(QueryCodes.EmptyStatement, "the statement is empty")
            {
                Hint = "SHOW ALL TABLES lists what you may read",
            })
            : end;
    }

    private static QueryError Position(byte[] text, int offset, QueryError error)
    {
        (int line, int column) = new SqlText(text, 0, text.Length, "").PositionOf(offset)!.Value;
        return error with { Line = line, Column = column };
    }

    private static bool IsSymbol(byte[] text, SqlToken token, char symbol) =>
        token.Kind == SqlTokenKind.Symbol && text[token.Start] == symbol;

    private static bool IsWord(byte[] text, SqlToken token, ReadOnlySpan<byte> word) =>
        token.Kind == SqlTokenKind.Word
        && Ascii.EqualsIgnoreCase(text.AsSpan(token.Start, token.End - token.Start), word);
}
