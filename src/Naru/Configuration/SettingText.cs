using System.Collections.Immutable;
using System.Globalization;
using Naru.Core;
using Naru.Core.Text;

namespace Naru.Configuration;

/// <summary>The text form of a setting's value, both ways.</summary>
internal static class SettingText
{
    /// <summary>What to write, for hints: `a size such as 64MB`.</summary>
    public static string Wanted(Setting setting)
    {
        Type type = setting.Property.PropertyType;
        string wanted = (Nullable.GetUnderlyingType(type) ?? type) switch
        {
            _ when setting.About.Unit == SettingUnit.Bytes => "a size such as 64MB",
            Type t when t == typeof(TimeSpan) => "a duration such as 10m",
            Type t when t == typeof(bool) => "true or false",
            Type t when t == typeof(double) => "a number such as 0.5",
            Type t when t == typeof(int) || t == typeof(long) => "a whole number",
            Type { IsEnum: true } t => string.Join(", ", Enum.GetNames(t).Select(SettingTable.KeyOf)),
            Type t when t == typeof(ImmutableArray<string>) => "a list such as [a, b]",
            _ => "a text",
        };
        return Nullable.GetUnderlyingType(type) is null ? wanted : $"{wanted}, or {setting.About.Null}";
    }

    /// <summary>Parses a single value; lists come as one text with commas (from the environment).</summary>
    public static bool TryParse(Setting setting, string text, out object? value)
    {
        Type type = setting.Property.PropertyType;
        Type? underlying = Nullable.GetUnderlyingType(type);
        if (underlying is not null && text == setting.About.Null)
        {
            value = null;
            return true;
        }

        return TryParse(underlying ?? type, setting.About.Unit, text, out value);
    }

    public static string Format(Setting setting, object? value) => value switch
    {
        null => setting.Property.PropertyType == typeof(string) ? "" : setting.About.Null,
        TimeSpan duration => DurationText.Format(duration),
        long bytes when setting.About.Unit == SettingUnit.Bytes => SizeText.Format(bytes),
        int bytes when setting.About.Unit == SettingUnit.Bytes => SizeText.Format(bytes),
        bool flag => flag ? "true" : "false",
        Enum word => SettingTable.KeyOf(word.ToString()),
        ImmutableArray<string> list => $"[{string.Join(", ", list)}]",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    /// <summary>The bound that the value breaks: `at least 1MB`; null when it is within.</summary>
    public static string? BrokenBound(Setting setting, object? value)
    {
        if (value is not IComparable comparable)
        {
            return null;
        }

        if (Bound(setting, setting.About.Min) is { } min && comparable.CompareTo(min) < 0)
        {
            return $"at least {setting.About.Min}";
        }

        return Bound(setting, setting.About.Max) is { } max && comparable.CompareTo(max) > 0
            ? $"at most {setting.About.Max}"
            : null;
    }

    private static object? Bound(Setting setting, string text)
    {
        if (text.Length == 0)
        {
            return null;
        }

        bool parsed = TryParse(setting, text, out object? bound);
        Invariant.Hold(parsed);
        return bound;
    }

    private static bool TryParse(Type type, SettingUnit unit, string text, out object? value)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        value = null;
        if (unit == SettingUnit.Bytes)
        {
            bool size = SizeText.TryParse(text, out long bytes) && (type == typeof(long) || bytes <= int.MaxValue);
            value = type == typeof(long) ? (object)bytes : (int)Math.Min(bytes, int.MaxValue);
            return size;
        }

        value = type switch
        {
            _ when type == typeof(string) => text,
            _ when type == typeof(bool) => text switch { "true" => true, "false" => false, _ => null },
            _ when type == typeof(int) =>
                int.TryParse(text, NumberStyles.AllowLeadingSign, culture, out int n) ? n : null,
            _ when type == typeof(long) =>
                long.TryParse(text, NumberStyles.AllowLeadingSign, culture, out long n) ? n : null,
            _ when type == typeof(double) => ParseDouble(text),
            _ when type == typeof(TimeSpan) => DurationText.TryParse(text, out TimeSpan duration) ? duration : null,
            _ when type == typeof(ImmutableArray<string>) => ParseList(text),
            { IsEnum: true } => Enum.GetValues(type).Cast<object>()
                .FirstOrDefault(word => SettingTable.KeyOf(word.ToString()!) == text),
            _ => throw new InvariantException($"a setting of type {type} has no text form"),
        };
        return value is not null;
    }

    private static object? ParseDouble(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            && double.IsFinite(number) ? number : null;

    private static object ParseList(string text) => ImmutableArray.Create(
        text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
