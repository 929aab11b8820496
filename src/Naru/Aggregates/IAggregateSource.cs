using System.Collections.Immutable;

namespace Naru.Aggregates;

/// <summary>The project's aggregates as they stand now; a new set when a file or a log changed.</summary>
internal interface IAggregateSource
{
    AggregateSet Current { get; }

    /// <summary>The plan of a text that was an aggregate's before; null where it is wrong by now.</summary>
    AggregatePlan? Compile(string name, string text);
}

/// <summary>All aggregates that compile, by name in ordinal order. Immutable.</summary>
internal sealed record AggregateSet(ImmutableArray<AggregatePlan> Plans)
{
    public static readonly AggregateSet Empty = new([]);

    public AggregatePlan? Find(string name) =>
        Plans.FirstOrDefault(plan => string.Equals(plan.Name, name, StringComparison.Ordinal));
}
