using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Lake.Delta;
using Naru.Models.Checks;
using Naru.Query.Pool;
using Naru.Yaml;

namespace Naru.Models;

/// <summary>What becomes of an interval whose inputs changed after it was filled.</summary>
internal enum Restatement
{
    /// <summary>It is shown as stale until somebody runs it again.</summary>
    Manual,

    /// <summary>It is run again as soon as its inputs are complete.</summary>
    Automatic,
}

/// <summary>
/// An input of which a model reads more than its own interval: so far back from the interval's start.
/// </summary>
internal sealed record InputReach(string Table, TimeSpan Back);

/// <summary>The settings at the top of a model's file.</summary>
internal sealed record ModelHeader : IScheduleRules
{
    /// <summary>May stand any number of times.</summary>
    public const string CheckKey = "check";

    public static readonly ImmutableArray<string> Keys =
    [
        "description", "owner", "every", "schedule", "start", "wait_for_late", "depends_on", "restate", "retries",
        "retry_after", "timeout", "pool", "ticket", "lifetime", "buckets", "sla", "parallel", "order", "catch_up",
        CheckKey,
    ];

    private const int RetriesMax = 100;
    private const int ParallelLimit = 64;
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(30);
    private static readonly TimeSpan LongestReach = TimeSpan.FromDays(3_660);

    public string Description { get; private init; } = "";

    public string Owner { get; private init; } = "";

    public IntervalKind Every { get; private init; } = IntervalKind.Day;

    /// <summary>When runs may begin; null: as soon as the inputs are complete.</summary>
    public CronSchedule? Schedule { get; private init; }

    /// <summary>Unix microseconds: the schedule fills no interval before. Null: see <see cref="StartsWithData"/>.
    /// </summary>
    public long? Start { get; private init; }

    /// <summary>The schedule begins with the first day of which an input has rows; false without a start: never.
    /// </summary>
    public bool StartsWithData { get; private init; }

    /// <summary>How long after an interval's end late events are waited for; null: as the logs say.</summary>
    public TimeSpan? WaitForLate { get; private init; }

    public ImmutableArray<InputReach> DependsOn { get; private init; } = [];

    public Restatement Restate { get; private init; }

    public int Retries { get; private init; } = 3;

    public TimeSpan RetryAfter { get; private init; } = TimeSpan.FromMinutes(1);

    public TimeSpan? Timeout { get; private init; }

    public PoolName Pool { get; private init; } = PoolName.Etl;

    public string? Ticket { get; private init; }

    public Deadline? Sla { get; private init; }

    public int ParallelMax { get; private init; } = int.MaxValue;

    public bool NewestFirst { get; private init; }

    public bool LatestOnly { get; private init; }

    /// <summary>In the order of the file.</summary>
    public ImmutableArray<WrittenCheck> Checks { get; private init; } = [];

    /// <summary>How long after its end a day of the table stays hot; null: as `tiers.hot_for` says.</summary>
    public TimeSpan? HotFor { get; private init; }

    public TimeSpan? WarmFor { get; private init; }

    /// <summary>Into how many files of hash buckets an interval's rows are written, by which column.</summary>
    public (int Count, string Column)? Buckets { get; private init; }

    public static ModelHeader Read(string file, string text, ProjectZone zone, MistakeList mistakes)
    {
        ModelHeader header = new();
        foreach (SqlHeaderEntry entry in SqlHeader.Read(file, text, Keys, CheckKey, mistakes).Entries)
        {
            header = header.With(entry, zone, mistakes);
        }

        return header;
    }

    private ModelHeader With(SqlHeaderEntry entry, ProjectZone zone, MistakeList mistakes) => entry.Key switch
    {
        "description" => this with { Description = entry.Value },
        "owner" => this with { Owner = entry.Value },
        "every" => this with { Every = ReadEvery(entry, mistakes) },
        "schedule" => this with { Schedule = ReadSchedule(entry, mistakes) },
        "start" when entry.Value == "data" => this with { StartsWithData = true },
        "start" => this with { Start = ReadStart(entry, zone, mistakes) },
        "wait_for_late" => this with { WaitForLate = Duration(entry, LongestWait, mistakes) },
        "depends_on" => this with { DependsOn = ReadDependsOn(entry, mistakes) },
        "restate" => this with { Restate = ReadRestate(entry, mistakes) },
        "retries" => this with { Retries = Count(entry, 0, RetriesMax, mistakes) ?? Retries },
        "retry_after" => this with { RetryAfter = Duration(entry, LongestWait, mistakes) ?? RetryAfter },
        "timeout" => this with { Timeout = Duration(entry, LongestWait, mistakes) },
        "pool" => this with { Pool = ReadPool(entry, mistakes) },
        "sla" => this with { Sla = ReadSla(entry, mistakes) },
        "parallel" => this with { ParallelMax = Count(entry, 1, ParallelLimit, mistakes) ?? ParallelMax },
        "order" => this with { NewestFirst = OneOf(entry, "oldest", "newest", mistakes) },
        "catch_up" => this with { LatestOnly = OneOf(entry, "all", "latest", mistakes) },
        CheckKey => CheckReader.Read(entry, mistakes) is { } check
            ? this with { Checks = Checks.Add(check) } : this,
        "lifetime" => WithLifetime(entry, mistakes),
        "buckets" => this with { Buckets = ReadBuckets(entry, mistakes) },
        _ => this with { Ticket = entry.Value.Length == 0 ? null : entry.Value },
    };

