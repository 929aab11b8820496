using System.Collections.Immutable;
using Naru.Core;
using Naru.Core.Schedules;
using Naru.Ledger;
using Naru.Models;

namespace Naru.Exports;

/// <summary>
/// Exports as things of the ledger. What a dead attempt sent is not asked for: sent again, it takes its own place.
/// </summary>
internal sealed class ExportFiller(ExportSender sender) : IIntervalFiller<ExportDefinition>
{
    public long Committed(ExportDefinition thing, Interval interval) => 0;

    public long RowsOf(ExportDefinition thing, Interval interval) => 0;

    public async Task<ImmutableArray<FilledRows>> FillAsync(
        ExportDefinition thing, IReadOnlyList<LedgerEntry> begun, RunOrder order, CancellationToken cancellationToken)
    {
        Invariant.Hold(begun.Count == 1);
        ExportEnd end = await sender.SendAsync(
            new ExportOrder
            {
                Export = thing,
                Interval = begun[0].Interval,
                Started = begun[0].Record.StartedAt,
                Attempt = begun[0].Record.Attempt,
                Run = order.Run,
                By = order.By,
                Force = order.Force,
            },
            cancellationToken).ConfigureAwait(false);
        return [new FilledRows(end.Tally.Rows) { Warnings = end.Warning }];
    }
}
