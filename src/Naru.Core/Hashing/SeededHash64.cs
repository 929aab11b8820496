using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Naru.Core.Hashing;

/// <summary>
/// A fast hash for tables in memory, keyed by a secret of the process, so that nobody can send keys that collide.
/// Folded 64x64-bit multiplications, as in wyhash (github.com/wangyi-fudan/wyhash). Never persisted.
/// </summary>
public static class SeededHash64
{
    private const ulong Odd = 0x9E37_79B9_7F4A_7C15;

    private static readonly ulong Seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;
    private static readonly ulong Secret = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;

    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        ref byte start = ref MemoryMarshal.GetReference(bytes);
        int length = bytes.Length;
        ulong hash = Seed ^ ((ulong)length * Odd);
        ulong a;
        ulong b;
        if (length <= 16)
        {
            if (length >= 8)
            {
                a = Read8(ref start, 0);
                b = Read8(ref start, length - 8);
            }
            else if (length >= 4)
            {
                a = Read4(ref start, 0);
                b = Read4(ref start, length - 4);
            }
            else
            {
                a = length > 0 ? ((ulong)start << 16) | ((ulong)Unsafe.Add(ref start, length >> 1) << 8)
                    | Unsafe.Add(ref start, length - 1) : 0;
                b = 0;
            }
        }
        else
        {
            int at = 0;
            for (; length - at > 16; at += 16)
            {
                hash = Fold(Read8(ref start, at) ^ Secret, Read8(ref start, at + 8) ^ hash);
            }

            a = Read8(ref start, length - 16);
            b = Read8(ref start, length - 8);
        }

        return Fold(Secret ^ (ulong)length, Fold(a ^ Secret, b ^ hash));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Read8(ref byte start, int at) =>
        Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Read4(ref byte start, int at) =>
        Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref start, at));
}
