using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Naru.Core.Hashing;

/// <summary>
/// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF"; the 128-bit form of
/// their reference code). A value: copying it forks the hash, so that a prefix is absorbed once and finished often.
/// Ids of events are made with it: its output is persisted and never changes.
/// </summary>
public struct SipHash128
{
    private ulong _v0;
    private ulong _v1;
    private ulong _v2;
    private ulong _v3;
    private ulong _lengthBytes;

    public SipHash128(ulong key0, ulong key1)
    {
        _v0 = key0 ^ 0x736f6d6570736575;
        _v1 = key1 ^ 0x646f72616e646f6d ^ 0xee;
        _v2 = key0 ^ 0x6c7967656e657261;
        _v3 = key1 ^ 0x7465646279746573;
        _lengthBytes = 0;
    }

    /// <summary>Adds eight bytes, little endian.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Absorb(ulong block)
    {
        _lengthBytes += 8;
        Mix(block);
    }

    /// <summary>
    /// Adds the bytes, then zeros up to a multiple of eight. The caller makes the length part of the input.
    /// </summary>
    public void AbsorbPadded(ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            Absorb(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        if (bytes.Length > 0)
        {
            Absorb(Tail(bytes));
        }
    }

    /// <summary>Adds the last bytes and returns the 16 bytes of the hash as two little-endian words.</summary>
    public readonly (ulong First, ulong Second) Finish(ReadOnlySpan<byte> last)
    {
        Invariant.Hold(_lengthBytes % 8 == 0);
        SipHash128 state = this;
        return state.FinishInPlace(last);
    }

    private (ulong First, ulong Second) FinishInPlace(ReadOnlySpan<byte> last)
    {
        for (; last.Length >= 8; last = last[8..])
        {
            Absorb(BinaryPrimitives.ReadUInt64LittleEndian(last));
        }

        _lengthBytes += (ulong)last.Length;
        Mix((_lengthBytes << 56) | Tail(last));
        _v2 ^= 0xee;
        Rounds4();
        ulong first = _v0 ^ _v1 ^ _v2 ^ _v3;
        _v1 ^= 0xdd;
        Rounds4();
        return (first, _v0 ^ _v1 ^ _v2 ^ _v3);
    }

    private static ulong Tail(ReadOnlySpan<byte> bytes)
    {
        ulong word = 0;
        for (int i = bytes.Length - 1; i >= 0; i--)
        {
            word = (word << 8) | bytes[i];
        }

        return word;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Mix(ulong block)
    {
        _v3 ^= block;
        Round();
        Round();
        _v0 ^= block;
    }

    private void Rounds4()
    {
        Round();
        Round();
        Round();
        Round();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Round()
    {
        ulong v0 = _v0, v1 = _v1, v2 = _v2, v3 = _v3;
        v0 += v1;
        v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
        v0 = BitOperations.RotateLeft(v0, 32);
        v2 += v3;
        v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
        v0 += v3;
        v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
        v2 += v1;
        v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
        v2 = BitOperations.RotateLeft(v2, 32);
        (_v0, _v1, _v2, _v3) = (v0, v1, v2, v3);
    }
}
