using System.Text.Json;
using Naru.Core;

namespace Naru.State;

/// <summary>
/// Which of several programs on one store leads. Two records: `lease/NAME` is written when the lead changes, and its
/// revision is the holder's token; `lease/NAME/beat` is written at each renewal.
///
/// No clocks are compared. A holder counts from before its renewal and takes itself for the leader for one length; the
/// others take the lead when they have seen no renewal for one length. So at most one holds it, as long as clocks run
/// alike; and where they do not (a machine that was suspended), <see cref="Fence"/> in a commit refuses what a former
/// holder writes. Not safe for threads: one loop calls it, each third of the length.
/// </summary>
/// <param name="store">Shared by all that may lead.</param>
/// <param name="name">What is led.</param>
/// <param name="owner">This program, for people; unlike all others.</param>
/// <param name="length">How long a lead outlives its holder.</param>
/// <param name="time">Whose ticks are counted.</param>
internal sealed class Lease(IStateStore store, string name, string owner, TimeSpan length, TimeProvider time)
{
    private readonly string _key = $"lease/{name}";
    private readonly string _beatKey = $"lease/{name}/beat";
    private readonly string _body = $"{{\"owner\":\"{JsonEncodedText.Encode(owner)}\"}}";
    private long _token;
    private long? _beat;
    private long _renewedAt;
    private (long Lease, long Beat)? _seen;
    private long _seenAt;

    /// <summary>Whether this one leads, by its own clock. What matters is written with <see cref="Fence"/>.</summary>
    public bool IsHeld => _token != 0 && time.GetElapsedTime(_renewedAt) < length;

    /// <summary>
    /// Put into a commit, it is done only while nobody has taken the lead since. Asked of a holder only.
    /// </summary>
    public StateChange Fence
    {
        get
        {
            Invariant.Hold(_token != 0);
            return StateChange.Check(_key, _token);
        }
    }

    /// <summary>Takes the lead where it is free, or renews it; whether this one leads now.</summary>
    public async ValueTask<bool> TryHoldAsync(CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        StateCommit commit = _token != 0
            ? await RenewAsync(cancellationToken).ConfigureAwait(false)
            : await TryTakeAsync(began, cancellationToken).ConfigureAwait(false);
        if (!commit.Done)
        {
            _token = 0;
            return false;
        }

        _token = _token == 0 ? commit.Revision : _token;
        _beat = commit.Revision;
        _renewedAt = began;
        _seen = null;
        return IsHeld;
    }

    /// <summary>Lets another take the lead at once; nothing where this one does not lead.</summary>
    public async ValueTask ReleaseAsync(CancellationToken cancellationToken)
    {
        if (_token != 0)
        {
            await store.TryCommitAsync([new StateChange(_key, _token, null)], cancellationToken).ConfigureAwait(false);
            _token = 0;
        }
    }

    private async ValueTask<StateCommit> RenewAsync(CancellationToken cancellationToken)
    {
        // After a renewal that failed with an error it may have happened.
        long beat = _beat ?? await RevisionAsync(_beatKey, cancellationToken).ConfigureAwait(false);
        _beat = null;
        return await store.TryCommitAsync([Fence, new StateChange(_beatKey, beat, _body)], cancellationToken)
            .ConfigureAwait(false);
    }

    private async ValueTask<StateCommit> TryTakeAsync(long now, CancellationToken cancellationToken)
    {
        long beat = await RevisionAsync(_beatKey, cancellationToken).ConfigureAwait(false);
        long lease = await RevisionAsync(_key, cancellationToken).ConfigureAwait(false);
        if (lease != 0 && _seen != (lease, beat))
        {
            // After the reads: what they show may be of just now.
            _seen = (lease, beat);
            _seenAt = time.GetTimestamp();
            return default;
        }

        if (lease != 0 && time.GetElapsedTime(_seenAt, now) < length)
        {
            return default;
        }

        return await store
            .TryCommitAsync(
                [new StateChange(_key, lease, _body), new StateChange(_beatKey, beat, _body)], cancellationToken)
            .ConfigureAwait(false);
    }

    private async ValueTask<long> RevisionAsync(string key, CancellationToken cancellationToken) =>
        (await store.ReadAsync(key, cancellationToken).ConfigureAwait(false))?.Revision ?? 0;
}
