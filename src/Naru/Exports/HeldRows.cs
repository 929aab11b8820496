using System.Collections.Immutable;

namespace Naru.Exports;

/// <summary>
/// What of an export goes out to a target that has no transactions and cannot say what it holds. Before anything is
/// sent, the attempt's rows are noted as perhaps held: whatever an interrupted attempt has put there is known to the
/// next, which takes out what is no more.
/// </summary>
internal sealed class HeldRows
{
    private readonly ExportJob _job;

    private HeldRows(ExportJob job) => _job = job;

    /// <summary>What is to be put: all rows, where not exactly one earlier export is held.</summary>
    public RowSet Puts { get; private init; } = RowSet.All;

    /// <summary>Whether there is something to compare with that may have to go.</summary>
    public bool Removes { get; private init; }

    public static HeldRows Begin(ExportJob job)
    {
        if (job.Export.Mode != ExportMode.Mirror)
        {
            return new HeldRows(job);
        }

        ImmutableArray<string> held =
            [.. job.Kept.ReadHeld().Where(token => token != job.Token && job.Kept.FindBase(token) is not null)];
        bool compares = job.Rows.TryBases([.. held.Select(token => job.Kept.FindBase(token)!)]);
        job.Kept.SaveBase(job.Rows, job.Token);
        job.Kept.WriteHeld([.. held, job.Token]);
        return new HeldRows(job)
        {
            Puts = compares && held.Length == 1 && !job.Force ? RowSet.Changed : RowSet.All,
            Removes = compares,
        };
    }

    /// <summary>All is there: from now on it holds these rows and no others.</summary>
    public void End()
    {
        if (_job.Export.Mode == ExportMode.Mirror)
        {
            // Again, without the rows that turned out not to fit: the next export sends them.
            _job.Judged();
            _job.Kept.WriteHeld([_job.Token]);
        }
    }
}
