using System.Collections.Immutable;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Aggregates;

/// <summary>
/// Takes changed files of `aggregates/` while the server runs, and compiles again when logs changed. Looks by content;
/// acts when the files are as they were at the look before, so that a copy half done is not taken.
/// </summary>
internal sealed class AggregateReloader(
    AggregateBook book,
    IDefinitionSource definitions,
    DefinitionsOptions options,
    TimeProvider time,
    ILogger<AggregateReloader> logger)
    : BackgroundService, IAggregateSource
{
    private volatile AggregateSet _current = AggregateSet.Empty;
    private ImmutableArray<string> _told = [];
    private DefinitionSet? _logs;
    private string _taken = "";
    private string _seen = "";

    public AggregateSet Current => _current;

    public AggregatePlan? Compile(string name, string text)
    {
        using SqlEngine engine = new();
        KnownLogs logs = new(definitions.Current.Logs, []);
        return AggregateCompiler.Compile(new AggregateText(name, name, text, new MistakeList()), logs, engine);
    }

    /// <summary>Reads at once: at start, before anything asks. A wrong file is told, and the others run.</summary>
    public void TakeNow()
    {
        _taken = _seen = book.Fingerprint();
        Take(definitions.Current);
    }

    /// <summary>One look. True when it took something or found mistakes.</summary>
    public bool Look()
    {
        string now = book.Fingerprint();
        bool still = now == _seen;
        _seen = now;
        DefinitionSet logs = definitions.Current;
        if (!still || (now == _taken && ReferenceEquals(logs, _logs)))
        {
            return false;
        }

        Take(logs);
        _taken = now;
        return true;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(options.ReloadInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                LookSafely();
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private void LookSafely()
    {
        try
        {
            Look();
        }
        catch (StorageException exception)
        {
            AggregatesLog.Failed(logger, exception.Message);
        }
    }

    private void Take(DefinitionSet logs)
    {
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
