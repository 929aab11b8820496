using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Files;
using Naru.Lake.Delta;
using Naru.Lake.Volumes;

namespace Naru.Sim.Delta;

/// <summary>
/// One Delta table under crashes: landings that are applied again after a start, compaction, expiry, vacuum,
/// moves to warm and cold volumes and their sweep, checkpoints and log cleaning, readers' leases, and a second
/// committer that is behind (a zombie), which moves and sweeps too. The oracle keeps
/// every landing's record, as landing records do on a disk that loses none, and whatever the table acknowledged.
/// </summary>
internal sealed class DeltaCrashScenario : CrashScenario
{
    private const string Directory = "/data/lake/kr_shop/click/fields";
    private const int RetriesMax = 60;
    private static readonly DateOnly FirstDay = new(2026, 7, 1);

    private readonly IFileSystem _files;
    private readonly RowFiles _rows;
    private readonly Random _random;
    private readonly LakeVolumes _volumes;
    private readonly DeltaTableOptions _options;
    private readonly MaintenanceOptions _care;
    private readonly bool _isSecure;
    private readonly ManualTimeProvider _time = new();
    private readonly List<Landing> _landings = [];
    private readonly List<(DeltaLease Lease, ImmutableArray<long> Rows)> _leases = [];
    private DeltaTable? _table;
    private DeltaTable? _zombie;
    private TableMaintenance? _maintenance;
    private long _acknowledgedVersion = -1;
    private int _acknowledged;
    private DateOnly _firstDayKept = FirstDay;
    private long _nextRow;

    public DeltaCrashScenario(IFileSystem files, Random random)
    {
        _files = files;
        _rows = new RowFiles(files);
        _random = random;
        _isSecure = random.Next(2) == 0;
        _volumes = random.Next(2) == 0
            ? LakeVolumes.None
            : new LakeVolumes(
                [
                    new DiskVolume(files, Tier.Warm, "/warm", "/data"),
                    new DiskVolume(files, Tier.Cold, "/cold", "/data"),
                ],
                null);
        _care = new MaintenanceOptions
        {
            TargetBytes = 300,
            WarmTargetBytes = 600,
            FanInFiles = 3,
            NewDigits = () => random.Next().ToString("x8", CultureInfo.InvariantCulture),
        };
        _options = new DeltaTableOptions
        {
            Checkpoints = new PlainCheckpointFormat(),
            CheckpointIntervalCommits = 4,
            Volumes = _volumes,
            VolumeFolder = "kr_shop/click/fields",
        };
    }

    public override void Open()
    {
        _table = Make();
        if (_table.Current.Version < _acknowledgedVersion)
        {
            throw new OracleException(
                $"version {_acknowledgedVersion} was acknowledged, {_table.Current.Version} is there");
        }

        if (_table.Problems is [{ } problem, ..])
        {
            throw new OracleException($"the disk lost nothing that was synced, yet: {problem}");
        }

        _maintenance = new TableMaintenance(_table, _files, _rows, _care, _time);
        for (int i = 0; i < _landings.Count; i++)
        {
            CommitOutcome outcome = _table.Commit(_landings[i].Commit).Outcome;
            bool isKnown = i < _acknowledged;
            if (outcome == CommitOutcome.Conflict || (isKnown && outcome == CommitOutcome.Committed))
            {
                throw new OracleException($"landing {i + 1}, acknowledged: {isKnown}, came out as {outcome}");
            }
        }

        Acknowledge();
    }

    public override void Verify()
    {
        VerifyRows(_table!, Make(), _table!.Current);
        if (_random.Next(8) == 0)
        {
            VerifyProtocol();
        }

        foreach ((DeltaLease lease, ImmutableArray<long> rows) in _leases)
        {
            if (!lease.Ended.IsCancellationRequested && !_rows.Read(_table!, lease.Version).SequenceEqual(rows))
            {
                throw new OracleException($"a lease of version {lease.Version.Version} does not read as it did");
            }
        }
    }

    public override void Step()
    {
        _time.Advance(TimeSpan.FromMinutes(_random.Next(1, 40)));
        switch (_random.Next(100))
        {
            case < 50:
                Land();
                break;
            case < 64:
                Guard(() => Maintain());
                break;
            case < 70:
                Guard(Move);
                break;
            case < 76:
                LeaseOrRelease();
                break;
            case < 84:
                BeZombie();
                break;
            case < 88:
                _time.Advance(TimeSpan.FromDays(_random.Next(1, 3)));
                _firstDayKept = _firstDayKept.AddDays(_random.Next(2));
                break;
            case < 92:
                Look();
                break;
            case < 96:
                Sweep();
                break;
            default:
                CloseAndOpen();
                break;
        }
    }

    public override void Die()
    {
        _leases.Clear();
        _table = null;
        _zombie = null;
        _maintenance = null;
    }

    private DeltaTable Make() => DeltaTable.OpenOrCreate(_files, Directory, RowFiles.Definition, _options, _time);