    private ModelHeader WithLifetime(SqlHeaderEntry entry, MistakeList mistakes)
    {
        ModelHeader header = this;
        foreach (string part in entry.Value.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] words = part.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            TimeSpan time = TimeSpan.Zero;
            bool isTime = words.Length == 2 && DurationText.TryParse(words[1], out time) && time > TimeSpan.Zero;
            switch (isTime ? words[0] : "")
            {
                case "hot":
                    header = header with { HotFor = time };
                    break;
                case "warm":
                    header = header with { WarmFor = time };
                    break;
                default:
                    entry.Mistake(
                        mistakes, $"'lifetime' has '{part}'", "write it as '-- lifetime: hot 14d, warm 90d'");
                    break;
            }
        }

        return header;
    }

    private static (int Count, string Column)? ReadBuckets(SqlHeaderEntry entry, MistakeList mistakes)
    {
        if (entry.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [string number, "by", string column]
            && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            && count is > 1 and <= HashBucket.CountMax)
        {
            return (count, column);
        }

        entry.Mistake(
            mistakes,
            $"'buckets' is '{entry.Value}'",
            $"write it as '-- buckets: 16 by user_id', with 2 to {HashBucket.CountMax} buckets");
        return null;
    }

    private static IntervalKind ReadEvery(SqlHeaderEntry entry, MistakeList mistakes)
    {
        switch (entry.Value)
        {
            case "hour":
                return IntervalKind.Hour;
            case "day":
                return IntervalKind.Day;
            default:
                entry.Mistake(
                    mistakes, $"'every' is '{entry.Value}', which is no interval", "write '-- every: hour' or 'day'");
                return IntervalKind.Day;
        }
    }

    private static CronSchedule? ReadSchedule(SqlHeaderEntry entry, MistakeList mistakes)
    {
        CronSchedule? schedule = CronSchedule.TryParse(entry.Value, out string error);
        if (schedule is null)
        {
            entry.Mistake(mistakes, $"'schedule' cannot be read: {error}", "write it as '-- schedule: 30 4 * * *'");
        }

        return schedule;
    }

    private static long? ReadStart(SqlHeaderEntry entry, ProjectZone zone, MistakeList mistakes)
    {
        if (DateOnly.TryParseExact(
            entry.Value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day))
        {
            long local = (day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber)
                * ProjectZone.DayMicroseconds;
            return zone.ToUtc(local);
        }

        entry.Mistake(
            mistakes,
            $"'start' is '{entry.Value}', which is no day",
            "write it as '-- start: 2026-11-01', or 'data' to begin with the first rows");
        return null;
    }

    private static ImmutableArray<InputReach> ReadDependsOn(SqlHeaderEntry entry, MistakeList mistakes)
    {
        ImmutableArray<InputReach>.Builder reaches = ImmutableArray.CreateBuilder<InputReach>();
        foreach (string part in entry.Value.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] words = part.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            TimeSpan back = TimeSpan.Zero;
            if (words.Length == 1 || (words.Length == 2 && DurationText.TryParse(words[1], out back)))
            {
                reaches.Add(new InputReach(words[0], back < LongestReach ? back : LongestReach));
            }
            else
            {
                entry.Mistake(
                    mistakes,
                    $"'depends_on' has '{part}', which is no table with how far back it is read",
                    "write it as '-- depends_on: kr_shop.order 7d, t2_customer'");
            }
        }

        return reaches.ToImmutable();
    }

    private static Restatement ReadRestate(SqlHeaderEntry entry, MistakeList mistakes)
    {
        switch (entry.Value)
        {
            case "manual":
                return Restatement.Manual;
            case "auto":
                return Restatement.Automatic;
            default:
                entry.Mistake(
                    mistakes,
                    $"'restate' is '{entry.Value}'",
                    "write 'auto' to run stale intervals again by themselves, or 'manual' to be told of them");
                return Restatement.Manual;
        }
    }

    private static Deadline? ReadSla(SqlHeaderEntry entry, MistakeList mistakes)
    {
        Deadline? sla = Deadline.TryParse(entry.Value);
        if (sla is null)
        {
            entry.Mistake(
                mistakes,
                $"'sla' is '{entry.Value}', which is no time and no duration",
                "write it as '-- sla: 09:00', or '-- sla: 30m' after the interval's end");
        }

        return sla;
    }

    private static bool OneOf(SqlHeaderEntry entry, string no, string yes, MistakeList mistakes)
    {
        if (entry.Value != no && entry.Value != yes)
        {
            entry.Mistake(mistakes, $"'{entry.Key}' is '{entry.Value}'", $"write '{no}' or '{yes}'");
        }

        return entry.Value == yes;
    }

    private static int? Count(SqlHeaderEntry entry, int least, int most, MistakeList mistakes)
    {
        if (int.TryParse(entry.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            && count >= least && count <= most)
        {
            return count;
        }

        entry.Mistake(
            mistakes, $"'{entry.Key}' is '{entry.Value}'", $"write a whole number from {least} to {most}");
        return null;
    }

    private static PoolName ReadPool(SqlHeaderEntry entry, MistakeList mistakes)
    {
        switch (entry.Value)
        {
            case "etl":
                return PoolName.Etl;
            case "eda":
                return PoolName.Eda;
            default:
                entry.Mistake(mistakes, $"there is no pool '{entry.Value}'", "pools: etl, eda");
                return PoolName.Etl;
        }
    }

    private static TimeSpan? Duration(SqlHeaderEntry entry, TimeSpan most, MistakeList mistakes)
    {
        if (!DurationText.TryParse(entry.Value, out TimeSpan duration) || duration > most)
        {
            entry.Mistake(
                mistakes,
                $"'{entry.Key}' is '{entry.Value}', which is no duration up to {DurationText.Format(most)}",
                $"write it as '-- {entry.Key}: 10m'");
            return null;
        }

        return duration;
    }
}
