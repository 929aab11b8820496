using System.Collections.Immutable;
using System.Globalization;
using Naru.Lake.Columns;

namespace Naru.Sources.PostgreSql;

/// <summary>How a value comes in PostgreSQL's binary COPY. Kept in <see cref="SourceColumn.Form"/>.</summary>
internal enum PostgresForm
{
    Boolean,
    Int16,
    Int32,
    Int64,

    /// <summary>An unsigned number of 4 bytes.</summary>
    Oid,

    Float4,
    Float8,
    Numeric,

    /// <summary>Its bytes are the text.</summary>
    Text,

    /// <summary>A byte for the version, then the text.</summary>
    Jsonb,

    Uuid,
    Date,
    TimestampTz,

    /// <summary>Microseconds on a clock whose zone the source says.</summary>
    Timestamp,

    /// <summary>The server is asked for the type's own text.</summary>
    CastToText,

    /// <summary>The server is asked for JSON.</summary>
    CastToJson,
}

/// <summary>What the types of PostgreSQL are in the lake. Every type is here or is read as text, and says so.</summary>
internal static class PostgresTypes
{
    private const string AsText = "as text, as the server writes it";
    private const int DecimalDigitsMax = 38;
    private const int ModifierOffset = 4;

    /// <summary>Types whose values JSON holds as they are, so that arrays of them can be read as JSON.</summary>
    private static readonly ImmutableHashSet<uint> PlainInJson =
    [
        PostgresOid.Bool, PostgresOid.Int2, PostgresOid.Int4, PostgresOid.Int8, PostgresOid.Text, PostgresOid.VarChar,
        PostgresOid.Uuid, PostgresOid.Date,
    ];

    public static SourceColumn Column(PostgresAttribute attribute)
    {
        (PostgresForm form, ColumnType type, string note) = Map(attribute);
        return new SourceColumn
        {
            Name = attribute.Name,
            ServerType = attribute.Type,
            Type = type,
            Nullable = !attribute.NotNull,
            Note = note,
            Form = (int)form,
        };
    }

    /// <summary>The column as text, JSON text included, or a number without a stated size as a decimal.</summary>
    public static SourceColumn? ReadAs(SourceColumn column, ColumnType type)
    {
        if (column.Type == type)
        {
            return column;
        }

        PostgresForm? form = type.Kind switch
        {
            ColumnKind.String => (PostgresForm)column.Form is PostgresForm.Text
                ? PostgresForm.Text : PostgresForm.CastToText,
            ColumnKind.Decimal when IsNumeric(column) => PostgresForm.Numeric,
            ColumnKind.Double when column.Form == (int)PostgresForm.Float4 => PostgresForm.Float4,
            _ => null,
        };
        return form is { } known ? column with { Type = type, Form = (int)known, Note = "" } : null;
    }

    /// <summary>What stands in the SELECT for a column.</summary>
    public static string Expression(SourceColumn column)
    {
        string name = PostgresSql.Identifier(column.Name);
        return (PostgresForm)column.Form switch
        {
            PostgresForm.CastToText => $"{name}::text",
            PostgresForm.CastToJson => $"pg_catalog.to_json({name})::text",
            _ => name,
        };
    }

    private static bool IsNumeric(SourceColumn column) =>
        column.ServerType.StartsWith("numeric", StringComparison.Ordinal)
        && !column.ServerType.EndsWith(']');

