using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>An open file that closes when its writer and all who read from it have let go.</summary>
internal sealed class SharedFile(IFile file)
{
    private int _holders = 1;

    public IFile File { get; } = file;

    /// <summary>
    /// Called only by one who knows that a holder is left (under the lock that guards the reference).
    /// </summary>
    public SharedFile Hold()
    {
        int holders = Interlocked.Increment(ref _holders);
        Invariant.Hold(holders > 1);
        return this;
    }

    public void Release()
    {
        int holders = Interlocked.Decrement(ref _holders);
        Invariant.Hold(holders >= 0);
        if (holders == 0)
        {
            File.Dispose();
        }
    }
}
