using System.Globalization;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Query.Pool;
using Naru.Yaml;

namespace Naru.Watch.Alerts;

/// <summary>The keys of an alert of kind query.</summary>
internal sealed class AlertQueryReader(YamlReader reader)
{
    /// <summary>More often than this, a query is better an aggregate of the stream.</summary>
    private static readonly TimeSpan EveryMin = TimeSpan.FromSeconds(10);

    public AlertQuery Read()
    {
        string? sql = reader.Text("sql");
        string? saved = reader.Text("query");
        if (sql is null == saved is null)
        {
            reader.Mistake(
                reader.Find("query") ?? reader.Mapping,
                sql is null ? "the alert asks nothing" : "the alert has 'sql' and 'query'",
                "write either 'sql: SELECT …' or 'query: NUMBER' of a saved query");
        }

        return new AlertQuery
        {
            Owner = reader.RequiredText("owner", "write the user with whose rights it asks") ?? "",
            Sql = sql,
            Saved = saved,
            Column = reader.RequiredText("column", "write the column that is held against 'value'") ?? "",
            Over = Enum.Parse<AlertOver>(reader.Word("over", "first", "min", "max", "any") ?? "first", true),
            Condition = Condition(),
            Value = Value(),
            Every = Every(),
            Cron = Cron(),
            Again = Again(),
            Pool = PoolNames.TryParse(reader.Word("pool", "eda", "etl"), out PoolName pool) ? pool : PoolName.Eda,
        };
    }

    private AlertCondition Condition()
    {
        string? word = reader.Word("condition", "above", "at_least", "below", "at_most", "is", "is_not");
        if (word is null && reader.Find("condition") is null)
        {
            reader.Mistake(reader.Mapping, "the alert has no 'condition'", "write 'condition: above'");
        }

        return word is null ? default
            : Enum.GetValues<AlertCondition>().First(condition => AlertQuery.Word(condition) == word);
    }

    private decimal Value()
    {
        string? text = reader.RequiredText("value", "write 'value: 100'");
        decimal value = 0;
        if (text is not null
            && !decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value))
        {
            reader.Mistake(reader.Find("value")!, $"'value' is '{text}'", "write a number");
        }

        return value;
    }

    private TimeSpan? Every()
    {
        if (reader.Find("every") is null == reader.Find("cron") is null)
        {
            reader.Mistake(
                reader.Find("every") ?? reader.Mapping,
                reader.Find("every") is null ? "the alert never runs" : "the alert has 'every' and 'cron'",
                "write either 'every: 10m' or 'cron: \"0 9 * * *\"'");
        }

        TimeSpan? every = reader.Duration("every", unlimited: false).Value;
        if (every < EveryMin)
        {
            reader.Mistake(reader.Find("every")!, "'every' is less than 10s", "write 10s or more");
        }

        return every;
    }

    private CronSchedule? Cron()
    {
        if (reader.Scalar("cron", "a schedule such as \"0 9 * * *\"") is not { } scalar)
        {
            return null;
        }

        CronSchedule? cron = CronSchedule.TryParse(scalar.Text, out string error);
        if (cron is null)
        {
            string[] parts = error.Split("; ", 2);
            reader.Mistake(scalar, parts[0], parts.Length > 1 ? parts[1] : "write \"0 9 * * *\": each day at nine");
        }

        return cron;
    }

    private TimeSpan? Again()
    {
        if (reader.Scalar("rearm", "back, always, or a duration such as 30m") is not { } scalar
            || scalar.Text == "back")
        {
            return null;
        }

        if (scalar.Text == "always")
        {
            return TimeSpan.Zero;
        }

        if (DurationText.TryParse(scalar.Text, out TimeSpan again) && again > TimeSpan.Zero)
        {
            return again;
        }

        reader.Mistake(scalar, $"'rearm' is '{scalar.Text}'", "write back, always, or a duration such as 30m");
        return null;
    }
}
