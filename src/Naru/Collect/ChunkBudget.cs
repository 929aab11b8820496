using Naru.Core.Topics;

namespace Naru.Collect;

/// <summary>
/// Counts the bytes that bodies in flight hold in memory, so that many slow senders cannot use it all.
/// </summary>
internal sealed class ChunkBudget(long bytesMax)
{
    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>
    /// Throws <see cref="TopicUnavailableException"/> when the bodies in flight use the whole budget.
    /// </summary>
    public void Reserve(int bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) > bytesMax)
        {
            Interlocked.Add(ref _bytes, -bytes);
            throw new TopicUnavailableException("the bodies in flight use all of the memory set aside for them", 1);
        }
    }

    public void Release(int bytes) => Interlocked.Add(ref _bytes, -bytes);
}
