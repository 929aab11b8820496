using System.Text.Json;
using Naru.Core.Events;
using Naru.Lake.Columns;

namespace Naru.Sources.Json;

/// <summary>
/// Puts values of JSON into columns, exactly or not at all: a number that its column cannot hold to the last digit, a
/// text where a number is wanted, a date that is none are all refused. Used by one reader.
/// </summary>
/// <param name="takesTexts">A number or a boolean may come as a text: `"5"`; an empty one is null.</param>
internal sealed class JsonValues(bool takesTexts)
{
    private byte[] _text = new byte[4096];

    /// <summary>
    /// Appends the value that the reader stands at, and leaves the reader at its end; false, with nothing appended,
    /// where the column cannot hold it. A null is null in every column.
    /// </summary>
    /// <param name="column">Takes it.</param>
    /// <param name="json">Stands at the value's first token.</param>
    /// <param name="whole">What the reader was made of.</param>
    public bool TryAppend(ColumnVector column, ref Utf8JsonReader json, ReadOnlySpan<byte> whole)
    {
        if (json.TokenType == JsonTokenType.Null)
        {
            column.AppendNull();
            return true;
        }

        switch (column.Type.Kind)
        {
            case ColumnKind.Json:
                column.AppendString(Raw(ref json, whole));
                return true;
            case ColumnKind.String:
                return TryText(column, ref json, whole);
            case ColumnKind.Boolean:
                return TryBoolean(column, ref json);
            case ColumnKind.Date:
                return TryDate(column, ref json);
            case ColumnKind.Timestamp:
                return TryTime(column, ref json);
            default:
                return TryNumber(column, ref json);
        }
    }

    /// <summary>The value's own bytes; leaves the reader at its end.</summary>
    public static ReadOnlySpan<byte> Raw(ref Utf8JsonReader json, ReadOnlySpan<byte> whole)
    {
        int start = (int)json.TokenStartIndex;
        json.Skip();
        return whole[start..(int)json.BytesConsumed];
    }

    /// <summary>A text's bytes without quotes and escapes; false where its escapes are no text.</summary>
    public bool TryUnescape(scoped ref Utf8JsonReader json, out ReadOnlySpan<byte> text)
    {
        if (!json.ValueIsEscaped)
        {
            text = json.ValueSpan;
            return true;
        }

        if (_text.Length < json.ValueSpan.Length)
        {
            _text = new byte[json.ValueSpan.Length * 2];
        }

        try
        {
            text = _text.AsSpan(0, json.CopyString(_text));
            return true;
        }
        catch (InvalidOperationException)
        {
            text = default;
            return false;
        }
    }

    private bool TryText(ColumnVector column, ref Utf8JsonReader json, ReadOnlySpan<byte> whole)
    {
        if (json.TokenType != JsonTokenType.String)
        {
            column.AppendString(Raw(ref json, whole));
            return true;
        }

        if (!TryUnescape(ref json, out ReadOnlySpan<byte> text))
        {
            return false;
        }

        column.AppendString(text);
        return true;
    }

    private bool TryBoolean(ColumnVector column, ref Utf8JsonReader json)
    {
        bool? value = json.TokenType switch
        {
            JsonTokenType.True => true,
            JsonTokenType.False => false,
            JsonTokenType.String when takesTexts && json.ValueTextEquals("true"u8) => true,
            JsonTokenType.String when takesTexts && (json.ValueTextEquals("false"u8) || json.ValueTextEquals(""u8)) =>
                false,
            _ => null,
        };
        if (value is { } known)
        {
            column.AppendBoolean(known);
        }

        return value is not null;
    }

    private bool TryDate(ColumnVector column, ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.String || !TryUnescape(ref json, out ReadOnlySpan<byte> text))
        {
            return false;
        }

        // Some say a day as its first instant.
        const int DayLength = 10;
        if (text.Length > DayLength && (text[DayLength..].SequenceEqual("T00:00:00Z"u8)
            || text[DayLength..].SequenceEqual("T00:00:00+00:00"u8)
            || text[DayLength..].SequenceEqual("T00:00:00"u8)
            || text[DayLength..].SequenceEqual("T00:00:00.000000Z"u8)))
        {
            text = text[..DayLength];
        }

        if (!TimeText.TryParseDate(text, out int day))
        {
            return false;
        }

        column.AppendInt32(day);
        return true;
    }

    private bool TryTime(ColumnVector column, ref Utf8JsonReader json)
    {
        const int DayLength = 10;
        if (json.TokenType != JsonTokenType.String || !TryUnescape(ref json, out ReadOnlySpan<byte> text)
            || text.Length < DayLength || text[4] != (byte)'-' || HasFinerDigits(text)
            || !TimeText.TryParse(text, ProjectZone.Utc, out long microseconds))
        {
            return false;
        }

        column.AppendInt64(microseconds);
        return true;
    }

    /// <summary>Whether something other than zeros stands below the microsecond.</summary>
    private static bool HasFinerDigits(ReadOnlySpan<byte> text)
    {
        const int MicrosecondDigits = 6;
        int point = text.IndexOf((byte)'.');
        ReadOnlySpan<byte> fraction = point < 0 ? default : text[(point + 1)..];
        int end = fraction.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        fraction = end < 0 ? fraction : fraction[..end];
        return fraction.Length > MicrosecondDigits && fraction[MicrosecondDigits..].ContainsAnyExcept((byte)'0');
    }

    private bool TryNumber(ColumnVector column, ref Utf8JsonReader json)
    {
        ReadOnlySpan<byte> text;
        switch (json.TokenType)
        {
            case JsonTokenType.Number:
                text = json.ValueSpan;
                break;
            case JsonTokenType.String when takesTexts && TryUnescape(ref json, out text):
                if (text.IsEmpty)
                {
                    column.AppendNull();
                    return true;
                }

                break;
            default:
                return false;
        }

        if (column.Type.Kind == ColumnKind.Double)
        {
            bool isReal = double.TryParse(
                text, System.Globalization.CultureInfo.InvariantCulture, out double real) && double.IsFinite(real);
            if (isReal)
            {
                column.AppendDouble(real);
            }

            return isReal;
        }

        return ExactNumber.Parse(text, out ExactNumber exact) == NumberText.Number && TryExact(column, exact);
    }

    private static bool TryExact(ColumnVector column, in ExactNumber exact)
    {
        if (!exact.TryScale(column.Type.Scale, out Int128 unscaled))
        {
            return false;
        }

        switch (column.Type.Kind)
        {
            case ColumnKind.Int32 when unscaled >= int.MinValue && unscaled <= int.MaxValue:
                column.AppendInt32((int)unscaled);
                return true;
            case ColumnKind.Int64 when unscaled >= long.MinValue && unscaled <= long.MaxValue:
                column.AppendInt64((long)unscaled);
                return true;
            case ColumnKind.Decimal
                when (UInt128)Int128.Abs(unscaled) < ExactNumber.PowerOf10(column.Type.Precision):
                column.AppendDecimal(unscaled);
                return true;
            default:
                return false;
        }
    }
}
