using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Core;
using Naru.Lake.DuckDb;

namespace Naru.Query.Results;

/// <summary>
/// Writes one value as text. Plain: as a CSV cell before quoting, or inside a JSON string. JSON: a whole JSON value,
/// where numbers and decimals are numbers with all their digits, NaN and the infinities are strings, blobs are base64,
/// lists are arrays, structs and maps objects, a value of type JSON stands as it is, and the rest are strings.
/// Times are ISO 8601 (`T` in JSON, a space in CSV); TIMESTAMP WITH TIME ZONE carries the project zone's offset.
/// </summary>
internal sealed class CellWriter(OutputBuffer output, ZoneClock clock, bool json)
{
    private const long MicrosecondsOfDay = 86_400_000_000;

    private readonly DateText _dates = new(output, json ? (byte)'T' : (byte)' ');
    private NestedJson? _nested;

    private NestedJson Nested => _nested ??= new NestedJson(output, WriteJson);

    /// <summary>A whole JSON value, `null` included.</summary>
    public void WriteJson(in DuckDbVector vector, int row)
    {
        Invariant.Hold(json);
        if (vector.IsNull(row))
        {
            output.Append("null"u8);
            return;
        }

        switch (vector.Type.Kind)
        {
            case DuckDbTypeKind.Varchar when vector.Type.Alias == "JSON":
                WriteRawJson(vector.Utf8At(row));
                break;
            case DuckDbTypeKind.Varchar:
                WriteJsonString(vector.Utf8At(row));
                break;
            case DuckDbTypeKind.Enum:
                WriteJsonString(Encoding.UTF8.GetBytes(vector.EnumAt(row)));
                break;
            case DuckDbTypeKind.List or DuckDbTypeKind.Array:
                Nested.WriteList(vector, row);
                break;
            case DuckDbTypeKind.Struct:
                Nested.WriteStruct(vector, row, named: true);
                break;
            case DuckDbTypeKind.Map:
                Nested.WriteMap(vector, row);
                break;
            case DuckDbTypeKind kind when IsJsonNumber(vector, row, kind):
                WritePlain(vector, row);
                break;
            default:
                output.Append((byte)'"');
                WritePlain(vector, row);
                output.Append((byte)'"');
                break;
        }
    }

    /// <summary>A scalar that is not null and not text.</summary>
    public void WritePlain(in DuckDbVector vector, int row)
    {
        switch (vector.Type.Kind)
        {
            case DuckDbTypeKind.Boolean:
                output.Append(vector.Values<byte>()[row] != 0 ? "true"u8 : "false"u8);
                break;
            case DuckDbTypeKind.TinyInt:
                output.AppendNumber(vector.Values<sbyte>()[row]);
                break;
            case DuckDbTypeKind.SmallInt:
                output.AppendNumber(vector.Values<short>()[row]);
                break;
            case DuckDbTypeKind.Integer:
                output.AppendNumber(vector.Values<int>()[row]);
                break;
            case DuckDbTypeKind.BigInt:
                output.AppendNumber(vector.Values<long>()[row]);
                break;
            case DuckDbTypeKind.UTinyInt:
                output.AppendNumber(vector.Values<byte>()[row]);
                break;
            case DuckDbTypeKind.USmallInt:
                output.AppendNumber(vector.Values<ushort>()[row]);
                break;
            case DuckDbTypeKind.UInteger:
                output.AppendNumber(vector.Values<uint>()[row]);
                break;
            case DuckDbTypeKind.UBigInt:
                output.AppendNumber(vector.Values<ulong>()[row]);
                break;
            case DuckDbTypeKind.HugeInt:
                output.AppendNumber(vector.Values<Int128>()[row]);
                break;
            case DuckDbTypeKind.UHugeInt:
                output.AppendNumber(vector.Values<UInt128>()[row]);
                break;
            default:
                WriteOther(vector, row);
                break;
        }
    }

    private void WriteOther(in DuckDbVector vector, int row)
    {
        switch (vector.Type.Kind)
        {
            case DuckDbTypeKind.Float:
                WriteFloating(vector.Values<float>()[row]);
                break;
            case DuckDbTypeKind.Double:
                WriteFloating(vector.Values<double>()[row]);
                break;
            case DuckDbTypeKind.Decimal:
                WriteDecimal(vector.DecimalAt(row), vector.Type.Scale);
                break;
            case DuckDbTypeKind.Uuid:
                WriteUuid(vector.UuidAt(row));
                break;
            case DuckDbTypeKind.Blob:
                WriteBase64(vector.Utf8At(row));
                break;
            case DuckDbTypeKind.Interval:
                WriteInterval(vector.Values<DuckDbInterval>()[row]);
                break;
            default:
                WriteTime(vector, row);
                break;
        }
    }

