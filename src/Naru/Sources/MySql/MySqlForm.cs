using System.Collections.Immutable;
using System.Globalization;
using Naru.Lake.Columns;
using Naru.MySql;

namespace Naru.Sources.MySql;

/// <summary>How a value comes in MySQL's text protocol. Kept in <see cref="SourceColumn.Form"/>.</summary>
internal enum MySqlForm
{
    /// <summary>Its bytes are the text.</summary>
    Text,

    Int32,
    Int64,

    /// <summary>The server shows a FLOAT with six digits; asked for as a double it shows all that it holds.</summary>
    Float,

    Double,
    Decimal,
    Date,

    /// <summary>A clock's time, whose zone the source says.</summary>
    DateTime,

    /// <summary>UTC, for the session's zone is.</summary>
    Timestamp,

    /// <summary>One bit in a byte.</summary>
    Bit,

    /// <summary>Up to eight bytes, the highest first.</summary>
    Bits,

    /// <summary>Bytes of no charset.</summary>
    Bytes,

    /// <summary>The number of a reference system in four bytes, then WKB, both little-endian.</summary>
    Geometry,

    /// <summary>Bits that the server is asked for as a number.</summary>
    BitsAsText,
}

/// <summary>A column as `information_schema.columns` has it.</summary>
/// <param name="Name">Of the column.</param>
/// <param name="DataType">`int`, `varchar`, ….</param>
/// <param name="ColumnType">With size and sign: `int(10) unsigned`.</param>
/// <param name="Nullable">Declared so.</param>
/// <param name="Precision">Of decimals, and of bits their number.</param>
/// <param name="Scale">Of decimals.</param>
/// <param name="IsJson">MariaDB's JSON, which is a text that is checked.</param>
internal sealed record MySqlAttribute(
    string Name, string DataType, string ColumnType, bool Nullable, int Precision, int Scale, bool IsJson);

/// <summary>What the types of MySQL and MariaDB are in the lake; any other is read as text, and says so.</summary>
internal static class MySqlTypes
{
    private const string AsText = "as text, as the server writes it";
    private const string AsHex = "as hexadecimal digits";
    private const int DecimalDigitsMax = 38;

    public static SourceColumn Column(MySqlAttribute attribute)
    {
        (MySqlForm form, ColumnType type, string note) = Map(attribute);

        // A date in a column that must not be null may be MySQL's own "no date", which becomes null.
        bool mayBeNone = form is MySqlForm.Date or MySqlForm.DateTime or MySqlForm.Timestamp;
        return new SourceColumn
        {
            Name = attribute.Name,
            ServerType = attribute.ColumnType,
            Type = type,
            Nullable = attribute.Nullable || mayBeNone,
            Note = note,
            Form = (int)form,
        };
    }

    /// <summary>The column as text, in the server's notation.</summary>
    public static SourceColumn? ReadAs(SourceColumn column, ColumnType type)
    {
        if (column.Type == type)
        {
            return column;
        }

        if (type.Kind != ColumnKind.String)
        {
            return null;
        }

        MySqlForm form = (MySqlForm)column.Form switch
        {
            MySqlForm.Bit or MySqlForm.Bits => MySqlForm.BitsAsText,
            _ => MySqlForm.Text,
        };
        return column with { Type = type, Form = (int)form, Note = "" };
    }

    /// <summary>What stands in the SELECT for a column.</summary>
    public static string Expression(SourceColumn column)
    {
        string name = MySqlText.Identifier(column.Name);
        return (MySqlForm)column.Form switch
        {
            MySqlForm.Float => $"{name} + 0e0",
            MySqlForm.BitsAsText => $"{name} + 0",
            _ => name,
        };
    }

    private static (MySqlForm Form, ColumnType Type, string Note) Map(MySqlAttribute attribute)
    {
        bool unsigned = attribute.ColumnType.Contains("unsigned", StringComparison.OrdinalIgnoreCase);
        return attribute.DataType.ToLowerInvariant() switch
        {
            "tinyint" or "smallint" or "mediumint" or "year" => (MySqlForm.Int32, ColumnType.Int32, ""),
            "int" or "integer" => unsigned
                ? (MySqlForm.Int64, ColumnType.Int64, "") : (MySqlForm.Int32, ColumnType.Int32, ""),
            "bigint" => unsigned
                ? (MySqlForm.Decimal, ColumnType.Decimal(20, 0), "") : (MySqlForm.Int64, ColumnType.Int64, ""),
            "decimal" or "numeric" => attribute.Precision <= DecimalDigitsMax
                ? (MySqlForm.Decimal, ColumnType.Decimal(attribute.Precision, attribute.Scale), "")
                : (MySqlForm.Text, ColumnType.String, string.Create(
                    CultureInfo.InvariantCulture, $"as text, for it has more than {DecimalDigitsMax} digits")),
            "float" => (MySqlForm.Float, ColumnType.Double, ""),
            "double" or "real" => (MySqlForm.Double, ColumnType.Double, ""),
            "bit" => Bits(attribute.Precision),
            "date" => (MySqlForm.Date, ColumnType.Date, ""),
            "datetime" => (MySqlForm.DateTime, ColumnType.Timestamp, "read on the clock of the source's `zone`"),
            "timestamp" => (MySqlForm.Timestamp, ColumnType.Timestamp, ""),
            "time" => (MySqlForm.Text, ColumnType.String, AsText),
            "char" or "varchar" or "enum" or "set" or "uuid" or "inet4" or "inet6"
                or "tinytext" or "text" or "mediumtext" or "longtext" => (
                    MySqlForm.Text, attribute.IsJson ? ColumnType.Json : ColumnType.String, ""),
            "json" => (MySqlForm.Text, ColumnType.Json, ""),
            "binary" or "varbinary" or "tinyblob" or "blob" or "mediumblob" or "longblob" or "vector" =>
                (MySqlForm.Bytes, ColumnType.String, AsHex),
            "geometry" or "point" or "linestring" or "polygon" or "multipoint" or "multilinestring" or "multipolygon"
                or "geometrycollection" or "geomcollection" =>
                (MySqlForm.Geometry, ColumnType.String, "as EWKB in hexadecimal digits"),
            _ => (MySqlForm.Text, ColumnType.String, AsText),
        };
    }

    private static (MySqlForm Form, ColumnType Type, string Note) Bits(int bits) => bits switch
    {
        1 => (MySqlForm.Bit, ColumnType.Boolean, ""),
        < 32 => (MySqlForm.Bits, ColumnType.Int32, ""),
        < 64 => (MySqlForm.Bits, ColumnType.Int64, ""),
        _ => (MySqlForm.Bits, ColumnType.Decimal(20, 0), ""),
    };
}