    private void Land()
    {
        long number = _landings.Count + 1;
        ImmutableArray<DeltaFile>.Builder adds = ImmutableArray.CreateBuilder<DeltaFile>();
        List<(DateOnly Day, long Row)> rows = [];
        try
        {
            foreach (int offset in Enumerable.Range(0, 4).Where(_ => _random.Next(2) == 0))
            {
                DateOnly day = _firstDayKept.AddDays(offset);
                long[] numbers = [.. Enumerable.Range(0, _random.Next(1, 12)).Select(_ => _nextRow++)];
                string name = day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
                adds.Add(_rows.Land(_table!, number, adds.Count, name, numbers));
                rows.AddRange(numbers.Select(row => (day, row)));
            }
        }
        catch (StorageException)
        {
            // Not landed: the record is not written, and the next landing takes the number.
            return;
        }

        _landings.Add(new Landing(RowFiles.Append(number, adds.ToImmutable()), [.. rows]));
        CommitLast();
    }

    /// <summary>As the lander does: the record is durable, so it goes on until the table has it.</summary>
    private void CommitLast()
    {
        for (int tries = 0; tries < RetriesMax; tries++)
        {
            try
            {
                if (_random.Next(3) == 0)
                {
                    _table = Make();
                    _maintenance = new TableMaintenance(_table, _files, _rows, _care, _time);
                }

                CommitResult result = _table!.Commit(_landings[^1].Commit);
                if (result.Outcome == CommitOutcome.Conflict || !result.TxnsBehind.IsEmpty)
                {
                    throw new OracleException($"landing {_landings.Count} came out as {result}");
                }

                Acknowledge();
                return;
            }
            catch (StorageException)
            {
                // the disk is ill
            }
        }

        throw new OracleException("a commit never succeeded");
    }

    private void Acknowledge()
    {
        _acknowledged = _landings.Count;
        _acknowledgedVersion = _table!.Current.Version;
    }

    private MaintenanceReport Maintain()
    {
        TableCare care = new() { FirstDayKept = _firstDayKept, IsSecure = _isSecure };
        MaintenanceReport report = _maintenance!.Run(care, () => _acknowledged, CancellationToken.None);
        string? damage = report.Problems.FirstOrDefault(
            static problem => problem.Contains("damaged", StringComparison.Ordinal));
        if (damage is not null)
        {
            throw new OracleException($"the disk lost nothing that was synced, yet: {damage}");
        }

        return report;
    }

    /// <summary>To any volume below the one that each file is on; then what is left is swept.</summary>
    private void Move() => MoveWith(_table!, _maintenance!);

    private void MoveWith(DeltaTable table, TableMaintenance maintenance)
    {
        DateOnly hot = _firstDayKept.AddDays(_random.Next(5));
        TierRules rules = new(hot, hot.AddDays(-_random.Next(3)));
        foreach (DiskVolume volume in _volumes.Others.Cast<DiskVolume>())
        {
            // A volume with files on it has its mark: it was there before the first of them.
            bool isUsed = _table!.Current.Files.Any(
                file => file.Path.StartsWith(volume.Root, StringComparison.Ordinal));
            volume.Prepare(isUsed);
            if (isUsed && volume.Fault?.Contains("mount", StringComparison.Ordinal) == true)
            {
                throw new OracleException($"the disk lost nothing that was synced, yet: {volume.Fault}");
            }
        }

        TableTiers tiers = new(table, maintenance, _files);
        TierReport moved = Now(tiers.MoveAsync(
            TierPlan.Make(table.Current, rules, _volumes), CancellationToken.None));
        foreach (IFileVolume volume in _volumes.Others)
        {
            TierReport swept = Now(tiers.SweepAsync(
                volume,
                new TableCare { FirstDayKept = _firstDayKept, IsSecure = _isSecure },
                () => _acknowledged,
                CancellationToken.None));
            moved = moved with { Problems = [.. moved.Problems, .. swept.Problems] };
        }

        if (moved.Problems.FirstOrDefault(static problem =>
            problem.Contains("damaged", StringComparison.Ordinal)) is { } damage)
        {
            throw new OracleException($"the disk lost nothing that was synced, yet: {damage}");
        }

        if (!moved.Problems.IsEmpty)
        {
            throw new StorageException(StorageFault.Io, moved.Problems[0]);
        }
    }

    /// <summary>Volumes on disks answer at once.</summary>
    private static T Now<T>(ValueTask<T> answer) => answer.IsCompleted
        ? answer.GetAwaiter().GetResult()
        : throw new OracleException("a move on disks did not end at once");

    private void LeaseOrRelease()
    {
        if (_leases.Count > 2 || (_leases.Count > 0 && _random.Next(2) == 0))
        {
            int at = _random.Next(_leases.Count);
            _leases[at].Lease.Dispose();
            _leases.RemoveAt(at);
            return;
        }

        DeltaLease lease = _table!.Lease();
        try
        {
            _leases.Add((lease, [.. _rows.Read(_table, lease.Version)]));
        }
        catch (StorageException)
        {
            lease.Dispose();
        }
    }