    private void WriteTime(in DuckDbVector vector, int row)
    {
        switch (vector.Type.Kind)
        {
            case DuckDbTypeKind.Date:
                _dates.WriteDate(vector.Values<int>()[row]);
                break;
            case DuckDbTypeKind.Time:
                _dates.WriteTime(vector.Values<long>()[row], unitsOfSecond: 1_000_000);
                break;
            case DuckDbTypeKind.TimeNanoseconds:
                _dates.WriteTime(vector.Values<long>()[row], unitsOfSecond: 1_000_000_000);
                break;
            case DuckDbTypeKind.Timestamp:
                _dates.WriteTimestamp(vector.Values<long>()[row], unitsOfSecond: 1_000_000);
                break;
            case DuckDbTypeKind.TimestampSeconds:
                _dates.WriteTimestamp(vector.Values<long>()[row], unitsOfSecond: 1);
                break;
            case DuckDbTypeKind.TimestampMilliseconds:
                _dates.WriteTimestamp(vector.Values<long>()[row], unitsOfSecond: 1_000);
                break;
            case DuckDbTypeKind.TimestampNanoseconds:
                _dates.WriteTimestamp(vector.Values<long>()[row], unitsOfSecond: 1_000_000_000);
                break;
            case DuckDbTypeKind.TimestampTz:
                _dates.WriteInstant(vector.Values<long>()[row], clock);
                break;
            default:
                throw new InvariantException($"a value of type {vector.Type.Kind} has no text form");
        }
    }

    private static bool IsJsonNumber(in DuckDbVector vector, int row, DuckDbTypeKind kind) => kind switch
    {
        DuckDbTypeKind.Boolean or DuckDbTypeKind.TinyInt or DuckDbTypeKind.SmallInt or DuckDbTypeKind.Integer
            or DuckDbTypeKind.BigInt or DuckDbTypeKind.UTinyInt or DuckDbTypeKind.USmallInt
            or DuckDbTypeKind.UInteger or DuckDbTypeKind.UBigInt or DuckDbTypeKind.HugeInt
            or DuckDbTypeKind.UHugeInt or DuckDbTypeKind.Decimal => true,
        DuckDbTypeKind.Float => float.IsFinite(vector.Values<float>()[row]),
        DuckDbTypeKind.Double => double.IsFinite(vector.Values<double>()[row]),
        _ => false,
    };

    /// <summary>Every digit that tells the number from its neighbours; what is not finite as a word.</summary>
    public void WriteFloating<T>(T value)
        where T : System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        if (T.IsFinite(value))
        {
            output.AppendNumber(value);
        }
        else
        {
            output.Append(T.IsNaN(value) ? "NaN"u8 : T.IsPositive(value) ? "Infinity"u8 : "-Infinity"u8);
        }
    }

    public void WriteDecimal(Int128 value, int scale)
    {
        if (scale == 0)
        {
            output.AppendNumber(value);
            return;
        }

        if (Int128.IsNegative(value))
        {
            output.Append((byte)'-');
        }

        // Digits without the sign, at least one before the point; -10^38 < value < 10^38, so negation is safe.
        Span<byte> digits = stackalloc byte[48];
        UInt128 magnitude = (UInt128)Int128.Abs(value);
        bool written = magnitude <= ulong.MaxValue
            ? ((ulong)magnitude).TryFormat(digits, out int count, default, CultureInfo.InvariantCulture)
            : magnitude.TryFormat(digits, out count, default, CultureInfo.InvariantCulture);
        Invariant.Hold(written);
        int whole = count - scale;
        if (whole <= 0)
        {
            output.Append((byte)'0');
            output.Append((byte)'.');
            for (int i = whole; i < 0; i++)
            {
                output.Append((byte)'0');
            }

            output.Append(digits[..count]);
            return;
        }

        output.Append(digits[..whole]);
        output.Append((byte)'.');
        output.Append(digits[whole..count]);
    }

    private void WriteUuid(UInt128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        bool written = new Guid(bytes, bigEndian: true).TryFormat(output.Reserve(36), out int count);
        Invariant.Hold(written);
        output.Advance(count);
    }

    private void WriteBase64(ReadOnlySpan<byte> bytes)
    {
        Span<byte> room = output.Reserve(Base64.GetMaxEncodedToUtf8Length(bytes.Length));
        OperationStatus status = Base64.EncodeToUtf8(bytes, room, out _, out int written);
        Invariant.Hold(status == OperationStatus.Done);
        output.Advance(written);
    }

    /// <summary>ISO 8601 duration of months, days and seconds: what a reader needs to add it again.</summary>
    private void WriteInterval(DuckDbInterval interval)
    {
        output.Append((byte)'P');
        if (interval.Months != 0)
        {
            output.AppendNumber(interval.Months);
            output.Append((byte)'M');
        }

        if (interval.Days != 0)
        {
            output.AppendNumber(interval.Days);
            output.Append((byte)'D');
        }

        if (interval.Microseconds != 0 || (interval.Months == 0 && interval.Days == 0))
        {
            output.Append((byte)'T');
            decimal seconds = interval.Microseconds / 1_000_000m;
            output.AppendNumber(seconds);
            output.Append((byte)'S');
        }
    }

    /// <summary>JSON text as it stands, or as a string where it is none.</summary>
    public void WriteRawJson(ReadOnlySpan<byte> text)
    {
        // DuckDB lets NaN and Infinity stand in JSON; a whole answer must not become unreadable for them.
        try
        {
            Utf8JsonReader reader = new(text, new JsonReaderOptions { MaxDepth = 1000 });
            while (reader.Read())
            {
            }

            output.Append(text);
        }
        catch (JsonException)
        {
            WriteJsonString(text);
        }
    }

    private void WriteJsonString(ReadOnlySpan<byte> text) => JsonText.Append(output, text);
}
