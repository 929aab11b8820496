using System.Runtime.CompilerServices;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.Volumes;
using Naru.Stream.Tiers;

namespace Naru.Stream;

/// <summary>What one pass moved of one table.</summary>
internal sealed record MovedFiles(TableName Table, TierReport Report);

/// <summary>Moves between volumes; one pass at a time, by the clock or when somebody asks.</summary>
internal sealed partial class LakeMaintenance
{
    /// <summary>What is moved of one table before others have their turn.</summary>
    private const long TurnBytesMax = 2L << 30;

    private readonly SemaphoreSlim _turn = new(1, 1);
    private string[] _faults = [];

    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    /// <summary>Moves all that is due, or of one table (`kr_shop.order`), and tells as it goes.</summary>
    public async IAsyncEnumerable<MovedFiles> MoveNowAsync(
        string? table, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await PrepareVolumesAsync(cancellationToken).ConfigureAwait(false);
            bool moved = true;
            while (moved)
            {
                moved = false;
                await foreach (MovedFiles each in MoveDueAsync(table, cancellationToken).ConfigureAwait(false))
                {
                    moved |= each.Report.FilesMoved > 0;
                    yield return each;
                }
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Before workers are started: a rule of theirs is for a folder that is there.</summary>
    public async Task PrepareVolumesAsync(CancellationToken cancellationToken)
    {
        if (parts.Tiers is not { } tiers)
        {
            return;
        }

        try
        {
            await tiers.PrepareAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException error)
        {
            StreamLog.TableProblem(logger, error.Message);
        }

        string[] faults = [.. tiers.Volumes.Others.Select(static volume => volume.Fault).OfType<string>()];
        foreach (string fault in faults.Except(_faults))
        {
            StreamLog.VolumeAway(logger, fault);
        }

        _faults = faults;
    }

    /// <summary>One pass over every table: what is tended, then what is moved, then what is swept.</summary>
    internal async Task PassAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await PrepareVolumesAsync(cancellationToken).ConfigureAwait(false);
            RunOnce(cancellationToken);
            await foreach (MovedFiles each in MoveDueAsync(null, cancellationToken).ConfigureAwait(false))
            {
                foreach (string problem in each.Report.Problems)
                {
                    StreamLog.TableProblem(logger, problem);
                }

                if (each.Report.FilesMoved > 0)
                {
                    StreamLog.TableMoved(
                        logger, each.Table.ToString(), each.Report.FilesMoved, each.Report.BytesMoved);
                }
            }

            await SweepAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async IAsyncEnumerable<MovedFiles> MoveDueAsync(
        string? only, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (parts.Tiers is not { } tiers)
        {
            yield break;
        }

        foreach (IGrouping<TableName, PlannedMove> due in tiers.Plan()
            .Where(move => only is null || $"{move.Table.Schema}.{move.Table.Name}" == only)
            .GroupBy(static move => move.Table))
        {
            DeltaTable table = tables.Find(due.Key)!;
            TableTiers mover = new(table, Tended(due.Key, table), parts.Files);
            TierReport report = await mover
                .MoveAsync(Turn(due.Select(static move => move.Move)), cancellationToken).ConfigureAwait(false);
            yield return new MovedFiles(due.Key, report);
        }
    }

    /// <summary>Whole days where they fit, so that a commit moves a partition.</summary>
    private static List<TierMove> Turn(IEnumerable<TierMove> moves)
    {
        List<TierMove> turn = [];
        long bytes = 0;
        foreach (TierMove move in moves)
        {
            if (bytes >= TurnBytesMax && turn[^1].Day != move.Day)
            {
                break;
            }

            bytes += move.File.Bytes;
            turn.Add(move);
        }

        return turn;
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        if (parts.Tiers is not { } tiers)
        {
            return;
        }

        foreach ((TableName name, DeltaTable table) in tiers.Movable())
        {
            TableTiers mover = new(table, Tended(name, table), parts.Files);
            foreach (IFileVolume volume in tiers.Volumes.Others.Where(static each => each.Fault is null))
            {
                TierReport report = await mover
                    .SweepAsync(volume, CareOf(name), () => worker.Status.Landing, cancellationToken)
                    .ConfigureAwait(false);
                foreach (string problem in report.Problems)
                {
                    StreamLog.TableProblem(logger, problem);
                }
            }
        }
    }
}
