using System.Collections.Immutable;
using Naru.Core;
using Naru.Core.Schedules;
using Naru.Ledger;

namespace Naru.Models;

/// <summary>Fills intervals of models: asks the statement once for all of them, and puts the rows into the table.
/// </summary>
internal sealed class ModelFiller(IModelQuery query, ModelTableWriter writer) : IIntervalFiller<ModelDefinition>
{
    public long Committed(ModelDefinition thing, Interval interval) => writer.Committed(thing, interval);

    public long RowsOf(ModelDefinition thing, Interval interval) => writer.RowsOf(thing, interval);

    public async Task<ImmutableArray<long>> FillAsync(
        ModelDefinition thing, IReadOnlyList<LedgerEntry> begun, RunOrder order, CancellationToken cancellationToken)
    {
        Invariant.Hold(begun.Count == 1 || thing is { GivesPartition: true, Text.NamesOneInterval: false });
        Interval range = begun[0].Interval with { End = begun[^1].Interval.End };
        using ResultFile result = writer.Begin();
        await query.WriteAsync(thing, range, result, cancellationToken).ConfigureAwait(false);
        (Interval, long)[] attempts = [.. begun.Select(static entry => (entry.Interval, entry.Record.Attempt))];
        return await Task.Run(() => writer.Put(thing, attempts, result.Path, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
    }
}
