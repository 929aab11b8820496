using System.Collections.Immutable;
using System.Text;
using Naru.Lake.DuckDb;
using Naru.Query.Worker;

namespace Naru.Query.Results;

/// <summary>
/// Rows as the `data` of Trino's protocol: each is a comma and an array, so that pages are cut and joined as bytes.
/// Integers up to 64 bits and finite doubles are numbers; decimals and wider integers strings with all their digits,
/// as are NaN and the infinities; varbinary is base64; a row is an array, a map an object; JSON is text.
/// </summary>
internal sealed class TrinoResultWriter : ResultWriter
{
    private readonly ZoneClock _clock;
    private readonly bool _precise;
    private readonly CellWriter _plain;
    private readonly DateText _dates;
    private readonly NestedJson _nested;

    public TrinoResultWriter(OutputBuffer output, ZoneClock clock, bool precise)
        : base(output)
    {
        _clock = clock;
        _precise = precise;
        _plain = new CellWriter(output, clock, json: true);
        _dates = new DateText(output, (byte)' ');
        _nested = new NestedJson(output, Write);
    }

    public override void Begin(ImmutableArray<DuckDbColumn> columns)
    {
    }

    public override void WriteRow(DuckDbVector[] vectors, int row)
    {
        Output.Append(",["u8);
        for (int i = 0; i < vectors.Length; i++)
        {
            if (i > 0)
            {
                Output.Append((byte)',');
            }

            Write(vectors[i], row);
        }

        Output.Append((byte)']');
    }

    public override void End(RunFinished finished)
    {
    }

    private void Write(in DuckDbVector vector, int row)
    {
        if (vector.IsNull(row))
        {
            Output.Append("null"u8);
            return;
        }

        switch (vector.Type.Kind)
        {
            case DuckDbTypeKind.Varchar:
                JsonText.Append(Output, vector.Utf8At(row));
                break;
            case DuckDbTypeKind.Enum:
                JsonText.Append(Output, Encoding.UTF8.GetBytes(vector.EnumAt(row)));
                break;
            case DuckDbTypeKind.List or DuckDbTypeKind.Array:
                _nested.WriteList(vector, row);
                break;
            case DuckDbTypeKind.Struct:
                _nested.WriteStruct(vector, row, named: false);
                break;
            case DuckDbTypeKind.Map:
                _nested.WriteMap(vector, row);
                break;
            case DuckDbTypeKind.Union:
                // The value that it holds, as text whatever its type.
                _nested.WriteAsText(vector.Field(vector.Field(0).Values<byte>()[row] + 1), row);
                break;
            case DuckDbTypeKind kind when IsNumber(vector, row, kind):
                _plain.WritePlain(vector, row);
                break;
            default:
                Output.Append((byte)'"');
                WriteQuoted(vector, row);
                Output.Append((byte)'"');
                break;
        }
    }

    private static bool IsNumber(in DuckDbVector vector, int row, DuckDbTypeKind kind) => kind switch
    {
        DuckDbTypeKind.Boolean or DuckDbTypeKind.TinyInt or DuckDbTypeKind.SmallInt or DuckDbTypeKind.Integer
            or DuckDbTypeKind.BigInt or DuckDbTypeKind.UTinyInt or DuckDbTypeKind.USmallInt
            or DuckDbTypeKind.UInteger => true,
        DuckDbTypeKind.Float => float.IsFinite(vector.Values<float>()[row]),
        DuckDbTypeKind.Double => double.IsFinite(vector.Values<double>()[row]),
        _ => false,
    };

    private void WriteQuoted(in DuckDbVector vector, int row)
    {
        DuckDbTypeKind kind = vector.Type.Kind;
        int digits = TrinoType.SecondDigits(kind, _precise);
        switch (kind)
        {
            case DuckDbTypeKind.Timestamp:
                _dates.WriteTimestamp(vector.Values<long>()[row], 1_000_000, digits);
                break;
            case DuckDbTypeKind.TimestampSeconds:
                _dates.WriteTimestamp(vector.Values<long>()[row], 1, digits);
                break;
            case DuckDbTypeKind.TimestampMilliseconds:
                _dates.WriteTimestamp(vector.Values<long>()[row], 1_000, digits);
                break;
            case DuckDbTypeKind.TimestampNanoseconds:
                _dates.WriteTimestamp(vector.Values<long>()[row], 1_000_000_000, digits);
                break;
            case DuckDbTypeKind.TimestampTz:
                _dates.WriteZoned(vector.Values<long>()[row], _clock, digits);
                break;
            case DuckDbTypeKind.Time:
                _dates.WriteTime(vector.Values<long>()[row], 1_000_000, digits);
                break;
            case DuckDbTypeKind.TimeNanoseconds:
                _dates.WriteTime(vector.Values<long>()[row], 1_000_000_000, digits);
                break;
            case DuckDbTypeKind.TimeTz:
                WriteTimeWithOffset(vector.Values<long>()[row], digits);
                break;
            case DuckDbTypeKind.Bit:
                WriteBits(vector.Utf8At(row));
                break;
            case DuckDbTypeKind.Interval:
                WriteInterval(vector.Values<DuckDbInterval>()[row]);
                break;
            default:
                _plain.WritePlain(vector, row);
                break;
        }
    }

    /// <summary>
    /// DuckDB's bits of one: microseconds above, and in the lower 24 bits 57,599 less the seconds east of UTC.
    /// </summary>
    private void WriteTimeWithOffset(long bits, int digits)
    {
        _dates.WriteTime(bits >> 24, 1_000_000, digits);
        _dates.WriteOffset((int)((57_599 - (bits & 0xFFFFFF)) / 60));
    }

    /// <summary>DuckDB's bytes of one: how many bits of the second byte are padding, then the bits.</summary>
    private void WriteBits(ReadOnlySpan<byte> bytes)
    {
        for (int bit = bytes[0]; bit < (bytes.Length - 1) * 8; bit++)
        {
            bool set = (bytes[1 + (bit / 8)] & (0x80 >> (bit % 8))) != 0;
            Output.Append(set ? (byte)'1' : (byte)'0');
        }
    }

    /// <summary>
    /// Trino's two forms: `1-2` is a year and two months, `3 04:05:06.789` days and a time; one after the other when
    /// the interval has both.
    /// </summary>
    private void WriteInterval(DuckDbInterval interval)
    {
        bool days = interval.Days != 0 || interval.Microseconds != 0 || interval.Months == 0;
        if (interval.Months != 0)
        {
            long months = Math.Abs((long)interval.Months);
            Output.Append(interval.Months < 0 ? "-"u8 : default);
            Output.AppendNumber(months / 12);
            Output.Append((byte)'-');
            Output.AppendNumber(months % 12);
            Output.Append(days ? " "u8 : default);
        }

        if (days)
        {
            // The clock part may pass a day, in either direction: what is shown is the sum.
            Int128 total = ((Int128)interval.Days * 86_400_000_000) + interval.Microseconds;
            Output.Append(total < 0 ? "-"u8 : default);
            total = Int128.Abs(total);
            Output.AppendNumber((long)(total / 86_400_000_000));
            Output.Append((byte)' ');
            _dates.WriteTime((long)(total % 86_400_000_000), 1_000_000, digits: 3);
        }
    }
}
