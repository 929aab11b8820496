using System.Collections.Immutable;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.Volumes;
using Naru.Stream.Aggregate;
using Naru.Tiers;

namespace Naru.Stream.Tiers;

/// <summary>A file of a table that is to be on another volume.</summary>
internal sealed record PlannedMove(TableName Table, TierMove Move);

/// <summary>A volume as it stands now.</summary>
internal sealed record VolumeState(Tier Tier, string Place)
{
    /// <summary>Null where nobody says.</summary>
    public long? FreeBytes { get; init; }

    /// <summary>Why it cannot be used, with the mend.</summary>
    public string? Fault { get; init; }

    /// <summary>Of a gigabyte and month.</summary>
    public double? Price { get; init; }
}

/// <summary>What <see cref="TierBook"/> works with.</summary>
internal sealed record TierBookParts(
    IDefinitionSource Definitions, IFilledTables Filled, IFileSystem Files, string HotFolder, TimeProvider Clock)
{
    public required TierPins Pins { get; init; }
}

/// <summary>
/// Which files of the lake are to go down, and why: by the age that a log's or a model's lifetime says, and the oldest
/// days first where the hot volume runs short of space. Days that somebody pinned are where that one wants them. Tables
/// of aggregates stay hot, since the stream names their files when it revises them, and so do the platform's own.
/// </summary>
internal sealed class TierBook(LakeTables tables, TierOptions options, TierBookParts parts)
{
    /// <summary>A day goes down for want of space only when it has long stopped growing.</summary>
    private const int DaysKeptHot = 2;

    public LakeVolumes Volumes => tables.Volumes;

    public TierOptions Options => options;

    public TierPins Pins => parts.Pins;

    private long HotFreeBytes => parts.Files.FreeBytes(parts.HotFolder);

    /// <summary>The lake's own folder first.</summary>
    public IEnumerable<VolumeState> VolumeStates()
    {
        yield return new VolumeState(Tier.Hot, parts.HotFolder)
        {
            FreeBytes = HotFreeBytes, Price = options.HotPrice,
        };
        foreach (IFileVolume volume in Volumes.Others)
        {
            yield return new VolumeState(volume.Tier, FileLocation.PlaceOf(volume.Root))
            {
                FreeBytes = volume.FreeBytes,
                Fault = volume.Fault,
                Price = volume.Tier == Tier.Warm ? options.WarmPrice : options.ColdPrice,
            };
        }
    }

    /// <summary>When days of a table go down; null where they never do.</summary>
    public TierRules? RulesOf(TableName name)
    {
        TimeZoneInfo zone = parts.Definitions.Current.TimeZone;
        if (parts.Definitions.Current.Logs.FirstOrDefault(
            log => log.RegionGroup == name.Schema && log.Name == name.Name) is { } log)
        {
            return new TierRules(FirstDay(log.Lifetime.Hot, zone), FirstDay(log.Lifetime.Warm, zone));
        }

        return parts.Filled.Current.FirstOrDefault(table => table.Name == name) is { } filled
            ? new TierRules(
                FirstDay(filled.HotFor ?? options.HotFor, zone), FirstDay(filled.WarmFor ?? options.WarmFor, zone))
            : null;
    }

    /// <summary>All that is to be moved now, the oldest days first.</summary>
    public ImmutableArray<PlannedMove> Plan() => Plan(Pins.Current);

    /// <summary>The same, were these the pins.</summary>
    public ImmutableArray<PlannedMove> Plan(ImmutableArray<TierPin> pins)
    {
        if (Volumes.Others.IsEmpty)
        {
            return [];
        }

        List<PlannedMove> moves = [];
        foreach ((TableName name, DeltaTable table) in Movable())
        {
            DayPin[] own =
            [
                .. pins.Where(pin => pin.Concerns(name)).Select(static pin => new DayPin(pin.From, pin.To, pin.Tier)),
            ];
            moves.AddRange(TierPlan.Make(table.Current, RulesOf(name)!, own, Volumes)
                .Select(move => new PlannedMove(name, move)));
        }

        moves.AddRange(ForSpace([.. moves.Select(static move => (move.Table, move.Move.File.Path))], pins));
        return [.. moves.OrderBy(static move => move.Move.Day)];
    }

