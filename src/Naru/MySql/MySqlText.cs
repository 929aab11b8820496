using System.Buffers;
using System.Text;

namespace Naru.MySql;

/// <summary>Names and values in statements, for sessions whose sql_mode has no NO_BACKSLASH_ESCAPES.</summary>
internal static class MySqlText
{
    private static readonly SearchValues<byte> Escaped = SearchValues.Create("'\\\0"u8);

    public static string Identifier(string name) => $"`{name.Replace("`", "``", StringComparison.Ordinal)}`";

    public static string Literal(string text) => new StringBuilder(text)
        .Replace("\\", "\\\\").Replace("'", "\\'").Replace("\0", "\\0").Insert(0, '\'').Append('\'').ToString();

    /// <summary>Writes UTF-8 as a literal.</summary>
    public static void AppendLiteral(IBufferWriter<byte> statement, ReadOnlySpan<byte> utf8)
    {
        statement.Write("'"u8);
        while (utf8.IndexOfAny(Escaped) is >= 0 and int at)
        {
            statement.Write(utf8[..at]);
            statement.Write(utf8[at] == 0 ? "\\0"u8 : utf8[at] == '\'' ? "\\'"u8 : "\\\\"u8);
            utf8 = utf8[(at + 1)..];
        }

        statement.Write(utf8);
        statement.Write("'"u8);
    }
}
