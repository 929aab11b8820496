using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Naru.Lake.Columns;

namespace Naru.Definitions;

/// <summary>Says whether a field would take its own example; a sample that cannot be sent is worse than none.</summary>
internal static class FieldExamples
{
    /// <summary>Why the example would be rejected, or null. Times are not judged: they have many forms.</summary>
    public static string? Fault(FieldDefinition field, Regex? pattern)
    {
        string example = field.Example!;
        switch (field.Type.Kind)
        {
            case ColumnKind.String:
                return TextFault(field, pattern, example);
            case ColumnKind.StringArray:
                return ListFault(field, pattern, example);
            case ColumnKind.Boolean:
                return example is "true" or "false" ? null : $"'{example}' is neither true nor false";
            case ColumnKind.Json:
                return IsJson(example) ? null : "it is not JSON; write it in single quotes";
            case ColumnKind.Int32:
            case ColumnKind.Int64:
            case ColumnKind.Double:
            case ColumnKind.Decimal:
                return NumberFault(field, example);
            case ColumnKind.Date:
                return DateOnly.TryParseExact(example, "yyyy-MM-dd", CultureInfo.InvariantCulture, default, out _)
                    ? null : $"'{example}' is no date like 2026-01-31";
            default:
                return null;
        }
    }

    /// <summary>The JSON text of a list, without escapes that JSON does not need.</summary>
    public static string ListText(IEnumerable<string> items) =>
        JsonSerializer.Serialize(items, DefinitionsJson.Readable);

    private static string? NumberFault(FieldDefinition field, string example)
    {
        bool whole = field.Type.Kind is ColumnKind.Int32 or ColumnKind.Int64;
        if (!decimal.TryParse(example, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number))
        {
            bool huge = !whole && double.TryParse(example, CultureInfo.InvariantCulture, out double value)
                && double.IsFinite(value);
            return huge ? null : $"'{example}' is no number";
        }

        if (whole && decimal.Truncate(number) != number)
        {
            return $"{example} is not whole";
        }

        if ((field.Type.Kind == ColumnKind.Int32 && number is < int.MinValue or > int.MaxValue)
            || (field.Type.Kind == ColumnKind.Int64 && number is < long.MinValue or > long.MaxValue))
        {
            return $"{example} is outside {FieldTypes.Name(field.Type)}";
        }

        return number < field.Min ? $"{example} is below 'min'"
            : number > field.Max ? $"{example} is above 'max'"
            : null;
    }

    private static string? ListFault(FieldDefinition field, Regex? pattern, string example)
    {
        try
        {
            string[]? items = JsonSerializer.Deserialize<string[]>(example);
            return items?.Select(item => TextFault(field, pattern, item))
                .FirstOrDefault(static fault => fault is not null);
        }
        catch (JsonException)
        {
            return "it is no list of texts; write it as [a, b]";
        }
    }

    private static string? TextFault(FieldDefinition field, Regex? pattern, string text)
    {
        if (text.EnumerateRunes().Count() > field.Length)
        {
            return $"'{text}' is longer than {field.Length}";
        }

        if (field.Enum.Length > 0 && !field.Enum.Contains(text))
        {
            return $"'{text}' is not in 'enum'";
        }

        return pattern?.IsMatch(text) == false ? $"'{text}' does not match 'pattern'" : null;
    }

    private static bool IsJson(string text)
    {
        try
        {
            JsonDocument.Parse(text).Dispose();
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
