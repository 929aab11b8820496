using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Aggregates;

/// <summary>Takes changed files of `aggregates/` while the server runs, and compiles again when logs changed.</summary>
internal sealed class AggregateReloader(
    AggregateBook book,
    IDefinitionSource definitions,
    DefinitionsOptions options,
    TimeProvider time,
    ILogger<AggregateReloader> logger)
    : ContentReloader(options, time), IAggregateSource
{
    private volatile AggregateSet _current = AggregateSet.Empty;
    private ImmutableArray<string> _told = [];
    private DefinitionSet? _logs;

    public AggregateSet Current => _current;

    public AggregatePlan? Compile(string name, string text)
    {
        using SqlEngine engine = new();
        KnownLogs logs = new(definitions.Current.Logs, []);
        return AggregateCompiler.Compile(new AggregateText(name, name, text, new MistakeList()), logs, engine);
    }

    protected override bool IsOutdated => !ReferenceEquals(definitions.Current, _logs);

    protected override string Fingerprint() => book.Fingerprint();

    protected override void TellFailure(string problem) => AggregatesLog.Failed(logger, problem);

    protected override void Take()
    {
        DefinitionSet logs = definitions.Current;
        MistakeList mistakes = new();
        AggregateSet before = _current;
        ImmutableArray<AggregatePlan> read = book.Read(new KnownLogs(logs.Logs, []), mistakes);

        // A plan that is as it was stays the same object: whoever runs it sees at a glance that nothing changed.
        AggregateSet next = new(
            [.. read.Select(plan => before.Find(plan.Name) is { } known && IsSame(known, plan) ? known : plan)]);
        _logs = logs;
        bool same = before.Plans.Length == next.Plans.Length
            && before.Plans.Zip(next.Plans).All(static pair => ReferenceEquals(pair.First, pair.Second));
        if (!same)
        {
            _current = next;
        }

        Tell(before, next);
        Tell(mistakes);
    }

    private static bool IsSame(AggregatePlan known, AggregatePlan plan) =>
        known.Fingerprint == plan.Fingerprint && known.Sql == plan.Sql && known.Description == plan.Description
        && known.Owner == plan.Owner && known.Live == plan.Live && known.Schema.Equals(plan.Schema);

    private void Tell(AggregateSet before, AggregateSet next)
    {
        foreach (AggregatePlan plan in next.Plans)
        {
            if (before.Find(plan.Name) is not { } known)
            {
                AggregatesLog.Taken(logger, plan.Name);
            }
            else if (known.Fingerprint != plan.Fingerprint)
            {
                AggregatesLog.Changed(logger, plan.Name);
            }
        }

        foreach (AggregatePlan gone in before.Plans.Where(plan => next.Find(plan.Name) is null))
        {
            AggregatesLog.Gone(logger, gone.Name);
        }
    }

    private void Tell(MistakeList mistakes)
    {
        ImmutableArray<string> told = [.. mistakes.Sorted().Select(static mistake => mistake.ToString())];
        foreach (string mistake in told.Except(_told))
        {
            AggregatesLog.Mistake(logger, mistake);
        }

        if (told.IsEmpty && !_told.IsEmpty)
        {
            AggregatesLog.Mended(logger);
        }

        _told = told;
    }
}
