using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Query.Pool;

namespace Naru.Watch.Alerts;

/// <summary>Which rows of an answer are held against the value.</summary>
internal enum AlertOver
{
    First,
    Min,
    Max,
    Any,
}

internal enum AlertCondition
{
    Above,
    AtLeast,
    Below,
    AtMost,
    Is,
    IsNot,
}

/// <summary>What an alert of kind query asks, when, and what of the answer it looks at.</summary>
internal sealed record AlertQuery
{
    /// <summary>The user whose rights it has.</summary>
    public required string Owner { get; init; }

    /// <summary>The statement, or the number of a saved one; one of the two.</summary>
    public string? Sql { get; init; }

    public string? Saved { get; init; }

    public required string Column { get; init; }

    public AlertOver Over { get; init; }

    public AlertCondition Condition { get; init; }

    public required decimal Value { get; init; }

    /// <summary>One of the two.</summary>
    public TimeSpan? Every { get; init; }

    public CronSchedule? Cron { get; init; }

    /// <summary>While it goes on: null is told once, zero each time it runs, else after so long.</summary>
    public TimeSpan? Again { get; init; }

    public PoolName Pool { get; init; }

    /// <summary>When it runs next; null is never again.</summary>
    public DateTimeOffset? Next(DateTimeOffset? ran, DateTimeOffset known, ProjectZone zone)
    {
        if (Every is { } every)
        {
            return ran is { } last ? last + every : known;
        }

        long after = ((ran ?? known) - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        return Cron!.Next(after, zone, inclusive: false) is { } next
            ? DateTimeOffset.UnixEpoch.AddTicks(next * TimeSpan.TicksPerMicrosecond)
            : null;
    }

    /// <summary>What an answer's column says. Rows without a number say nothing.</summary>
    public AlertReading Judge(ImmutableArray<decimal?> values)
    {
        decimal?[] looked = Over == AlertOver.First ? [.. values.Take(1)] : [.. values];
        decimal[] numbers = [.. looked.OfType<decimal>()];
        decimal? value = numbers.Length == 0 ? null : Over switch
        {
            AlertOver.Min => numbers.Min(),
            AlertOver.Max => numbers.Max(),
            AlertOver.Any => numbers.FirstOrDefault(Holds, numbers[0]),
            _ => numbers[0],
        };
        string limit = $"({Word(Condition)} {Text(Value)})";
        string which = Over is AlertOver.First ? "" : $"{Over.ToString().ToLowerInvariant()} of ";
        return value is { } number
            ? new AlertReading(Holds(number), $"{which}{Column} is {Text(number)} {limit}") { Value = Text(number) }
            : new AlertReading(false, $"{(values.IsEmpty ? "no row" : $"no number in {which}{Column}")} {limit}");
    }

    public static string Word(AlertCondition condition) => condition switch
    {
        AlertCondition.AtLeast => "at_least",
        AlertCondition.AtMost => "at_most",
        AlertCondition.IsNot => "is_not",
        _ => condition.ToString().ToLowerInvariant(),
    };

    private bool Holds(decimal number) => Condition switch
    {
        AlertCondition.Above => number > Value,
        AlertCondition.AtLeast => number >= Value,
        AlertCondition.Below => number < Value,
        AlertCondition.AtMost => number <= Value,
        AlertCondition.Is => number == Value,
        _ => number != Value,
    };

    private static string Text(decimal number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What one run of a query told.</summary>
internal sealed record AlertReading(bool Holds, string Seen)
{
    public string? Value { get; init; }

    /// <summary>Why there is no answer; then <see cref="Holds"/> says nothing.</summary>
    public string? Failure { get; init; }

    public static AlertReading Failed(string why) => new(false, why) { Failure = why };
}

/// <summary>Asks an alert's query with the rights of its owner. Never throws but for the end of the server.</summary>
internal interface IAlertAsker
{
    Task<AlertReading> AskAsync(AlertQuery query, CancellationToken cancellationToken);
}

/// <summary>Statements that are saved under a number.</summary>
internal interface ISavedStatements
{
    /// <summary>The statement, or null with what is wrong.</summary>
    string? Find(string number, out string problem);
}
