using System.Globalization;
using System.Text;

namespace Naru.Sim.Disk;

/// <summary>What the simulated disk is asked to do.</summary>
public enum DiskCall
{
    Create,
    Open,
    Read,
    Write,
    SetLength,
    Sync,
    SyncDirectory,
    Rename,
    Link,
    Delete,
    List,
    CreateDirectory,
}

/// <summary>What may go wrong at a call.</summary>
public enum FaultKind
{
    /// <summary>The power fails: what was not synced is kept, dropped, torn or zeroed, sector by sector.</summary>
    PowerCut,

    /// <summary>The process is killed: the page cache lives on.</summary>
    Kill,

    /// <summary>The call answers EIO; pages of a failed sync are marked clean.</summary>
    InputOutput,

    /// <summary>The call answers ENOSPC; a write may have written a prefix.</summary>
    NoSpace,
}

/// <summary>A call on a kind of file, e.g. "Sync seg".</summary>
public readonly record struct FaultSite(DiskCall Call, string File)
{
    public override string ToString() => $"{Call} {File}";
}

/// <summary>How often each kind of fault struck at each site, and what the cuts did.</summary>
public sealed class FaultCounts
{
    private readonly SortedDictionary<string, Dictionary<FaultKind, int>> _struck = new(StringComparer.Ordinal);

    public SortedDictionary<string, long> Effects { get; } = new(StringComparer.Ordinal);

    public int Of(FaultKind kind, FaultSite site) =>
        _struck.TryGetValue(site.ToString(), out Dictionary<FaultKind, int>? kinds) ? kinds.GetValueOrDefault(kind) : 0;

    public void Struck(FaultKind kind, FaultSite site)
    {
        string name = site.ToString();
        if (!_struck.TryGetValue(name, out Dictionary<FaultKind, int>? kinds))
        {
            _struck[name] = kinds = [];
        }

        kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
    }

    public void Effect(string name) => Effects[name] = Effects.GetValueOrDefault(name) + 1;

    /// <summary>A table of sites and kinds, for people.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        string Line(string name, IEnumerable<string> cells) =>
            name.PadRight(22) + string.Concat(cells.Select(static cell => cell.PadLeft(12)));
        FaultKind[] all = Enum.GetValues<FaultKind>();
        text.AppendLine(Line("injected at", all.Select(static kind => kind.ToString())));
        foreach ((string site, Dictionary<FaultKind, int> kinds) in _struck)
        {
            text.AppendLine(Line(site, all.Select(kind =>
                kinds.GetValueOrDefault(kind).ToString(CultureInfo.InvariantCulture))));
        }

        foreach ((string effect, long count) in Effects)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{effect,-22}{count,12}");
        }

        return text.ToString();
    }
}

/// <summary>
/// Decides where faults strike in one life of a process: at the targets it was aimed at, each once, and besides now and
/// then at any call.
/// </summary>
public sealed class FaultPlan(Random random, FaultCounts counts)
{
    private readonly List<Target> _targets = [];

    /// <summary>Chance that any call answers EIO or ENOSPC beside the targets.</summary>
    public double StrayRate { get; set; }

    /// <summary>False while the simulation looks at the disk itself.</summary>
    public bool IsOn { get; set; }

    /// <summary>Lets this kind strike once at this site, the first time or a little later.</summary>
    public void Aim(FaultKind kind, FaultSite site) =>
        _targets.Add(new Target(kind, site) { Passes = random.Next(1 << random.Next(3)) });

    public void Clear() => _targets.Clear();

    /// <summary>The fault that strikes now, if any.</summary>
    public FaultKind? Decide(FaultSite site)
    {
        if (!IsOn)
        {
            return null;
        }

        foreach (Target target in _targets)
        {
            if (target.Site == site && target.Passes-- <= 0)
            {
                _targets.Remove(target);
                counts.Struck(target.Kind, site);
                return target.Kind;
            }
        }

        if (StrayRate > 0 && CanFail(site.Call) && random.NextDouble() < StrayRate)
        {
            FaultKind kind = CanLackSpace(site.Call) && random.Next(2) == 0 ? FaultKind.NoSpace : FaultKind.InputOutput;
            counts.Struck(kind, site);
            return kind;
        }

        return null;
    }

    /// <summary>Faults that a real kernel, or the end of a process, brings at this call.</summary>
    public static bool IsPossible(FaultKind kind, FaultSite site) => kind switch
    {
        FaultKind.NoSpace => CanLackSpace(site.Call),
        FaultKind.InputOutput => CanFail(site.Call),
        _ => site.Call is not (DiskCall.Read or DiskCall.List or DiskCall.Open),
    };

    private static bool CanFail(DiskCall call) => call is not DiskCall.List;

    private static bool CanLackSpace(DiskCall call) => call is DiskCall.Create or DiskCall.Write or DiskCall.SetLength
        or DiskCall.Sync or DiskCall.SyncDirectory or DiskCall.Rename or DiskCall.Link or DiskCall.CreateDirectory;

    private sealed class Target(FaultKind kind, FaultSite site)
    {
        public FaultKind Kind => kind;

        public FaultSite Site => site;

        public int Passes { get; set; }
    }
}
