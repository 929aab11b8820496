using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Naru.Lake.Columns;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>Reads one entry of `fields`: its type first, then the constraints that fit the type.</summary>
internal sealed class FieldReader
{
    private const int EnumCountMax = 10_000;
    public const int LengthMaximum = 1 << 20;

    private readonly string _name;
    private readonly YamlReader _reader;
    private readonly YamlScalar _key;
    private ColumnType _type;

    private FieldReader(string file, YamlScalar key, YamlMapping mapping, MistakeList mistakes)
    {
        _name = key.Text;
        _key = key;
        _reader = new YamlReader(file, mapping, LogKeys.Field, $"field '{key.Text}'", mistakes);
    }

    /// <summary>Null where the type is missing or wrong. The field id is 0: the registry gives it.</summary>
    public static FieldDefinition? Read(string file, YamlEntry entry, MistakeList mistakes)
    {
        switch (entry.Value)
        {
            case YamlMapping mapping:
                return new FieldReader(file, entry.Key, mapping, mistakes).Read();

            // `user_id: string` is short for `user_id: {type: string}`.
            case YamlScalar { IsNull: false } type:
                YamlScalar key = new("type", false, type.Line, type.Column);
                YamlMapping shortForm = new([new YamlEntry(key, type)], type.Line, type.Column);
                return new FieldReader(file, entry.Key, shortForm, mistakes).Read();
            default:
                mistakes.Add(
                    file,
                    entry.Key,
                    $"field '{entry.Key.Text}' holds {entry.Value.Kind}",
                    "write it as {type: string, required: true}");
                return null;
        }
    }

    private FieldDefinition? Read()
    {
        CheckName();
        string? typeText = _reader.RequiredText("type", $"types: {string.Join(", ", FieldTypes.Names)}");
        bool typed = false;
        if (typeText is not null)
        {
            typed = FieldTypes.TryParse(typeText, out _type, out string hint);
            if (!typed)
            {
                _reader.Mistake(_reader.Find("type")!, $"field '{_name}' has the unknown type '{typeText}'", hint);
            }
        }

        bool required = _reader.Boolean("required") ?? false;
        bool sensitive = _reader.Boolean("sensitive") ?? false;
        string from = Key();
        string description = _reader.Text("description") ?? "";
        _reader.End();
        if (!typed)
        {
            return null;
        }

        FieldDefinition field = new()
        {
            Name = _name,
            Type = _type,
            Key = from,
            FieldId = 0,
            Required = required,
            Sensitive = sensitive,
            Min = Bound("min"),
            Max = Bound("max"),
            Length = Length(),
            Pattern = Pattern(),
            Enum = Enum(),
            Description = description,
            Example = Example(),
        };
        CheckTogether(field);
        return field;
    }

    private void CheckName()
    {
        if (_name is LogTables.Ymd or LogTables.Hour)
        {
            _reader.Mistake(
                _key, $"the field name '{_name}' is a column of Naru's own", Renamed($"{_name[2..]}_value"));
        }
        else if (_name.StartsWith('_'))
        {
            string mend = LogNames.Mended(_name) is { } mended ? Renamed(mended) : "name it otherwise";
            _reader.Mistake(_key, $"the field name '{_name}' starts with '_', as Naru's own columns do", mend);
        }
        else if (LogNames.Fault(_name) is { } fault)
        {
            string mend = LogNames.Mended(_name) is { } mended
                ? Renamed(mended) : "use lower-case letters, digits and '_'";
            _reader.Mistake(_key, $"the field name '{_name}' {fault}", mend);
        }
    }

    private string Renamed(string name) =>
        _reader.Find("from") is null ? $"name it '{name}' and add 'from: \"{_name}\"'" : $"name it '{name}'";

    private string Key()
    {
        YamlScalar? from = _reader.Scalar("from", "the key of the event to read");
        if (from is { Text.Length: 0 })
        {
            _reader.Mistake(from, $"'from' of field '{_name}' is empty", "write the key of the event, or leave it out");
        }

        return from?.Text ?? _name;
    }

    private bool IsText => _type.Kind is ColumnKind.String or ColumnKind.StringArray;

    private bool IsNumber =>
        _type.Kind is ColumnKind.Int32 or ColumnKind.Int64 or ColumnKind.Double or ColumnKind.Decimal;

    private bool Fits(string constraint, bool fits, string types)
    {
        if (_reader.Find(constraint) is { } node && !fits)
        {
            _reader.Mistake(
                node,
                $"'{constraint}' does not fit field '{_name}' of type {FieldTypes.Name(_type)}",
                $"it is for {types}; take it out");
        }

        return fits;
    }

    private decimal? Bound(string key)
    {
        if (!Fits(key, IsNumber, "numbers") || _reader.Scalar(key, "a number") is not { } scalar)
        {
            return null;
        }

        if (!decimal.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal bound))
        {
            _reader.Mistake(
                scalar, $"'{key}' of field '{_name}' is '{scalar.Text}'", "write a number of at most 28 digits");
            return null;
        }

        if (Misfit(_type, bound) is { } misfit)
        {
            _reader.Mistake(
                scalar, $"'{key}' of field '{_name}' is {scalar.Text}", $"{FieldTypes.Name(_type)} {misfit}");
            return null;
        }