    private static (PostgresForm Form, ColumnType Type, string Note) Map(PostgresAttribute attribute)
    {
        if (attribute.IsEnum)
        {
            return (PostgresForm.Text, ColumnType.String, "");
        }

        return attribute.TypeId switch
        {
            PostgresOid.Bool => (PostgresForm.Boolean, ColumnType.Boolean, ""),
            PostgresOid.Int2 => (PostgresForm.Int16, ColumnType.Int32, ""),
            PostgresOid.Int4 => (PostgresForm.Int32, ColumnType.Int32, ""),
            PostgresOid.Int8 => (PostgresForm.Int64, ColumnType.Int64, ""),
            PostgresOid.Oid => (PostgresForm.Oid, ColumnType.Int64, ""),
            PostgresOid.Float4 => (PostgresForm.Float4, ColumnType.Double, ""),
            PostgresOid.Float8 => (PostgresForm.Float8, ColumnType.Double, ""),
            PostgresOid.Numeric => Numeric(attribute.Modifier),
            PostgresOid.Text or PostgresOid.VarChar or PostgresOid.BpChar or PostgresOid.Name =>
                (PostgresForm.Text, ColumnType.String, ""),
            PostgresOid.Json => (PostgresForm.Text, ColumnType.Json, ""),
            PostgresOid.Jsonb => (PostgresForm.Jsonb, ColumnType.Json, ""),
            PostgresOid.Uuid => (PostgresForm.Uuid, ColumnType.String, ""),
            PostgresOid.Date => (PostgresForm.Date, ColumnType.Date, ""),
            PostgresOid.TimestampTz => (PostgresForm.TimestampTz, ColumnType.Timestamp, ""),
            PostgresOid.Timestamp => (
                PostgresForm.Timestamp, ColumnType.Timestamp, "read on the clock of the source's `zone`"),
            _ when PlainInJson.Contains(attribute.ElementId) =>
                (PostgresForm.CastToJson, ColumnType.Json, "as a JSON array"),
            _ => (PostgresForm.CastToText, ColumnType.String, AsText),
        };
    }

    /// <summary>A modifier is (precision &lt;&lt; 16 | scale of 11 bits, signed) + 4; -1 is none.</summary>
    private static (PostgresForm Form, ColumnType Type, string Note) Numeric(int modifier)
    {
        const string Hint = "name a size in `types`, such as decimal(38,6)";
        if (modifier < ModifierOffset)
        {
            return (PostgresForm.CastToText, ColumnType.String, $"as text, for it has no size of its own; {Hint}");
        }

        int packed = modifier - ModifierOffset;
        int precision = (packed >> 16) & 0xFFFF;
        int scale = ((packed & 0x7FF) ^ 0x400) - 0x400;

        // numeric(3,5) holds 0.00123, numeric(3,-2) holds 12300.
        int digits = scale < 0 ? precision - scale : Math.Max(precision, scale);
        return digits > DecimalDigitsMax
            ? (PostgresForm.CastToText, ColumnType.String, string.Create(
                CultureInfo.InvariantCulture, $"as text, for it has more than {DecimalDigitsMax} digits"))
            : (PostgresForm.Numeric, ColumnType.Decimal(digits, Math.Max(scale, 0)), "");
    }
}

/// <summary>A column as PostgreSQL's catalog has it; of a domain, what it is made from.</summary>
/// <param name="Name">Of the column.</param>
/// <param name="Type">As people write it, with its size.</param>
/// <param name="TypeId">0 for what is not simple.</param>
/// <param name="ElementId">Of an array; 0 otherwise.</param>
/// <param name="Modifier">-1 for none.</param>
/// <param name="IsEnum">Its values are labels.</param>
/// <param name="NotNull">Declared so.</param>
internal sealed record PostgresAttribute(
    string Name, string Type, uint TypeId, uint ElementId, int Modifier, bool IsEnum, bool NotNull);

/// <summary>Types of PostgreSQL by number, the same on every server.</summary>
internal static class PostgresOid
{
    public const uint Bool = 16;
    public const uint Name = 19;
    public const uint Int8 = 20;
    public const uint Int2 = 21;
    public const uint Int4 = 23;
    public const uint Text = 25;
    public const uint Oid = 26;
    public const uint Json = 114;
    public const uint Float4 = 700;
    public const uint Float8 = 701;
    public const uint BpChar = 1042;
    public const uint VarChar = 1043;
    public const uint Date = 1082;
    public const uint Timestamp = 1114;
    public const uint TimestampTz = 1184;
    public const uint Numeric = 1700;
    public const uint Uuid = 2950;
    public const uint Jsonb = 3802;
}

/// <summary>Names and texts in PostgreSQL's SQL.</summary>
internal static class PostgresSql
{
    public static string Identifier(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>Sessions have standard_conforming_strings on, where a backslash is a backslash.</summary>
    public static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    public static string Name(SourceTableName table) => table.Schema.Length == 0
        ? Identifier(table.Name) : $"{Identifier(table.Schema)}.{Identifier(table.Name)}";
}
