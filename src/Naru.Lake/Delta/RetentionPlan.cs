using System.Collections.Immutable;
using System.Globalization;

namespace Naru.Lake.Delta;

/// <summary>
/// Which files have outlived their table's lifetime. Pure: whole days only, by the partition column p_ymd.
/// </summary>
public static class RetentionPlan
{
    private const string DayColumn = "p_ymd";

    /// <summary>
    /// The first day that a lifetime keeps: data of a day lives until <paramref name="lifetime"/> after that day's end
    /// in the project's zone, where it is <paramref name="today"/> now.
    /// </summary>
    public static DateOnly FirstDayKept(DateOnly today, TimeSpan lifetime)
    {
        int days = (int)Math.Min(Math.Ceiling(lifetime.TotalDays), today.DayNumber);
        return today.AddDays(-days);
    }

    public static ImmutableArray<DeltaFile> Make(DeltaVersion version, DateOnly firstDayKept) =>
        [.. version.Files.Where(file => DayOf(version.PartitionColumns, file.PartitionValues) < firstDayKept)];

    /// <summary>Null where the table has no days, or the file's is null: such files do not expire.</summary>
    internal static DateOnly? DayOf(ImmutableArray<string> columns, ImmutableArray<string?> values)
    {
        int at = columns.IndexOf(DayColumn);
        return at >= 0 && at < values.Length ? ParseDay(values[at]) : null;
    }

    /// <summary>The day that a path stands under, for files that no commit knows.</summary>
    internal static DateOnly? DayOf(string path)
    {
        foreach (string folder in path.Split('/')[..^1])
        {
            if (folder.StartsWith(DayColumn + "=", StringComparison.Ordinal))
            {
                return ParseDay(folder[(DayColumn.Length + 1)..]);
            }
        }

        return null;
    }

    private static DateOnly? ParseDay(string? text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day)
            ? day
            : null;
}
