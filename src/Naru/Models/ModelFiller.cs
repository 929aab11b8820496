using System.Collections.Immutable;
using Naru.Core;
using Naru.Core.Schedules;
using Naru.Ledger;
using Naru.Models.Checks;

namespace Naru.Models;

/// <summary>Fills intervals of models: asks the statement once for all of them, and puts the rows into the table.
/// </summary>
internal sealed class ModelFiller(IModelQuery query, ModelTableWriter writer, CheckJudge checks)
    : IIntervalFiller<ModelDefinition>
{
    public long Committed(ModelDefinition thing, Interval interval) => writer.Committed(thing, interval);

    public long RowsOf(ModelDefinition thing, Interval interval) => writer.RowsOf(thing, interval);

    /// <summary>Makes the rows of each interval, has them judged, and commits those that hold.</summary>
    public async Task<ImmutableArray<FilledRows>> FillAsync(
        ModelDefinition thing, IReadOnlyList<LedgerEntry> begun, RunOrder order, CancellationToken cancellationToken)
    {
        Invariant.Hold(begun.Count == 1 || thing is { GivesPartition: true, Text.NamesOneInterval: false });
        Interval range = begun[0].Interval with { End = begun[^1].Interval.End };
        using ResultFile result = writer.Begin();
        await query.WriteAsync(thing, range, result, cancellationToken).ConfigureAwait(false);
        (Interval, long)[] attempts = [.. begun.Select(static entry => (entry.Interval, entry.Record.Attempt))];
        using StagedRows staged = await Task.Run(
            () => writer.Stage(thing, attempts, result.Path, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        ImmutableArray<FilledRows>.Builder filled = ImmutableArray.CreateBuilder<FilledRows>();
        List<StagedInterval> good = [];
        foreach (StagedInterval interval in staged.Intervals)
        {
            CheckReport report = await checks.JudgeAsync(thing, staged, interval, cancellationToken)
                .ConfigureAwait(false);
            filled.Add(new FilledRows(interval.Rows) { Failures = report.Failures, Warnings = report.Warnings });
            if (report.Failures.Length == 0)
            {
                good.Add(interval);
            }
        }

        if (good.Count > 0)
        {
            await Task.Run(() => ModelTableWriter.Commit(staged, good), cancellationToken).ConfigureAwait(false);
        }

        return filled.ToImmutable();
    }
}
