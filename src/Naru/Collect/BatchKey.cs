using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Naru.Core.Hashing;

namespace Naru.Collect;

/// <summary>
/// The 128 bits that stand for a batch name in identities: SipHash-2-4-128 of the name in UTF-8, under the key
/// "naru/batch-name/". Persisted in topics and part of ids: never changes.
/// </summary>
internal static class BatchKey
{
    private const ulong KeyFirst = 0x7461_622f_7572_616e;
    private const ulong KeySecond = 0x2f65_6d61_6e2d_6863;
    private const int NameBytesMax = CollectHeaders.TextBytesMax;

    public static (ulong High, ulong Low) Of(string name)
    {
        Span<byte> text = stackalloc byte[NameBytesMax];
        int length = Encoding.UTF8.GetBytes(name, text);
        (ulong first, ulong second) = new SipHash128(KeyFirst, KeySecond).Finish(text[..length]);
        return (first, second);
    }
}

/// <summary>
/// Keys for batches without a name: 64 random bits a process, then a count: unique without asking anyone.
/// </summary>
internal sealed class ServerKeys
{
    private readonly ulong _high = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));
    private ulong _next = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));

    public (ulong High, ulong Low) Next() => (_high, Interlocked.Increment(ref _next));
}
