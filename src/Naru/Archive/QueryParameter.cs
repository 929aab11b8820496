using System.Globalization;
using System.Text.RegularExpressions;

namespace Naru.Archive;

internal enum ParameterType
{
    Text,
    Number,
    Date,
    Time,
}

/// <summary>A place in a statement that is filled in before it is asked.</summary>
/// <param name="Name">As in `{{name}}`.</param>
/// <param name="Type">What its values are.</param>
/// <param name="Default">As written: `2026-05-04`, `today-6`, `now-1h`; null: it has to be given.</param>
internal sealed partial record QueryParameter(string Name, ParameterType Type, string? Default)
{
    /// <summary>The type of one that says none.</summary>
    public static ParameterType Guess(string name) =>
        DateName().IsMatch(name) ? ParameterType.Date : ParameterType.Text;

    public static ParameterType? TypeNamed(string word) => word switch
    {
        "text" => ParameterType.Text,
        "number" => ParameterType.Number,
        "date" => ParameterType.Date,
        "time" => ParameterType.Time,
        _ => null,
    };

    /// <summary>
    /// A value with days and times counted from now made plain: `today-6` becomes a date. Null when it is none of the
    /// type.
    /// </summary>
    public string? Resolve(string value, DateTimeOffset now, TimeZoneInfo zone)
    {
        DateTime local = TimeZoneInfo.ConvertTime(now, zone).DateTime;
        switch (Type)
        {
            case ParameterType.Number:
                return NumberText().IsMatch(value) ? value : null;
            case ParameterType.Date when Day(value, local) is { } day:
                return day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            case ParameterType.Date:
                return DateOnly.TryParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture, 0, out _)
                    ? value : null;
            case ParameterType.Time when Day(value, local) is { } midnight:
                return midnight.ToString("yyyy-MM-dd'T'HH:mm", CultureInfo.InvariantCulture);
            case ParameterType.Time when Moment(value, local) is { } moment:
                return moment.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
            case ParameterType.Time:
                return TimeText().IsMatch(value)
                    && DateTime.TryParse(value, CultureInfo.InvariantCulture, out _) ? value : null;
            default:
                return value;
        }
    }

    /// <summary>A resolved value as a literal of SQL.</summary>
    public string Literal(string resolved) => Type switch
    {
        ParameterType.Number => resolved.StartsWith('-') ? $"({resolved})" : resolved,
        ParameterType.Date => $"DATE '{resolved}'",
        ParameterType.Time => $"TIMESTAMP '{resolved.Replace('T', ' ')}'",
        _ => $"'{resolved.Replace("'", "''", StringComparison.Ordinal)}'",
    };

    public static string ExampleOf(ParameterType type) => type switch
    {
        ParameterType.Number => "50",
        ParameterType.Date => "2026-05-04, today or today-6",
        ParameterType.Time => "2026-05-04T10:00, now or now-1h",
        _ => "a text",
    };

    private static DateTime? Day(string value, DateTime local)
    {
        if (value == "yesterday")
        {
            return local.Date.AddDays(-1);
        }

        Match match = DayText().Match(value);
        return !match.Success ? null
            : local.Date.AddDays(match.Groups[1].Length == 0 ? 0
                : int.Parse(match.Groups[1].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
    }

    private static DateTime? Moment(string value, DateTime local)
    {
        Match match = MomentText().Match(value);
        if (!match.Success)
        {
            return null;
        }

        int count = match.Groups[1].Length == 0
            ? 0 : int.Parse(match.Groups[1].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return match.Groups[2].Value switch
        {
            "s" => local.AddSeconds(count),
            "m" => local.AddMinutes(count),
            "h" => local.AddHours(count),
            _ => local.AddDays(count),
        };
    }

    [GeneratedRegex(@"^(from|to|until|since|day|date)\z|_(day|date)\z")]
    private static partial Regex DateName();

    [GeneratedRegex(@"^-?[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?\z")]
    private static partial Regex NumberText();

    [GeneratedRegex(@"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?\z")]
    private static partial Regex TimeText();

    [GeneratedRegex(@"^today([+-][0-9]{1,5})?\z")]
    private static partial Regex DayText();

    [GeneratedRegex(@"^now(?:([+-][0-9]{1,6})([smhd]))?\z")]
    private static partial Regex MomentText();
}
