using System.Globalization;
using System.Runtime.InteropServices;

namespace Naru.Lake.DuckDb;

/// <summary>Where in the statement's text DuckDB found the fault. Both count from 1; the column counts characters.</summary>
public readonly record struct SqlPosition(int Line, int Column);

/// <summary>What DuckDB refused or failed at, in its own words without the statement's excerpt.</summary>
public sealed class DuckDbException : Exception
{
    public DuckDbException(DuckDbErrorKind kind, string text)
        : base(WithoutExcerpt(text))
    {
        Kind = kind == DuckDbErrorKind.Invalid ? KindOf(text) : kind;
        Position = PositionOf(text);
        Text = text;
    }

    public DuckDbErrorKind Kind { get; }

    /// <summary>Null when DuckDB did not point at a place, or showed only the middle of a long line.</summary>
    public SqlPosition? Position { get; }

    /// <summary>DuckDB's whole text, the excerpt of the statement and its caret included.</summary>
    public string Text { get; }

    internal static unsafe DuckDbException From(DuckDbErrorKind kind, byte* error) =>
        new(kind, error is null ? "no reason given" : Marshal.PtrToStringUTF8((nint)error)!);

    private static string WithoutExcerpt(string text)
    {
        int excerpt = text.IndexOf("\n\nLINE ", StringComparison.Ordinal);
        return excerpt < 0 ? text : text[..excerpt];
    }

    /// <summary>Reads `LINE 2: select x` and the caret below it.</summary>
    private static SqlPosition? PositionOf(string text)
    {
        int excerpt = text.IndexOf("\n\nLINE ", StringComparison.Ordinal);
        if (excerpt < 0)
        {
            return null;
        }

        string[] lines = text[(excerpt + 2)..].Split('\n');
        int colon = lines[0].IndexOf(": ", StringComparison.Ordinal);
        int caret = lines.Length > 1 ? lines[1].IndexOf('^', StringComparison.Ordinal) : -1;
        bool known = colon > 0 && caret >= colon + 2
            && !lines[0].AsSpan(colon + 2).StartsWith("...", StringComparison.Ordinal);
        return known
            && int.TryParse(lines[0].AsSpan("LINE ".Length, colon - "LINE ".Length), CultureInfo.InvariantCulture, out int line)
            ? new SqlPosition(line, caret - colon - 1)
            : null;
    }

    /// <summary>Some paths of the C API lose the kind; the text still begins with it.</summary>
    private static DuckDbErrorKind KindOf(string text)
    {
        ReadOnlySpan<(string Start, DuckDbErrorKind Kind)> starts =
        [
            ("Parser Error", DuckDbErrorKind.Parser),
            ("Binder Error", DuckDbErrorKind.Binder),
            ("Catalog Error", DuckDbErrorKind.Catalog),
            ("IO Error", DuckDbErrorKind.Io),
            ("INTERRUPT Error", DuckDbErrorKind.Interrupt),
            ("Out of Memory Error", DuckDbErrorKind.OutOfMemory),
            ("Conversion Error", DuckDbErrorKind.Conversion),
            ("Invalid Input Error", DuckDbErrorKind.InvalidInput),
            ("Not implemented Error", DuckDbErrorKind.NotImplemented),
            ("Out of Range Error", DuckDbErrorKind.OutOfRange),
            ("Permission Error", DuckDbErrorKind.Permission),
            ("Constraint Error", DuckDbErrorKind.Constraint),
            ("FATAL Error", DuckDbErrorKind.Fatal),
            ("INTERNAL Error", DuckDbErrorKind.Internal),
        ];
        foreach ((string start, DuckDbErrorKind kind) in starts)
        {
            if (text.StartsWith(start, StringComparison.OrdinalIgnoreCase))
            {
                return kind;
            }
        }

        return DuckDbErrorKind.Invalid;
    }
}
