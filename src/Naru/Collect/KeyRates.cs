using System.Collections.Concurrent;

namespace Naru.Collect;

/// <summary>
/// What each write key may still send. A body is charged when its size is known; a key in debt waits until its rate has
/// paid it off, so a body is never cut for it. Two seconds of the rate may be saved up.
/// </summary>
internal sealed class KeyRates(long bytesPerSecond, TimeProvider time)
{
    private const int SavedSeconds = 2;

    private readonly ConcurrentDictionary<string, Account> _accounts = new(StringComparer.Ordinal);

    /// <summary>Seconds until the key may send again, 0 when it may now.</summary>
    public int WaitSeconds(string key)
    {
        Account account = Of(key);
        lock (account)
        {
            Refill(account);
            return account.Bytes >= 0 ? 0 : (int)Math.Clamp(Math.Ceiling(-account.Bytes / bytesPerSecond), 1, 3600);
        }
    }

    public void Charge(string key, long bytes)
    {
        Account account = Of(key);
        lock (account)
        {
            Refill(account);
            account.Bytes -= bytes;
        }
    }

    private Account Of(string key) => _accounts.GetOrAdd(
        key,
        static (_, rates) => new Account
        {
            Bytes = rates.BytesPerSecond * SavedSeconds, At = rates.Time.GetTimestamp(),
        },
        (BytesPerSecond: (double)bytesPerSecond, Time: time));

    private void Refill(Account account)
    {
        long now = time.GetTimestamp();
        double earned = time.GetElapsedTime(account.At, now).TotalSeconds * bytesPerSecond;
        account.Bytes = Math.Min(bytesPerSecond * SavedSeconds, account.Bytes + earned);
        account.At = now;
    }

    private sealed class Account
    {
        public double Bytes { get; set; }

        public long At { get; set; }
    }
}
