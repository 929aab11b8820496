using System.Buffers;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Arrays over group numbers, from a pool: a table lives for one landing or a few windows, and fresh memory would cost
/// as much as the counting.
/// </summary>
internal static class GroupArray
{
    /// <summary>Makes room for at least so many; what is new is zero.</summary>
    public static void Grow<T>(ref T[] array, int capacity)
        where T : unmanaged
    {
        T[] larger = ArrayPool<T>.Shared.Rent(capacity);
        array.CopyTo(larger, 0);
        larger.AsSpan(array.Length).Clear();
        Free(ref array);
        array = larger;
    }

    /// <summary>Gives an array back; its owner has none then.</summary>
    public static void Free<T>(ref T[] array)
        where T : unmanaged
    {
        if (array.Length > 0)
        {
            ArrayPool<T>.Shared.Return(array);
        }

        array = [];
    }
}
