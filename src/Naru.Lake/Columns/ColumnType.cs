namespace Naru.Lake.Columns;

/// <summary>Kinds of values of the lake. Persisted in definitions: values never change.</summary>
public enum ColumnKind : byte
{
    Boolean = 1,
    Int32 = 2,
    Int64 = 3,
    Double = 4,

    /// <summary>16-byte signed integer scaled by 10^scale; precision at most 38.</summary>
    Decimal = 5,

    /// <summary>Unix microseconds, UTC. SQL: TIMESTAMP WITH TIME ZONE. Delta: timestamp.</summary>
    Timestamp = 6,

    /// <summary>Days since 1970-01-01.</summary>
    Date = 7,

    String = 8,

    /// <summary>JSON text, kept as a string.</summary>
    Json = 9,

    StringArray = 10,
}

public readonly record struct ColumnType(ColumnKind Kind, byte Precision = 0, byte Scale = 0)
{
    public static ColumnType Boolean => new(ColumnKind.Boolean);
    public static ColumnType Int32 => new(ColumnKind.Int32);
    public static ColumnType Int64 => new(ColumnKind.Int64);
    public static ColumnType Double => new(ColumnKind.Double);
    public static ColumnType Timestamp => new(ColumnKind.Timestamp);
    public static ColumnType Date => new(ColumnKind.Date);
    public static ColumnType String => new(ColumnKind.String);
    public static ColumnType Json => new(ColumnKind.Json);
    public static ColumnType StringArray => new(ColumnKind.StringArray);

    public static ColumnType Decimal(int precision, int scale) =>
        new(ColumnKind.Decimal, checked((byte)precision), checked((byte)scale));

    /// <summary>
    /// Bytes of one value in a vector: DuckDB's physical widths (decimal 2, 4, 8 or 16 by precision; strings 16).
    /// </summary>
    public int WidthBytes => Kind switch
    {
        ColumnKind.Boolean => 1,
        ColumnKind.Int32 or ColumnKind.Date => 4,
        ColumnKind.Int64 or ColumnKind.Double or ColumnKind.Timestamp => 8,
        ColumnKind.Decimal => Precision <= 4 ? 2 : Precision <= 9 ? 4 : Precision <= 18 ? 8 : 16,
        _ => 16,
    };

    /// <summary>The type's name in DuckDB's SQL.</summary>
    public string Sql => Kind switch
    {
        ColumnKind.Boolean => "BOOLEAN",
        ColumnKind.Int32 => "INTEGER",
        ColumnKind.Int64 => "BIGINT",
        ColumnKind.Double => "DOUBLE",
        ColumnKind.Decimal => $"DECIMAL({Precision},{Scale})",
        ColumnKind.Timestamp => "TIMESTAMP WITH TIME ZONE",
        ColumnKind.Date => "DATE",
        ColumnKind.StringArray => "VARCHAR[]",
        _ => "VARCHAR",
    };

    /// <summary>
    /// The type's name in a Delta schema string; an array is `array of string` (see Delta/DeltaSchema).
    /// </summary>
    public string Delta => Kind switch
    {
        ColumnKind.Boolean => "boolean",
        ColumnKind.Int32 => "integer",
        ColumnKind.Int64 => "long",
        ColumnKind.Double => "double",
        ColumnKind.Decimal => $"decimal({Precision},{Scale})",
        ColumnKind.Timestamp => "timestamp",
        ColumnKind.Date => "date",
        ColumnKind.StringArray => "array",
        _ => "string",
    };
}

/// <summary>
/// A column of a table; <see cref="FieldId"/> is its Parquet field id, stable for the table's life, from 1.
/// </summary>
public sealed record Column(string Name, ColumnType Type, bool Nullable, int FieldId);