    /// <summary>
    /// Another process, paused for long: it commits landings that it knew, and merges what it thinks is there.
    /// </summary>
    private void BeZombie()
    {
        Guard(() =>
        {
            if (_zombie is null)
            {
                _zombie = Make();
                return;
            }

            if (_acknowledged > 0)
            {
                Landing landing = _landings[_random.Next(_acknowledged)];
                CommitResult result = _zombie.Commit(landing.Commit);
                if (result.Outcome != CommitOutcome.AlreadyDone)
                {
                    throw new OracleException($"a zombie's landing came out as {result}");
                }
            }

            if (_random.Next(2) == 0)
            {
                TableMaintenance maintenance = new(_zombie, _files, _rows, _care, _time);
                maintenance.Run(new TableCare { IsSecure = _isSecure }, () => _acknowledged, CancellationToken.None);
                MoveWith(_zombie, maintenance);
            }

            _zombie = null;
        });
    }

    /// <summary>After some quiet days the folder holds exactly what the table and its readers name.</summary>
    private void Sweep()
    {
        foreach ((DeltaLease lease, _) in _leases)
        {
            lease.Dispose();
        }

        _leases.Clear();
        Guard(() =>
        {
            // The first look remembers what it does not know, the second deletes it.
            bool isWell = Maintain().Problems.IsEmpty;
            Move();
            _time.Advance(TimeSpan.FromDays(8));
            Move();
            if (!Maintain().Problems.IsEmpty || !isWell)
            {
                return;
            }

            SweepVolumes();

            HashSet<string> named = [.. _table!.Current.FilesByPath.Keys, .. _table.Current.Tombstones.Keys];
            foreach (string folder in _files.List(Directory).Where(name => name.Contains('=')))
            {
                foreach (string name in _files.List($"{Directory}/{folder}"))
                {
                    if (!named.Contains($"{folder}/{name}") && !IsOfALandingToCome(name))
                    {
                        throw new OracleException($"'{folder}/{name}' is swept by nobody");
                    }
                }
            }
        });
    }

    private void SweepVolumes()
    {
        HashSet<string> named = [.. _table!.Current.FilesByPath.Keys, .. _table.Current.Tombstones.Keys];
        foreach (IFileVolume volume in _volumes.Others)
        {
            if (Now(volume.ListAsync(_table.FolderOn(volume), CancellationToken.None))
                .FirstOrDefault(path => !named.Contains(path)) is { } orphan)
            {
                throw new OracleException($"'{orphan}' is swept by nobody");
            }
        }
    }

    private bool IsOfALandingToCome(string name) =>
        DeltaPaths.TryParseLanding(name, out long landing) && landing > _acknowledged;

    private void Look()
    {
        try
        {
            Verify();
        }
        catch (StorageException)
        {
            // a read failed: the next look compares
        }
    }

    private void CloseAndOpen()
    {
        for (int tries = 0; ; tries++)
        {
            try
            {
                Die();
                Open();
                return;
            }
            catch (StorageException) when (tries < RetriesMax)
            {
                // started again
            }
        }
    }

    private static void Guard(Action work)
    {
        try
        {
            work();
        }
        catch (StorageException)
        {
            // as the maintenance loop does: logged, and tried again at the next turn
        }
    }

    private void VerifyProtocol()
    {
        string? problem = DeltaValidator
            .Validate(_files, Directory, new PlainCheckpointFormat(), path => _rows.Read(path).Count)
            .FirstOrDefault(each => !each.Contains(DeltaValidator.NotContiguous, StringComparison.Ordinal));
        if (problem is not null)
        {
            throw new OracleException(problem);
        }
    }

    private void VerifyRows(DeltaTable table, DeltaTable opened, DeltaVersion current)
    {
        if (opened.Current.Version < current.Version || !opened.Current.Txns.SequenceEqual(table.Refresh().Txns))
        {
            throw new OracleException($"version {current.Version} opens as {opened.Current.Version}");
        }

        List<long> visible = _rows.Read(opened, opened.Current);
        HashSet<long> seen = [.. visible];
        if (seen.Count != visible.Count)
        {
            throw new OracleException("a row is in the table twice");
        }

        long landed = 0;
        foreach (Landing landing in _landings.Take(_acknowledged))
        {
            landed += landing.Rows.Length;
            foreach ((DateOnly day, long row) in landing.Rows)
            {
                if (day >= _firstDayKept && !seen.Contains(row))
                {
                    throw new OracleException($"row {row} of {day:O} was landed and is gone");
                }
            }
        }

        long deleted = opened.Current.Txns.GetValueOrDefault(TableMaintenance.RowsDeletedAppId);
        if (landed != visible.Count + deleted || opened.Current.Rows != visible.Count)
        {
            throw new OracleException($"{landed} landed, {visible.Count} there, {deleted} deleted");
        }

        foreach (DeltaFile file in opened.Current.Files)
        {
            if (FileContents.ContentHash(_files, opened.PathOf(file)) != file.ContentHash)
            {
                throw new OracleException($"'{file.Path}' does not have its hash");
            }
        }
    }

    private sealed record Landing(DeltaCommit Commit, ImmutableArray<(DateOnly Day, long Row)> Rows);
}
