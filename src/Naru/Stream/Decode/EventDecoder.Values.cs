using System.Buffers;
using System.Globalization;
using System.Text;
using Naru.Core.Events;
using Naru.Lake.Columns;

namespace Naru.Stream.Decode;

/// <summary>Converts a value to its field's type, checks it against the field's rules and appends it.</summary>
internal sealed partial class EventDecoder
{
    private const int DigitsFast = 18;

    /// <summary>Never null: an absent value does not come here.</summary>
    private void TakeField(ReadOnlySpan<byte> record, in JsonMember member, FieldPlan field)
    {
        ColumnVector? column = _target?.FieldColumns[field.Index];
        bool taken = field.Kind switch
        {
            ColumnKind.String => TakeString(record, member, field, column),
            ColumnKind.Int32 or ColumnKind.Int64 => TakeWhole(record, member, field, column),
            ColumnKind.Decimal => TakeDecimal(record, member, field, column),
            ColumnKind.Double => TakeDouble(record, member, field, column),
            ColumnKind.Boolean => TakeBoolean(record, member, field, column),
            ColumnKind.Timestamp => TakeTimestamp(record, member, field, column),
            ColumnKind.Date => TakeDate(record, member, field, column),
            ColumnKind.StringArray => TakeStrings(record, member, field, column),
            _ => TakeJson(record, member, column),
        };
        if (taken)
        {
            _valueSeen[field.Index] = _generation;
            _secureSeen |= field.Sensitive;
        }
    }

    private bool Wrong(FieldPlan field, JsonKind found)
    {
        Fail(RejectReason.WrongType, field.Field.Key, $"expected {Expected(field)}, found {Name(found)}");
        return false;
    }

    /// <summary>A text that does not say a value of the type.</summary>
    private bool WrongText(FieldPlan field, JsonKind found)
    {
        Fail(
            RejectReason.WrongType,
            field.Field.Key,
            $"expected {Expected(field)}, found {Name(found)} that is none");
        return false;
    }

    private bool Beyond(FieldPlan field, string message)
    {
        Fail(RejectReason.OutOfRange, field.Field.Key, message);
        return false;
    }

    private static string Expected(FieldPlan field) => field.Kind switch
    {
        ColumnKind.Int32 => "a whole number (int32)",
        ColumnKind.Int64 => "a whole number (int64)",
        ColumnKind.Decimal => $"a decimal({field.Field.Type.Precision},{field.Field.Type.Scale})",
        ColumnKind.Double => "a number",
        ColumnKind.Boolean => "true or false",
        ColumnKind.Timestamp => "a time",
        ColumnKind.Date => "a date (YYYY-MM-DD)",
        ColumnKind.StringArray => "an array of strings",
        _ => "a string",
    };

    private bool TakeString(ReadOnlySpan<byte> record, in JsonMember member, FieldPlan field, ColumnVector? column)
    {
        if (member.Kind != JsonKind.String)
        {
            return Wrong(field, member.Kind);
        }

        ReadOnlySpan<byte> text = Text(record, member);
        if (field.HasTextRules && !CheckText(text, field, field.Field.Key))
        {
            return false;
        }

        column?.AppendString(text);
        return true;
    }

    private bool CheckText(ReadOnlySpan<byte> text, FieldPlan field, string path)
    {
        if (field.Enum is { } values && values.Find(text) < 0)
        {
            Fail(RejectReason.NotInEnum, path, $"not one of {string.Join(", ", field.Field.Enum)}");
            return false;
        }

        if (text.Length > field.LengthMax && JsonText.CountScalars(text) is var length && length > field.LengthMax)
        {
            Fail(RejectReason.TooLong, path, $"{length} characters, at most {field.LengthMax} allowed");
            return false;
        }

        if (field.Pattern is not null && !Matches(text, field))
        {
            Fail(RejectReason.PatternMismatch, path, $"does not match the pattern {field.Field.Pattern}");
            return false;
        }

        return true;
    }

    private static bool Matches(ReadOnlySpan<byte> text, FieldPlan field)
    {
        char[] characters = ArrayPool<char>.Shared.Rent(text.Length);
        int count = Encoding.UTF8.GetChars(text, characters);
        bool matches = field.Pattern!.IsMatch(characters.AsSpan(0, count));
        ArrayPool<char>.Shared.Return(characters);
        return matches;
    }

