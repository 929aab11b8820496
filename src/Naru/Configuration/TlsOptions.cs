using System.Net;
using Naru.Core;

namespace Naru.Configuration;

/// <summary>TLS beside plain HTTP: for other machines, and for clients that send passwords over nothing else.</summary>
[SettingSection("tls", "HTTPS, on an address of its own beside `listen`, which commands of this machine go on using.")]
internal sealed record TlsOptions : ICheckedOptions
{
    [Setting("address and port to serve HTTPS on, such as *:8443; empty serves none")]
    public string Listen { get; init; } = "";

    [Setting("PEM file of the certificate and those that it was signed with; from the project's folder; "
        + "read again when it is renewed")]
    public string Certificate { get; init; } = "";

    [Setting("PEM file of the certificate's private key, without a password")]
    public string Key { get; init; } = "";

    /// <summary>Null when HTTPS is not served.</summary>
    public IPEndPoint? FindListen() =>
        Listen.Length > 0 && ProjectOptions.TryParseListen(Listen, out IPEndPoint? address) ? address : null;

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        if (Listen.Length > 0 && FindListen() is null)
        {
            yield return (nameof(Listen), $"'{Listen}' is no address and port", "write it as *:8443");
        }

        if (Listen.Length > 0 && Certificate.Length == 0)
        {
            yield return (nameof(Certificate), "HTTPS needs a certificate", "name its PEM file in tls.certificate");
        }

        if (Listen.Length > 0 && Key.Length == 0)
        {
            yield return (nameof(Key), "HTTPS needs its certificate's key", "name its PEM file in tls.key");
        }

        if (Listen.Length == 0 && (Certificate.Length > 0 || Key.Length > 0))
        {
            yield return (nameof(Listen), "a certificate is named, and no address for HTTPS", "write it as *:8443");
        }
    }
}
