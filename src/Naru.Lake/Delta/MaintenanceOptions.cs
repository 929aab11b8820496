using System.Security.Cryptography;

namespace Naru.Lake.Delta;

/// <summary>How the files of tables are tended.</summary>
public sealed record MaintenanceOptions
{
    /// <summary>What compaction makes files of; ones of three quarters of it are left as they are.</summary>
    public long TargetBytes { get; init; } = 128L << 20;

    /// <summary>The same on a warm volume: fewer, larger files, which are not written to any more.</summary>
    public long WarmTargetBytes { get; init; } = 512L << 20;

    /// <summary>
    /// How many files of one size class are merged: small means fewer files for readers, large fewer times that a row
    /// is written again (at most log of target / landed size, to this base).
    /// </summary>
    public int FanInFiles { get; init; } = 8;

    /// <summary>A partition without new files for this long is compacted whatever its files' sizes.</summary>
    public TimeSpan SettledAfter { get; init; } = TimeSpan.FromHours(1);

    /// <summary>What one pass over one table reads at most, so that no table waits long for its turn.</summary>
    public long PassBytesMax { get; init; } = 2L << 30;

    /// <summary>
    /// Files that no commit knows and whose names are not Naru's are deleted when seen for this long.
    /// </summary>
    public TimeSpan StrangerRetention { get; init; } = TimeSpan.FromDays(7);

    /// <summary>
    /// What a compaction left behind in a crash is deleted when seen for this long: longer than a compaction takes, so
    /// that not even another process's work is taken for a leftover.
    /// </summary>
    public TimeSpan LeftoverRetention { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How long a file that was moved stays where it was, for other engines that have begun to read it; Naru's own
    /// readers hold what they lease.
    /// </summary>
    public TimeSpan MovedRetention { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Eight hexadecimal digits for the name of a file's next copy: hardly ever the same twice.</summary>
    public Func<string> NewDigits { get; init; } = static () => RandomNumberGenerator.GetHexString(8, lowercase: true);

    /// <summary>Expiry of sensitive data ends leases older than this.</summary>
    public TimeSpan LeaseAgeMax { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>What is kept of one table, besides its files' sizes.</summary>
public sealed record TableCare
{
    /// <summary>Column that merged files are sorted by; null keeps the order of the landings.</summary>
    public string? SortedBy { get; init; }

    /// <summary>Partitions of days before this one have expired; null keeps all.</summary>
    public DateOnly? FirstDayKept { get; init; }

    /// <summary>Whether small files are merged; not where another committer names files that it removes.</summary>
    public bool IsCompacted { get; init; } = true;

    /// <summary>
    /// Sensitive data: files of expired days are deleted as soon as they are out of the table, those that compaction
    /// left behind among them, and leases older than <see cref="MaintenanceOptions.LeaseAgeMax"/> end.
    /// </summary>
    public bool IsSecure { get; init; }
}