    public IEnumerable<(TableName Name, DeltaTable Table)> Movable() =>
        tables.All().Where(table => table.Name.Schema is not (AggregateTables.Schema or StreamTables.Schema)
            && RulesOf(table.Name) is not null);

    /// <summary>Looks whether volumes can be used, and takes those that belong to nobody yet.</summary>
    public async ValueTask PrepareAsync(CancellationToken cancellationToken)
    {
        foreach (IFileVolume volume in Volumes.Others)
        {
            bool isUsed = Movable().Any(table => table.Table.Current.Files.Any(
                file => file.Path.StartsWith(volume.Root, StringComparison.Ordinal)));
            await volume.PrepareAsync(isUsed, cancellationToken).ConfigureAwait(false);
        }
    }

    private IEnumerable<PlannedMove> ForSpace(
        HashSet<(TableName, string)> planned, ImmutableArray<TierPin> pins)
    {
        if (options.HotFreeMin == 0 || (Volumes.For(Tier.Warm) ?? Volumes.For(Tier.Cold)) is not { } to)
        {
            return [];
        }

        (TableName Name, DeltaTable Table)[] movable = [.. Movable()];
        long going = movable.Sum(table => Leaving(table.Table))
            + movable.Sum(table => table.Table.Current.Files
                .Where(file => planned.Contains((table.Name, file.Path)) && FileLocation.Of(file.Path).IsHome)
                .Sum(static file => file.Bytes));
        long wanted = options.HotFreeMin - HotFreeBytes - going;
        string why = $"less than {SizeText.Format(options.HotFreeMin)} free on the hot volume";
        DateOnly before = Today().AddDays(-DaysKeptHot);
        List<PlannedMove> moves = [];
        foreach ((TableName name, DeltaFile file, DateOnly day) in movable
            .SelectMany(table => table.Table.Current.Files
                .Where(file => FileLocation.Of(file.Path).IsHome && !planned.Contains((table.Name, file.Path)))
                .Select(file => (table.Name, file, Day: TierPlan.DayOf(table.Table.Current, file) ?? before)))
            .Where(each => each.Day < before
                && !pins.Any(pin => pin.Concerns(each.Name) && each.Day >= pin.From && each.Day < pin.To))
            .OrderBy(static each => each.Day))
        {
            if (wanted <= 0)
            {
                break;
            }

            moves.Add(new PlannedMove(name, new TierMove(file, Tier.Hot, to, why) { Day = day }));
            wanted -= file.Bytes;
        }

        return moves;
    }

    /// <summary>Bytes of files that were moved away and are about to be deleted at home.</summary>
    private long Leaving(DeltaTable table)
    {
        DateTimeOffset since = parts.Clock.GetUtcNow() - options.MovedKept - TimeSpan.FromMinutes(1);
        HashSet<string> elsewhere =
        [
            .. table.Current.Files.Select(static file => FileLocation.Of(file.Path))
                .Where(static location => !location.IsHome).Select(static location => location.FirstName),
        ];
        return table.Current.Tombstones.Values
            .Where(tombstone => tombstone.DeletionTime >= since.ToUnixTimeMilliseconds()
                && FileLocation.Of(tombstone.Path) is { IsHome: true } location
                && elsewhere.Contains(location.FirstName))
            .Sum(static tombstone => tombstone.Bytes);
    }

    private DateOnly Today() => FirstDay(TimeSpan.Zero, parts.Definitions.Current.TimeZone);

    /// <summary>A day stays until all of it is older.</summary>
    private DateOnly FirstDay(TimeSpan age, TimeZoneInfo zone)
    {
        DateTimeOffset now = parts.Clock.GetUtcNow();
        TimeSpan most = now - DateTimeOffset.UnixEpoch;
        return DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now - (age < most ? age : most), zone).DateTime);
    }
}
