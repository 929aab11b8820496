using System.Globalization;
using System.Text.Json;
using Naru.Core.Events;
using Naru.Core.Schedules;

namespace Naru.Tests.Core.Schedules;

/// <summary>Vectors of the test suite of Cronos, on machines that have them.</summary>
public class CronVectorTests
{
    private static readonly string[] Formats =
    [
        "yyyy-MM-dd", "yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.FFFFFFF",
        "yyyy-MM-dd zzz", "yyyy-MM-dd HH:mm zzz", "yyyy-MM-dd HH:mm:ss zzz", "yyyy-MM-dd HH:mm:ss.FFFFFFF zzz",
    ];

    [Fact]
    public void The_next_times_are_those_of_Cronos()
    {
        string? folder = SharedData.Folder("conformance/cron_sample");
        Assert.SkipWhen(folder is null, "needs ../shared/data/conformance/cron_sample");
        List<string> wrong = [];
        int cases = 0;
        foreach (string file in Directory.GetFiles(folder, "*.json"))
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (JsonElement vector in document.RootElement.EnumerateArray())
            {
                cases++;
                if (Wrong(vector) is { } difference)
                {
                    wrong.Add($"{vector.GetProperty("group").GetString()}: {difference}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
        Assert.True(cases > 0);
    }

    private static string? Wrong(JsonElement vector)
    {
        string text = vector.GetProperty("expr").GetString()!;
        CronSchedule? schedule = CronSchedule.TryParse(text, out string error);
        if (schedule is null)
        {
            return $"{text}: {error}";
        }

        TimeZoneInfo zone = TimeZoneInfo.FindSystemTimeZoneById(vector.GetProperty("zone").GetString()!);
        long from = Instant(vector.GetProperty("from").GetString()!, zone);
        long? expected = vector.GetProperty("expected").GetString() is { } time ? Instant(time, zone) : null;
        long? next = schedule.Next(from, ProjectZone.Of(zone), vector.GetProperty("inclusive").GetBoolean());
        return next == expected ? null : $"{vector.GetRawText()} gives {Show(next)}";
    }

    private static long Instant(string text, TimeZoneInfo zone)
    {
        text = text.Trim();
        DateTimeOffset time;
        if (DateTime.TryParseExact(
            text, Formats[..4], CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTime local))
        {
            time = new DateTimeOffset(TimeZoneInfo.ConvertTimeToUtc(local, zone), TimeSpan.Zero);
        }
        else
        {
            time = DateTimeOffset.ParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.None);
        }

        return (time - DateTimeOffset.UnixEpoch).Ticks / 10;
    }

    private static string Show(long? instant) => instant is { } at
        ? DateTime.UnixEpoch.AddTicks(at * 10).ToString("O", CultureInfo.InvariantCulture)
        : "null";
}
