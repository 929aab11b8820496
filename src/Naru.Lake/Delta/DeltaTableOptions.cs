using Naru.Lake.Volumes;

namespace Naru.Lake.Delta;

/// <summary>How tables are kept. One for all tables of a kind.</summary>
public sealed record DeltaTableOptions
{
    /// <summary>True for a process that only looks: opening writes nothing, and there must be no commits.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>How checkpoint files are written and read; null keeps the whole log and writes none.</summary>
    public IDeltaCheckpointFormat? Checkpoints { get; init; }

    /// <summary>Commits from one checkpoint to the next.</summary>
    public int CheckpointIntervalCommits { get; init; } = 10;

    /// <summary>Log entries before a checkpoint are kept this long.</summary>
    public TimeSpan LogRetention { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Files that were taken out are kept this long, for readers of older versions.</summary>
    public TimeSpan TombstoneRetention { get; init; } = TimeSpan.FromDays(7);

    /// <summary>
    /// False for tables of sensitive columns: their smallest and largest values must not outlive the files in the log,
    /// so only columns of Naru's own, whose names begin with '_', get them.
    /// </summary>
    public bool KeepsStatisticValues { get; init; } = true;

    /// <summary>Where else than in its folder files of the table may be.</summary>
    public LakeVolumes Volumes { get; init; } = LakeVolumes.None;

    /// <summary>The table's folder on each of them, such as `kr_shop/order/fields`.</summary>
    public string VolumeFolder { get; init; } = "";
}