    private bool TakeWhole(ReadOnlySpan<byte> record, in JsonMember member, FieldPlan field, ColumnVector? column)
    {
        if (member.Kind is not (JsonKind.Number or JsonKind.String))
        {
            return Wrong(field, member.Kind);
        }

        ReadOnlySpan<byte> text = Text(record, member);
        if (!TryReadShort(text, out long value) && !TryReadExact(text, 0, member.Kind, field, out value))
        {
            return false;
        }

        if (value < field.Min || value > field.Max)
        {
            return Beyond(field, BoundsMessage(field, value));
        }

        if (field.Kind == ColumnKind.Int32)
        {
            column?.AppendInt32((int)value);
        }
        else
        {
            column?.AppendInt64(value);
        }

        return true;
    }

    private bool TryReadExact(ReadOnlySpan<byte> text, int scale, JsonKind kind, FieldPlan field, out long value)
    {
        value = 0;
        if (!TryReadScaled(text, scale, kind, field, out Int128 unscaled))
        {
            return false;
        }

        if (unscaled < long.MinValue || unscaled > long.MaxValue)
        {
            return Beyond(field, $"does not fit {field.Field.Type.Sql}");
        }

        value = (long)unscaled;
        return true;
    }

    private bool TryReadScaled(ReadOnlySpan<byte> text, int scale, JsonKind kind, FieldPlan field, out Int128 unscaled)
    {
        unscaled = 0;
        NumberText read = ExactNumber.Parse(text, out ExactNumber number);
        if (read == NumberText.NotANumber)
        {
            return WrongText(field, kind);
        }

        if (read == NumberText.TooManyDigits)
        {
            return Beyond(field, "more than 38 digits");
        }

        if (number.Exponent + scale < 0)
        {
            return scale == 0 && field.Kind != ColumnKind.Decimal
                ? WrongText(field, kind)
                : Beyond(field, $"more than {scale} digits after the decimal point");
        }

        return number.TryScale(scale, out unscaled) || Beyond(field, $"does not fit {field.Field.Type.Sql}");
    }

    /// <summary>[-]digits of at most 18 places.</summary>
    private static bool TryReadShort(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        int at = text.Length > 0 && text[0] == (byte)'-' ? 1 : 0;
        if (text.Length == at || text.Length > DigitsFast)
        {
            return false;
        }

        bool negative = at == 1;
        for (; at < text.Length; at++)
        {
            uint digit = (uint)(text[at] - '0');
            if (digit > 9)
            {
                return false;
            }

            value = (value * 10) + digit;
        }

        value = negative ? -value : value;
        return true;
    }

    private bool TakeDecimal(ReadOnlySpan<byte> record, in JsonMember member, FieldPlan field, ColumnVector? column)
    {
        if (member.Kind is not (JsonKind.Number or JsonKind.String))
        {
            return Wrong(field, member.Kind);
        }

        ReadOnlySpan<byte> text = Text(record, member);
        if (!TryReadScaled(text, field.Field.Type.Scale, member.Kind, field, out Int128 unscaled))
        {
            return false;
        }

        if (unscaled < field.Min || unscaled > field.Max)
        {
            return Beyond(field, BoundsMessage(field, unscaled));
        }

        column?.AppendDecimal(unscaled);
        return true;
    }

    private bool TakeDouble(ReadOnlySpan<byte> record, in JsonMember member, FieldPlan field, ColumnVector? column)
    {
        if (member.Kind is not (JsonKind.Number or JsonKind.String))
        {
            return Wrong(field, member.Kind);
        }

        ReadOnlySpan<byte> text = Text(record, member);
        if (member.Kind == JsonKind.String && ExactNumber.Parse(text, out _) == NumberText.NotANumber)
        {
            return WrongText(field, member.Kind);
        }

        double value = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (!double.IsFinite(value))
        {
            return Beyond(field, "beyond what a double holds");
        }

        if (value < field.MinDouble || value > field.MaxDouble)
        {
            return Beyond(field, value < field.MinDouble ? $"below {field.Field.Min}" : $"above {field.Field.Max}");
        }

        column?.AppendDouble(value);
        return true;
    }

