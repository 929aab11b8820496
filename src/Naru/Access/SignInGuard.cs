using System.Net;

namespace Naru.Access;

/// <summary>
/// Slows down whoever tries passwords out: after some failures each further try has to wait twice as long as the one
/// before, counted for the pair of name and address, for the address, and, far more patiently, for the name, so that
/// nobody is locked out by strangers at once. Nothing is remembered of who has been quiet for a quarter of an hour.
/// </summary>
internal sealed class SignInGuard(TimeProvider time)
{
    private const int PairFree = 5;
    private const int AddressFree = 30;
    private const int NameFree = 100;
    private const int EntriesMax = 20_000;
    private static readonly TimeSpan WaitMax = TimeSpan.FromMinutes(15);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Failures> _failures = new(StringComparer.Ordinal);

    /// <summary>How long this one has to wait before the next try; zero when it may try now.</summary>
    public TimeSpan WaitOf(string name, IPAddress? address)
    {
        DateTimeOffset now = time.GetUtcNow();
        TimeSpan longest = TimeSpan.Zero;
        lock (_gate)
        {
            foreach ((string key, _) in Keys(name, address))
            {
                if (_failures.TryGetValue(key, out Failures known) && known.NextAt - now > longest)
                {
                    longest = known.NextAt - now;
                }
            }
        }

        return longest;
    }

    public void Failed(string name, IPAddress? address)
    {
        DateTimeOffset now = time.GetUtcNow();
        lock (_gate)
        {
            if (_failures.Count >= EntriesMax)
            {
                Forget(now);
            }

            foreach ((string key, int free) in Keys(name, address))
            {
                int count = _failures.TryGetValue(key, out Failures known) && now - known.LastAt < WaitMax
                    ? known.Count + 1 : 1;
                _failures[key] = new Failures(count, now, now + Wait(count - free));
            }
        }
    }

    /// <summary>The pair has proved itself; the address and the name have not.</summary>
    public void Succeeded(string name, IPAddress? address)
    {
        lock (_gate)
        {
            _failures.Remove(Keys(name, address)[0].Key);
        }
    }

    private static (string Key, int Free)[] Keys(string name, IPAddress? address) =>
    [
        ($"{address} {name}", PairFree),
        ($"{address}", AddressFree),
        ($" {name}", NameFree),
    ];

    private static TimeSpan Wait(int beyond)
    {
        if (beyond < 0)
        {
            return TimeSpan.Zero;
        }

        TimeSpan wait = TimeSpan.FromSeconds(Math.Pow(2, Math.Min(beyond, 16)));
        return wait < WaitMax ? wait : WaitMax;
    }

    /// <summary>Those that are over first; if that is not enough, everything: a bound is a bound.</summary>
    private void Forget(DateTimeOffset now)
    {
        foreach (string key in _failures.Where(pair => now - pair.Value.LastAt >= WaitMax)
            .Select(static pair => pair.Key).ToArray())
        {
            _failures.Remove(key);
        }

        if (_failures.Count >= EntriesMax)
        {
            _failures.Clear();
        }
    }

    private readonly record struct Failures(int Count, DateTimeOffset LastAt, DateTimeOffset NextAt);
}
