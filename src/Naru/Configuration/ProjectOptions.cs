using System.Net;
using Naru.Core;
using Naru.Core.Text;

namespace Naru.Configuration;

/// <summary>The keys at the top of naru.yaml.</summary>
[SettingSection("", "The project as a whole.")]
internal sealed record ProjectOptions : ICheckedOptions
{
    public const string DefaultListen = "127.0.0.1:8150";

    [Setting("IANA name of the zone that decides what a day is; fixed once the first log is published")]
    public string Timezone { get; init; } = "UTC";

    [Setting("address and port to serve HTTP on")]
    public string Listen { get; init; } = DefaultListen;

    [Setting("serve plain HTTP on addresses other than loopback; say so when a proxy in front speaks TLS")]
    public bool AllowPlainHttp { get; init; }

    [Setting("take the scheme and host of links from X-Forwarded-Proto and X-Forwarded-Host, which a proxy in front "
        + "must set itself")]
    public bool TrustForwardedHeaders { get; init; }

    /// <summary>Valid once <see cref="Check"/> found nothing.</summary>
    public TimeZoneInfo FindTimeZone() => TimeZoneInfo.FindSystemTimeZoneById(Timezone);

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(Timezone, out _))
        {
            string? nearest = NearestName.Find(
                Timezone, TimeZoneInfo.GetSystemTimeZones().Select(static zone => zone.Id));
            string hint = nearest is null ? "write an IANA name such as Asia/Seoul" : $"did you mean '{nearest}'?";
            yield return (nameof(Timezone), $"there is no time zone '{Timezone}'", hint);
        }

        if (!TryParseListen(Listen, out IPEndPoint? address))
        {
            yield return (nameof(Listen), $"'{Listen}' is no address and port", $"write it as {DefaultListen}");
        }
        else if (Exposure(address) is (string message, string hint))
        {
            yield return (nameof(Listen), message, hint);
        }
    }

    /// <summary>Why an address may not be listened on without TLS; null when it may.</summary>
    public (string Message, string Hint)? Exposure(IPEndPoint address) =>
        IPAddress.IsLoopback(address.Address) || AllowPlainHttp
            ? null
            : ($"'{address}' can be reached from other machines, and 'listen' speaks plain HTTP",
                "serve them by TLS ('tls.listen'), or put a proxy that speaks it in front and set "
                + "'allow_plain_http: true'");

    /// <summary>`127.0.0.1:8150`, `[::1]:8150`, `localhost:8150`, `*:8150` (every address).</summary>
    public static bool TryParseListen(
        string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IPEndPoint? address)
    {
        string plain = text.StartsWith("localhost:", StringComparison.Ordinal) ? "127.0.0.1" + text[9..]
            : text.StartsWith("*:", StringComparison.Ordinal) ? "0.0.0.0" + text[1..]
            : text;
        int colon = plain.LastIndexOf(':');
        address = null;
        return colon > 0
            && ushort.TryParse(plain[(colon + 1)..], System.Globalization.CultureInfo.InvariantCulture, out _)
            && !(plain.Count(static c => c == ':') > 1 && !plain.StartsWith('['))
            && IPEndPoint.TryParse(plain, out address);
    }
}
