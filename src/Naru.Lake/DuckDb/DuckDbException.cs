using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Naru.Lake.DuckDb;

/// <summary>A place in a statement's text. Both count from 1; the column counts UTF-16 units.</summary>
public readonly record struct SqlPosition(int Line, int Column)
{
    /// <summary>The place of a byte of the statement's UTF-8; a byte beyond its end means the end.</summary>
    public static SqlPosition Of(string sql, int offsetBytes)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(sql);
        ReadOnlySpan<byte> before = utf8.AsSpan(0, Math.Clamp(offsetBytes, 0, utf8.Length));
        int lineStart = before.LastIndexOf((byte)'\n') + 1;
        return new SqlPosition(1 + before.Count((byte)'\n'), 1 + Encoding.UTF8.GetCharCount(before[lineStart..]));
    }
}

/// <summary>
/// What DuckDB refused or failed at. Connections ask for errors as JSON (`errors_as_json`), which carry what the plain
/// text only hints at: the exact place and the near names.
/// </summary>
public sealed class DuckDbException : Exception
{
    public DuckDbException(DuckDbErrorKind kind, string message)
        : base(message) => Kind = kind;

    private DuckDbException(DuckDbErrorKind kind, JsonElement error)
        : base(Text(error, "exception_message") ?? "no reason given")
    {
        Kind = kind == DuckDbErrorKind.Invalid ? KindOf(Text(error, "exception_type") ?? "") : kind;
        PositionBytes = int.TryParse(Text(error, "position"), CultureInfo.InvariantCulture, out int position)
            ? position
            : null;
        Subtype = Text(error, "error_subtype");
        Name = Text(error, "name");
        Candidates = Text(error, "candidates") is { Length: > 0 } candidates ? [.. candidates.Split(',')] : [];
    }

    public DuckDbErrorKind Kind { get; }

    /// <summary>Where the fault is, as a byte of the statement's UTF-8; see <see cref="SqlPosition.Of"/>.</summary>
    public int? PositionBytes { get; }

    /// <summary>`SYNTAX_ERROR`, `COLUMN_NOT_FOUND`, `MISSING_ENTRY`, `NO_MATCHING_FUNCTION`, …</summary>
    public string? Subtype { get; }

    /// <summary>The name that was not found.</summary>
    public string? Name { get; }

    /// <summary>Near names in DuckDB's own catalog, which may know more than the caller may.</summary>
    public ImmutableArray<string> Candidates { get; } = [];

    internal static unsafe DuckDbException From(DuckDbErrorKind kind, byte* error) =>
        From(kind, error is null ? "no reason given" : Marshal.PtrToStringUTF8((nint)error)!);

    internal static DuckDbException From(DuckDbErrorKind kind, string text)
    {
        // A parser error has its kind before the JSON: `Parser Error: {…}`.
        int start = text.IndexOf("{\"exception_type\"", StringComparison.Ordinal);
        if (start < 0)
        {
            return new DuckDbException(kind == DuckDbErrorKind.Invalid ? KindOf(text) : kind, text);
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(text.AsMemory(start));
            return new DuckDbException(kind, document.RootElement);
        }
        catch (JsonException)
        {
            return new DuckDbException(kind, text);
        }
    }

    private static string? Text(JsonElement error, string property) =>
        error.TryGetProperty(property, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    /// <summary>Preparing loses the kind; the text still begins with its name.</summary>
    private static DuckDbErrorKind KindOf(string text)
    {
        ReadOnlySpan<(string Start, DuckDbErrorKind Kind)> starts =
        [
            ("Parser", DuckDbErrorKind.Parser),
            ("Binder", DuckDbErrorKind.Binder),
            ("Catalog", DuckDbErrorKind.Catalog),
            ("IO", DuckDbErrorKind.Io),
            ("INTERRUPT", DuckDbErrorKind.Interrupt),
            ("Out of Memory", DuckDbErrorKind.OutOfMemory),
            ("Conversion", DuckDbErrorKind.Conversion),
            ("Invalid Input", DuckDbErrorKind.InvalidInput),
            ("Invalid Configuration", DuckDbErrorKind.Settings),
            ("Not implemented", DuckDbErrorKind.NotImplemented),
            ("Out of Range", DuckDbErrorKind.OutOfRange),
            ("Permission", DuckDbErrorKind.Permission),
            ("Constraint", DuckDbErrorKind.Constraint),
            ("FATAL", DuckDbErrorKind.Fatal),
            ("INTERNAL", DuckDbErrorKind.Internal),
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