        return bound;
    }

    /// <summary>Why a type cannot hold a bound, or null.</summary>
    public static string? Misfit(ColumnType type, decimal bound)
    {
        switch (type.Kind)
        {
            case ColumnKind.Int32 when decimal.Truncate(bound) != bound:
            case ColumnKind.Int64 when decimal.Truncate(bound) != bound:
                return "holds whole numbers only";
            case ColumnKind.Int32 when bound is < int.MinValue or > int.MaxValue:
                return $"holds {int.MinValue} to {int.MaxValue}";
            case ColumnKind.Int64 when bound is < long.MinValue or > long.MaxValue:
                return $"holds {long.MinValue} to {long.MaxValue}";
            case ColumnKind.Decimal when ScaleOf(bound) > type.Scale:
                return $"has {type.Scale} digits behind the point";
            case ColumnKind.Decimal when WholeDigits(bound) > type.Precision - type.Scale:
                return $"has {type.Precision - type.Scale} digits before the point";
            default:
                return null;
        }
    }

    private static int ScaleOf(decimal number)
    {
        // Division by one with 28 zeros drops the trailing zeros of the scale.
        decimal normal = number / 1.0000000000000000000000000000m;
        return normal.Scale;
    }

    private static int WholeDigits(decimal number)
    {
        decimal whole = decimal.Truncate(Math.Abs(number));
        return whole == 0 ? 0 : whole.ToString(CultureInfo.InvariantCulture).Length;
    }

    private int? Length()
    {
        if (!Fits("length", IsText, "string and string[]") || _reader.Scalar("length", "a count") is not { } scalar)
        {
            return null;
        }

        if (int.TryParse(scalar.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int length)
            && length is > 0 and <= LengthMaximum)
        {
            return length;
        }

        _reader.Mistake(
            scalar,
            $"'length' of field '{_name}' is '{scalar.Text}'",
            $"write the most characters, 1 to {LengthMaximum}");
        return null;
    }

    private string? Pattern()
    {
        if (!Fits("pattern", IsText, "string and string[]") || _reader.Scalar("pattern", "a pattern") is not { } scalar)
        {
            return null;
        }

        try
        {
            _ = NewPattern(scalar.Text);
            return scalar.Text;
        }
        catch (NotSupportedException)
        {
            _reader.Mistake(
                scalar,
                $"the pattern of field '{_name}' looks around or back, which can take for ever",
                "write it without lookaround, backreferences and atomic groups");
        }
        catch (ArgumentException exception)
        {
            _reader.Mistake(
                scalar,
                $"the pattern of field '{_name}' is no regular expression: {Plain(exception.Message)}",
                "mend it; single quotes keep backslashes: '^\\d+$'");
        }

        return null;
    }

    /// <summary>The one way in which patterns are matched: linear in the text's length.</summary>
    public static Regex NewPattern(string pattern) =>
        new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    private static string Plain(string message)
    {
        int reason = message.LastIndexOf("offset", StringComparison.Ordinal);
        string tail = reason < 0 ? message : message[reason..];
        return tail.TrimEnd('.');
    }

    private ImmutableArray<string> Enum()
    {
        if (!Fits("enum", IsText, "string and string[]") || _reader.Texts("enum", single: false) is not { } items)
        {
            return [];
        }

        if (items.Length > EnumCountMax)
        {
            _reader.Mistake(
                _reader.Find("enum")!,
                $"'enum' of field '{_name}' has more than {EnumCountMax} values",
                "use a pattern");
        }

        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (YamlScalar item in items)
        {
            if (!seen.Add(item.Text))
            {
                _reader.Mistake(item, $"'enum' of field '{_name}' has '{item.Text}' twice", "keep one");
            }
        }

        return [.. items.Select(static item => item.Text)];
    }

    private string? Example()
    {
        YamlNode? node = _reader.Find("example");
        if (node is YamlSequence && _type.Kind == ColumnKind.StringArray)
        {
            return _reader.Texts("example", single: false) is { } items
                ? FieldExamples.ListText(items.Select(static item => item.Text))
                : null;
        }

        return _reader.Text("example");
    }

    private void CheckTogether(FieldDefinition field)
    {
        if (field.Min > field.Max)
        {
            _reader.Mistake(
                _reader.Find("min")!,
                $"'min' of field '{_name}' is above 'max': nothing would be accepted",
                "swap them");
        }

        Regex? pattern = field.Pattern is null ? null : NewPattern(field.Pattern);
        foreach (string word in field.Enum)
        {
            if (word.EnumerateRunes().Count() > field.Length)
            {
                _reader.Mistake(
                    _reader.Find("enum")!,
                    $"'{word}' of 'enum' is longer than 'length' of field '{_name}'",
                    "raise 'length', or take it out: 'enum' says enough");
            }
            else if (pattern?.IsMatch(word) == false)
            {
                _reader.Mistake(
                    _reader.Find("enum")!,
                    $"'{word}' of 'enum' does not match 'pattern' of field '{_name}'",
                    "take 'pattern' out: 'enum' says enough");
            }
        }

        if (field.Example is not null && FieldExamples.Fault(field, pattern) is { } fault)
        {
            _reader.Mistake(
                _reader.Find("example")!,
                $"the example of field '{_name}' would be rejected: {fault}",
                "mend the example or the field");
        }
    }
}
