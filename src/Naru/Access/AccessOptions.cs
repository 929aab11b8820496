using System.Collections.Immutable;
using System.Net;
using Naru.Core;

namespace Naru.Access;

[SettingSection("access", "Who may what: roles, users, sign-in and the audit trail.")]
internal sealed record AccessOptions : ICheckedOptions
{
    [Setting("how often changed files of access/ are looked for; a change counts once it is a look old",
        Min = "100ms", Max = "1h")]
    public TimeSpan ReloadInterval { get; init; } = TimeSpan.FromSeconds(1);

    [Setting("how long a sign-in lasts at most", Min = "1m", Max = "90d")]
    public TimeSpan SessionLifetime { get; init; } = TimeSpan.FromHours(12);

    [Setting("how long a sign-in lasts without a request", Min = "1m", Max = "90d")]
    public TimeSpan SessionIdle { get; init; } = TimeSpan.FromHours(2);

    [Setting("header in which a reverse proxy names the user that it has signed in; empty is none")]
    public string ProxyHeader { get; init; } = "";

    [Setting("addresses of the proxies whose header is believed, as 10.0.0.5 or 10.1.0.0/16")]
    public ImmutableArray<string> ProxyAddresses { get; init; } = [];

    [Setting("how long queries, denials and sign-ins stay in the audit trail; changes of rights stay for ever",
        Min = "1d")]
    public TimeSpan AuditLifetime { get; init; } = TimeSpan.FromDays(400);

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        if (ProxyHeader.Length > 0 && ProxyAddresses.IsEmpty)
        {
            yield return (
                nameof(ProxyAddresses),
                "a proxy's header is believed from no address",
                "name the proxy's address: anybody else could send the header");
        }

        foreach (string address in ProxyAddresses.Where(static text => !IPNetwork.TryParse(WithLength(text), out _)))
        {
            yield return (
                nameof(ProxyAddresses), $"'{address}' is no address", "write 10.0.0.5 or 10.1.0.0/16");
        }
    }

    /// <summary>Whether the header is believed from there.</summary>
    public bool Trusts(IPAddress? remote)
    {
        if (remote is null || ProxyHeader.Length == 0)
        {
            return false;
        }

        IPAddress plain = remote.IsIPv4MappedToIPv6 ? remote.MapToIPv4() : remote;
        return ProxyAddresses.Any(text => IPNetwork.TryParse(WithLength(text), out IPNetwork network)
            && network.Contains(plain));
    }

    private static string WithLength(string text) => text.Contains('/', StringComparison.Ordinal) ? text
        : text.Contains(':', StringComparison.Ordinal) ? text + "/128"
        : text + "/32";
}
