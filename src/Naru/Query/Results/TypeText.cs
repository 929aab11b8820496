using Naru.Lake.DuckDb;

namespace Naru.Query.Results;

/// <summary>Names of result types, as SQL writes them.</summary>
internal static class TypeText
{
    public static string Of(DuckDbType type) => type.Kind switch
    {
        _ when type.Alias is string alias => alias,
        DuckDbTypeKind.Decimal => $"DECIMAL({type.Precision},{type.Scale})",
        DuckDbTypeKind.List => $"{Of(type.Fields[0].Type)}[]",
        DuckDbTypeKind.Array => $"{Of(type.Fields[0].Type)}[{type.ArraySize}]",
        DuckDbTypeKind.Map => $"MAP({Of(type.Fields[0].Type)}, {Of(type.Fields[1].Type)})",
        DuckDbTypeKind.Struct =>
            $"STRUCT({string.Join(", ", type.Fields.Select(field => $"\"{field.Name}\" {Of(field.Type)}"))})",
        DuckDbTypeKind.TimestampTz => "TIMESTAMP WITH TIME ZONE",
        DuckDbTypeKind.TimestampSeconds => "TIMESTAMP_S",
        DuckDbTypeKind.TimestampMilliseconds => "TIMESTAMP_MS",
        DuckDbTypeKind.TimestampNanoseconds => "TIMESTAMP_NS",
        DuckDbTypeKind.TimeTz => "TIME WITH TIME ZONE",
        DuckDbTypeKind.TimeNanoseconds => "TIME_NS",
        DuckDbTypeKind.SqlNull => "NULL",
        _ => type.Kind.ToString().ToUpperInvariant(),
    };

    /// <summary>
    /// Whether <see cref="CellWriter"/> can write the type. The few others have no settled text form; casting the
    /// column to VARCHAR gives DuckDB's.
    /// </summary>
    public static bool IsWritable(DuckDbType type) => type.Kind switch
    {
        DuckDbTypeKind.Bit or DuckDbTypeKind.BigNum or DuckDbTypeKind.Union or DuckDbTypeKind.Variant
            or DuckDbTypeKind.Geometry or DuckDbTypeKind.TimeTz or DuckDbTypeKind.Any or DuckDbTypeKind.Invalid
            or DuckDbTypeKind.StringLiteral or DuckDbTypeKind.IntegerLiteral => false,
        _ => type.Fields.All(static field => IsWritable(field.Type)),
    };
}
