using Naru.Core.Files;
using Naru.Sim.Disk;

namespace Naru.Sim;

/// <summary>
/// A program under simulated crashes: what it does, and an oracle of what must be true. One object lives through a
/// whole episode; what the oracle remembers is outside the simulated process.
/// </summary>
public abstract class CrashScenario
{
    /// <summary>
    /// Starts the process: opens and recovers. May throw <see cref="StorageException"/> when a fault strikes, as a real
    /// process may fail to start; it is then started again.
    /// </summary>
    public abstract void Open();

    /// <summary>
    /// Compares what the process serves with what the oracle knows. Faults are off. Throws <see
    /// cref="OracleException"/>.
    /// </summary>
    public abstract void Verify();

    /// <summary>One step of work; handles storage errors as the real shell does.</summary>
    public abstract void Step();

    /// <summary>The process is gone: forgets its memory. Must not touch the disk.</summary>
    public abstract void Die();
}

/// <summary>The engine broke a promise.</summary>
public sealed class OracleException(string message) : Exception(message);

/// <summary>What a run of the simulator did.</summary>
public sealed record CrashReport(int Crashes, long Steps, int FailedStarts, FaultCounts Counts, CrashFailure? Failure)
{
    public override string ToString() =>
        $"{Crashes} crashes, {Steps} steps, {FailedStarts} failed starts{Environment.NewLine}{Counts}{Failure}";
}

/// <summary>The first broken promise: run the same seed again with only its episode to see it happen.</summary>
public sealed record CrashFailure(int Seed, int Episode, int Crash, Exception Error)
{
    public override string ToString() =>
        $"broken at crash {Crash}: NARU_SEED={Seed}, episode {Episode}: {Error}";
}
