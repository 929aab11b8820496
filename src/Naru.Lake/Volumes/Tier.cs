namespace Naru.Lake.Volumes;

/// <summary>How near data is kept: from the fast disk to the cheap one.</summary>
public enum Tier : byte
{
    /// <summary>The lake's own folder.</summary>
    Hot = 0,

    Warm = 1,

    Cold = 2,
}
