using Naru.Core.Hashing;

namespace Naru.Core.Events;

/// <summary>
/// Makes the ids of one sender's events in one log. The hash of an id is SipHash-2-4-128 with the key
/// "naru/event-id/1\0" over little-endian words:
/// <code>
/// u32 sender length, u32 log length
/// sender, zero-padded to 8
/// log, zero-padded to 8
/// u64 kind of position
/// position
///   kind 1: the client's own id, UTF-8, unescaped
///   kind 2: u64 key high, u64 key low, u64 index in what the client sent
///   kind 3: u64 key high, u64 key low, u64 line of a file, the line's bytes without white space around them
/// </code>
/// An id is 48 bits of created milliseconds (0 when unknown; clamped to what 48 bits hold), then the low 16 bits of the
/// hash's second word, then its first word. Ids are persisted: nothing of this ever changes.
/// </summary>
public readonly struct EventIdentity
{
    private const ulong KeyFirst = 0x6576_652f_7572_616e;
    private const ulong KeySecond = 0x0031_2f64_692d_746e;
    private const ulong ClientIdKind = 1;
    private const ulong IndexKind = 2;
    private const ulong LineKind = 3;
    private const long CreatedMax = (1L << 48) - 1;

    private readonly SipHash128 _prefix;

    private EventIdentity(SipHash128 prefix) => _prefix = prefix;

    /// <param name="sender">As the batch carries it.</param>
    /// <param name="log">The log's full name, e.g. kr_shop.ad_click.</param>
    public static EventIdentity Of(ReadOnlySpan<byte> sender, ReadOnlySpan<byte> log)
    {
        Invariant.Hold(!log.IsEmpty);
        SipHash128 prefix = new(KeyFirst, KeySecond);
        prefix.Absorb((uint)sender.Length | ((ulong)log.Length << 32));
        prefix.AbsorbPadded(sender);
        prefix.AbsorbPadded(log);
        return new EventIdentity(prefix);
    }

    /// <param name="createdMilliseconds">The client's own time as it gave it, 0 when it gave none.</param>
    /// <param name="clientId">Not empty.</param>
    public EventId ByClientId(long createdMilliseconds, ReadOnlySpan<byte> clientId)
    {
        Invariant.Hold(!clientId.IsEmpty);
        SipHash128 hash = _prefix;
        hash.Absorb(ClientIdKind);
        return Assemble(createdMilliseconds, hash.Finish(clientId));
    }

    public EventId ByIndex(long createdMilliseconds, ulong keyHigh, ulong keyLow, int index) =>
        Assemble(createdMilliseconds, Position(IndexKind, keyHigh, keyLow, index).Finish([]));

    /// <summary>The line's bytes are part of its position, so that an edited line is another event.</summary>
    public EventId ByLine(long createdMilliseconds, ulong keyHigh, ulong keyLow, int line, ReadOnlySpan<byte> record) =>
        Assemble(createdMilliseconds, Position(LineKind, keyHigh, keyLow, line).Finish(Trim(record)));

    /// <summary>Without the white space that JSON allows around a value.</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> record) => record.Trim(" \t\r\n"u8);

    private SipHash128 Position(ulong kind, ulong keyHigh, ulong keyLow, int index)
    {
        Invariant.Hold(index >= 0);
        SipHash128 hash = _prefix;
        hash.Absorb(kind);
        hash.Absorb(keyHigh);
        hash.Absorb(keyLow);
        hash.Absorb((ulong)index);
        return hash;
    }

    private static EventId Assemble(long createdMilliseconds, (ulong First, ulong Second) hash)
    {
        ulong created = (ulong)Math.Clamp(createdMilliseconds, 0, CreatedMax);
        Invariant.Hold(created <= CreatedMax);
        return new EventId((created << 16) | (hash.Second & 0xffff), hash.First);
    }
}