    private static string BoundsMessage(FieldPlan field, Int128 unscaled)
    {
        if (unscaled < field.TypeMin || unscaled > field.TypeMax)
        {
            return $"does not fit {field.Field.Type.Sql}";
        }

        return unscaled < field.Min
            ? string.Create(CultureInfo.InvariantCulture, $"below {field.Field.Min}")
            : string.Create(CultureInfo.InvariantCulture, $"above {field.Field.Max}");
    }

    private bool TakeBoolean(ReadOnlySpan<byte> record, in JsonMember member, FieldPlan field, ColumnVector? column)
    {
        bool value = member.Kind == JsonKind.True;
        if (member.Kind == JsonKind.String)
        {
            ReadOnlySpan<byte> text = Text(record, member);
            value = Ascii.EqualsIgnoreCase(text, "true"u8);
            if (!value && !Ascii.EqualsIgnoreCase(text, "false"u8))
            {
                return WrongText(field, member.Kind);
            }
        }
        else if (member.Kind is not (JsonKind.True or JsonKind.False))
        {
            return Wrong(field, member.Kind);
        }

        column?.AppendBoolean(value);
        return true;
    }

    private bool TakeTimestamp(ReadOnlySpan<byte> record, in JsonMember member, FieldPlan field, ColumnVector? column)
    {
        if (member.Kind is not (JsonKind.Number or JsonKind.String))
        {
            return Wrong(field, member.Kind);
        }

        if (!TryReadTime(record, member, out long microseconds))
        {
            return WrongText(field, member.Kind);
        }

        column?.AppendInt64(microseconds);
        return true;
    }

    private bool TakeDate(ReadOnlySpan<byte> record, in JsonMember member, FieldPlan field, ColumnVector? column)
    {
        if (member.Kind != JsonKind.String)
        {
            return Wrong(field, member.Kind);
        }

        if (!TimeText.TryParseDate(Text(record, member), out int day))
        {
            return WrongText(field, member.Kind);
        }

        column?.AppendInt32(day);
        return true;
    }

    private static bool TakeJson(ReadOnlySpan<byte> record, in JsonMember member, ColumnVector? column)
    {
        column?.AppendString(record[member.RawStart..member.RawEnd]);
        return true;
    }

    /// <summary>The array's syntax has been checked; only its kinds of items have not.</summary>
    private bool TakeStrings(ReadOnlySpan<byte> record, in JsonMember member, FieldPlan field, ColumnVector? column)
    {
        if (member.Kind != JsonKind.Array)
        {
            return Wrong(field, member.Kind);
        }

        int firstItem = column?.Items!.Count ?? 0;
        int item = 0;
        int at = member.Start + 1;
        while (NextItem(record[..(member.End - 1)], ref at))
        {
            if (record[at] != (byte)'"' || !TakeItem(record, ref at, item, (field, column)))
            {
                Fail(RejectReason.WrongType, $"{field.Field.Key}[{item}]", "expected a string");
                column?.Items!.Truncate(firstItem);
                return false;
            }

            item++;
        }

        column?.AppendArray(firstItem);
        return true;
    }

    private static bool NextItem(ReadOnlySpan<byte> array, ref int at)
    {
        while (at < array.Length && array[at] is (byte)',' or (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
        {
            at++;
        }

        return at < array.Length;
    }

    /// <summary>A string; on success the position is after it.</summary>
    private bool TakeItem(ReadOnlySpan<byte> record, ref int at, int item, (FieldPlan Plan, ColumnVector? Column) field)
    {
        int start = at + 1;
        int end = start;
        bool escaped = false;
        while (record[end] != (byte)'"')
        {
            escaped |= record[end] == (byte)'\\';
            end += record[end] == (byte)'\\' ? 2 : 1;
        }

        ReadOnlySpan<byte> text = record[start..end];
        text = escaped ? Unescape(text, ref _valueText) : text;
        at = end + 1;
        if (field.Plan.HasTextRules && !CheckText(text, field.Plan, $"{field.Plan.Field.Key}[{item}]"))
        {
            return false;
        }

        field.Column?.Items!.AppendString(text);
        return true;
    }
}
