using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Naru.Stream.Dedup;

/// <summary>
/// A split block Bloom filter (as in Apache Parquet's specification): blocks of eight 32-bit words, one bit of each
/// word an id. 122 blocks for at most 3,060 ids are 10.2 bits an id and 1.2% of false answers. Ids are hashes already:
/// their low word is taken as it is.
/// </summary>
internal static class DedupFilter
{
    public const int Bytes = Blocks * BlockBytes;
    private const int Blocks = 122;
    private const int BlockBytes = 32;

    private static Vector256<uint> Salts => Vector256.Create(
        0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU, 0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U);

    public static void Add(Span<byte> filter, EventId id)
    {
        ref byte block = ref Block(ref MemoryMarshal.GetReference(filter), id.Low);
        (Vector256.LoadUnsafe(ref block) | Mask(id.Low).AsByte()).StoreUnsafe(ref block);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MayHold(ReadOnlySpan<byte> filter, EventId id)
    {
        ref byte block = ref Block(ref MemoryMarshal.GetReference(filter), id.Low);
        Vector256<byte> mask = Mask(id.Low).AsByte();
        return (Vector256.LoadUnsafe(ref block) & mask) == mask;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref byte Block(ref byte filter, ulong hash) =>
        ref Unsafe.Add(ref filter, (int)(((hash >> 32) * Blocks) >> 32) * BlockBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Mask(ulong hash)
    {
        Vector256<uint> shifts = (Vector256.Create((uint)hash) * Salts) >>> 27;
        return System.Runtime.Intrinsics.X86.Avx2.IsSupported
            ? System.Runtime.Intrinsics.X86.Avx2.ShiftLeftLogicalVariable(Vector256<uint>.One, shifts)
            : MaskOf(shifts);
    }

    private static Vector256<uint> MaskOf(Vector256<uint> shifts)
    {
        Vector256<uint> mask = default;
        for (int i = 0; i < Vector256<uint>.Count; i++)
        {
            mask = mask.WithElement(i, 1U << (int)shifts[i]);
        }

        return mask;
    }
}
