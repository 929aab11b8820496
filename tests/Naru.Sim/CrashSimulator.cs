using Naru.Core.Files;
using Naru.Sim.Disk;

namespace Naru.Sim;

/// <summary>
/// Runs a scenario through crashes: open, verify, work, crash, again. An episode is a fresh disk and up to
/// <see cref="CrashesPerEpisode"/> crashes; its random source depends on the run's seed and its own number only, so one
/// episode can be run alone. Each life of the process is aimed at two places to crash, of which
/// the first that is reached ends it, and at some errors; a first look without aim finds the scenario's sites and how
/// rare they are, and rare ones are aimed at more often.
/// </summary>
public sealed class CrashSimulator
{
    private const int CrashesPerEpisode = 12;
    private const int ErrorsPerLife = 6;
    private const int StepsMax = 40;
    private const int StartsMax = 40;
    private const int LookEpisodes = 40;
    private const double StrayRate = 0.01;
    private const double WeightMax = 4;
    private readonly int _seed;
    private readonly Func<IFileSystem, Random, CrashScenario> _make;
    private readonly Func<SimulatedDisk, IFileSystem> _wrap;
    private readonly FaultCounts _counts = new();
    private readonly Dictionary<FaultSite, int> _livesBySite = [];
    private Target[] _crashTargets = [];
    private Target[] _errorTargets = [];
    private Action<string>? _trace;
    private int _crashes;
    private int _failedStarts;
    private long _steps;
    private bool _hasLooked;

    /// <param name="seed">Decides everything.</param>
    /// <param name="make">Makes the scenario of an episode on its file system.</param>
    /// <param name="wrap">Puts a planted bug between engine and disk; null for none.</param>
    public CrashSimulator(
        int seed, Func<IFileSystem, Random, CrashScenario> make, Func<SimulatedDisk, IFileSystem>? wrap = null)
    {
        _seed = seed;
        _make = make;
        _wrap = wrap ?? (static disk => disk);
    }

    /// <summary>The (fault, site) pairs that lives aim at, found by the first look.</summary>
    public IEnumerable<(FaultKind Kind, FaultSite Site)> Targets =>
        _crashTargets.Concat(_errorTargets).Select(static each => (each.Kind, each.Site));

    public FaultCounts Counts => _counts;

    /// <summary>
    /// The same scenario and aims over another disk: what the first look found is not looked for again. For one planted
    /// bug after the other.
    /// </summary>
    public CrashSimulator Over(Func<SimulatedDisk, IFileSystem> wrap)
    {
        Look();
        return new CrashSimulator(_seed, _make, wrap)
        {
            _crashTargets = _crashTargets,
            _errorTargets = _errorTargets,
            _hasLooked = true,
        };
    }

    /// <summary>Runs until that many crashes or the first broken promise.</summary>
    public CrashReport Run(int crashes)
    {
        Look();
        for (int episode = 0; _crashes < crashes; episode++)
        {
            if (RunEpisode(episode, _counts) is { } error)
            {
                return Report(new CrashFailure(_seed, episode, _crashes, error));
            }
        }

        return Report(null);
    }

    /// <summary>Runs one episode alone, to see a failure again, and tells of every call on the disk.</summary>
    public CrashReport RunOnly(int episode, Action<string> trace)
    {
        Look();
        _trace = trace;
        Exception? error = RunEpisode(episode, _counts);
        return Report(error is null ? null : new CrashFailure(_seed, episode, _crashes, error));
    }

    private CrashReport Report(CrashFailure? failure) => new(_crashes, _steps, _failedStarts, _counts, failure);

