using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Naru.Access;

/// <summary>By what a request shows who asks.</summary>
internal enum SignInMeans
{
    None,
    Header,
    Cookie,
    Proxy,
}

/// <summary>Who asks, found once a request.</summary>
internal sealed record RequestIdentity(Principal? Principal, SignInMeans Means)
{
    /// <summary>Too many tries: when to try again.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>End of the session, with a cookie.</summary>
    public DateTimeOffset? SessionUntil { get; init; }
}

/// <summary>What <see cref="Authenticator"/> looks at.</summary>
internal sealed record AccessStores(KeyStore Keys, UserStore Users, SessionStore Sessions, IAccessSource Access);

/// <summary>
/// Keys, users with passwords, sessions and a proxy's header. A password that was right is remembered for a while, as a
/// keyed hash of the header, so that its costly check is not made for each request.
/// </summary>
internal sealed class Authenticator(
    AccessStores stores, SignInGuard guard, IActivity activity, AccessOptions options, TimeProvider time)
    : IAuthenticator, IDisposable
{
    public const string Cookie = "naru_session";
    private const int ChecksAtOnce = 2;
    private const int ChecksWaitingMax = 16;
    private const int RememberedMax = 4096;
    private static readonly TimeSpan RememberedFor = TimeSpan.FromMinutes(5);

    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<string, Remembered> _remembered = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, MadePrincipal> _principals = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _checks = new(ChecksAtOnce);
    private int _waiting;

    public AccessStores Stores => stores;

    public void Dispose() => _checks.Dispose();

    /// <summary>
    /// As <see cref="IdentifyAsync"/> for keys, and for passwords that it has found right before: no password is
    /// checked here.
    /// </summary>
    public Principal? Authenticate(string? authorization, IPAddress? remote)
    {
        if (authorization is not null && BasicText.TryRead(authorization, out string name, out string password)
            && !KeyText.IsKey(password))
        {
            return RememberedUser(authorization, name);
        }

        return stores.Keys.Authenticate(authorization, remote);
    }

    public async ValueTask<RequestIdentity> IdentifyAsync(HttpContext http)
    {
        string? authorization = http.Request.Headers.Authorization;
        IPAddress? remote = http.Connection.RemoteIpAddress;
        if (!string.IsNullOrEmpty(authorization))
        {
            if (!BasicText.TryRead(authorization, out string name, out string password) || KeyText.IsKey(password))
            {
                return new RequestIdentity(stores.Keys.Authenticate(authorization, remote), SignInMeans.Header);
            }

            if (RememberedUser(authorization, name) is { } remembered)
            {
                return new RequestIdentity(remembered, SignInMeans.Header);
            }

            RequestIdentity found = await CheckAsync(name, password, remote, http.RequestAborted).ConfigureAwait(false);
            if (found.Principal is not null)
            {
                Remember(authorization, name);
            }

            return found;
        }

        if (http.Request.Cookies.TryGetValue(Cookie, out string? id) && stores.Sessions.Find(id) is { } session
            && UserNamed(session.User) is { } signedIn)
        {
            return new RequestIdentity(signedIn, SignInMeans.Cookie) { SessionUntil = session.Until };
        }

        if (options.Trusts(remote) && http.Request.Headers[options.ProxyHeader] is [{ Length: > 0 } user])
        {
            return new RequestIdentity(UserNamed(user), SignInMeans.Proxy);
        }

        // Behind a proxy every request comes from its address, which may be loopback: it opens nothing by itself.
        return options.Trusts(remote)
            ? new RequestIdentity(null, SignInMeans.None)
            : new RequestIdentity(stores.Keys.Authenticate(null, remote), SignInMeans.None);
    }

    /// <summary>Checks a password; the means is the header's.</summary>
    public async ValueTask<RequestIdentity> CheckAsync(
        string name, string password, IPAddress? remote, CancellationToken cancellationToken)
    {
        TimeSpan wait = guard.WaitOf(name, remote);
        if (wait > TimeSpan.Zero || Interlocked.Increment(ref _waiting) > ChecksWaitingMax)
        {
            if (wait == TimeSpan.Zero)
            {
                Interlocked.Decrement(ref _waiting);
                wait = TimeSpan.FromSeconds(2);
            }

            return new RequestIdentity(null, SignInMeans.Header) { Wait = wait };
        }

        bool right;
        try
        {
            await _checks.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                string stored = stores.Users.Find(name)?.Hash ?? PasswordHash.Nobody;
                right = await Task.Run(
                    () => password.Length <= PasswordHash.LengthMax && PasswordHash.Verify(password, stored),
                    cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                _checks.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        Principal? principal = right ? UserNamed(name) : null;
        if (principal is null)
        {
            guard.Failed(name, remote);
        }
        else
        {
            guard.Succeeded(name, remote);
        }

        await activity.RecordAsync(name, "sign_in", AuditTrail.Detail(
            ("outcome", principal is null ? "refused" : "signed in"),
            ("address", remote?.ToString() ?? ""))).ConfigureAwait(false);
        return new RequestIdentity(principal, SignInMeans.Header);
    }

    /// <summary>A user of `access/` whose time it is; null for any other name.</summary>
    public Principal? UserNamed(string name)
    {
        AccessSet access = stores.Access.Current;
        if (access.Users.GetValueOrDefault(name) is not { } user || !user.IsValidAt(time.GetUtcNow()))
        {
            return null;
        }

        if (_principals.TryGetValue(name, out MadePrincipal? made) && ReferenceEquals(made.Access, access))
        {
            return made.Principal;
        }

        Principal principal = new()
        {
            Name = user.Name,
            Kind = PrincipalKind.User,
            Roles = access.Named(user.Roles),
            Ticket = user.Ticket,
            Until = user.Until,
        };
        _principals[name] = new MadePrincipal(access, principal);
        return principal;
    }

    private Principal? RememberedUser(string authorization, string name) =>
        _remembered.TryGetValue(Keyed(authorization), out Remembered? remembered)
            && time.GetUtcNow() < remembered.Until
            && stores.Users.Find(name)?.Hash == remembered.Hash
                ? UserNamed(name) : null;

    private void Remember(string authorization, string name)
    {
        if (_remembered.Count >= RememberedMax)
        {
            _remembered.Clear();
        }

        if (stores.Users.Find(name) is { } user)
        {
            _remembered[Keyed(authorization)] = new Remembered(user.Hash, time.GetUtcNow() + RememberedFor);
        }
    }

    private string Keyed(string authorization) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes(authorization)));

    /// <param name="Hash">Of the password then: with another one, nothing is remembered.</param>
    /// <param name="Until">When it is to be checked again.</param>
    private sealed record Remembered(string Hash, DateTimeOffset Until);

    private sealed record MadePrincipal(AccessSet Access, Principal Principal);
}