    /// <summary>Works a while without aim, to learn the sites.</summary>
    private void Look()
    {
        if (_hasLooked)
        {
            return;
        }

        _hasLooked = true;
        for (int episode = 0; episode < LookEpisodes; episode++)
        {
            // a broken promise here shows again in the run proper
            _ = RunEpisode(-1 - episode, new FaultCounts());
        }

        Target[] all =
        [
            .. from site in _livesBySite.OrderBy(static each => each.Key.ToString(), StringComparer.Ordinal)
               from kind in Enum.GetValues<FaultKind>()
               where FaultPlan.IsPossible(kind, site.Key)
               select new Target(kind, site.Key, Math.Min(WeightMax, (double)_crashes / site.Value)),
        ];
        _crashTargets = [.. all.Where(static each => each.Kind is FaultKind.PowerCut or FaultKind.Kill)];
        _errorTargets = [.. all.Where(static each => each.Kind is FaultKind.InputOutput or FaultKind.NoSpace)];
        FaultCounts struck = new();
        for (int episode = LookEpisodes; episode < 3 * LookEpisodes; episode++)
        {
            _ = RunEpisode(-1 - episode, struck);
        }

        _crashTargets = Weigh(_crashTargets, struck);
        _errorTargets = Weigh(_errorTargets, struck);
        (_crashes, _steps, _failedStarts) = (0, 0, 0);
    }

    /// <summary>Gives more weight to what was struck less than the mean.</summary>
    private static Target[] Weigh(Target[] targets, FaultCounts struck)
    {
        double mean = targets.Average(each => struck.Of(each.Kind, each.Site));
        return Array.ConvertAll(targets, each => each with
        {
            Weight = each.Weight * Math.Clamp(mean / (struck.Of(each.Kind, each.Site) + 1), 1 / WeightMax, WeightMax),
        });
    }

    private Exception? RunEpisode(int episode, FaultCounts counts)
    {
        Random random = new(HashCode(_seed, episode));
        HashSet<FaultSite> sites = [];
        SimulatedDisk disk = new(random, counts, sites) { Trace = _trace };
        CrashScenario scenario = _make(_wrap(disk), random);
        try
        {
            for (int crash = 0; crash < CrashesPerEpisode; crash++)
            {
                Live(disk, scenario, random);
                disk.Plan.IsOn = false;
                scenario.Die();
                disk.Restart();
                _crashes++;
                Count(sites);
            }

            scenario.Open();
            scenario.Verify();
            scenario.Die();
            return null;
        }
        catch (Exception error)
        {
            return error;
        }
    }

    private void Count(HashSet<FaultSite> sites)
    {
        if (_crashTargets.Length == 0)
        {
            foreach (FaultSite site in sites)
            {
                _livesBySite[site] = _livesBySite.GetValueOrDefault(site) + 1;
            }

            sites.Clear();
        }
    }

    private static void Aim(FaultPlan plan, Target[] targets, Random random)
    {
        double at = random.NextDouble() * targets.Sum(static each => each.Weight);
        foreach (Target target in targets)
        {
            at -= target.Weight;
            if (at <= 0)
            {
                plan.Aim(target.Kind, target.Site);
                return;
            }
        }
    }

    /// <summary>One life of the process, from its start to its crash.</summary>
    private void Live(SimulatedDisk disk, CrashScenario scenario, Random random)
    {
        disk.Plan.Clear();
        Aim(disk.Plan, _crashTargets, random);
        Aim(disk.Plan, _crashTargets, random);
        for (int errors = 0; errors < ErrorsPerLife; errors++)
        {
            Aim(disk.Plan, _errorTargets, random);
        }

        disk.Plan.StrayRate = random.Next(4) == 0 ? StrayRate : 0;
        try
        {
            Start(disk, scenario);
            scenario.Verify();
            disk.Plan.IsOn = true;
            int steps = random.Next(4) == 0 ? random.Next(StepsMax) : StepsMax;
            for (; steps > 0; steps--)
            {
                scenario.Step();
                _steps++;
            }

            disk.Crash(random.Next(100) < 35 ? FaultKind.Kill : FaultKind.PowerCut);
        }
        catch (SimulatedCrashException)
        {
            // as planned
        }
    }

    private void Start(SimulatedDisk disk, CrashScenario scenario)
    {
        for (int starts = 1; ; starts++)
        {
            try
            {
                disk.Plan.IsOn = starts < StartsMax;
                scenario.Open();
                disk.Plan.IsOn = false;
                return;
            }
            catch (StorageException) when (starts < StartsMax)
            {
                _failedStarts++;
                scenario.Die();
            }
        }
    }

    private static int HashCode(int seed, int episode) =>
        unchecked((int)(((uint)seed * 0x9E3779B1u) ^ ((uint)episode * 0x85EBCA77u)));

    private sealed record Target(FaultKind Kind, FaultSite Site, double Weight);
}
