using System.Globalization;
using System.Text.RegularExpressions;
using Naru.Configuration;
using Naru.Core.Text;
using Naru.Yaml;

namespace Naru.Connections;

/// <summary>
/// Reads the keys by which something outside is reached: a source, a shard of it, the target of an export. A key that
/// their kind does not have reads as one that is not written.
/// </summary>
/// <param name="reader">Where the keys are.</param>
/// <param name="shared">Where those are that it does not say: what a shard does not say is its source's.</param>
internal sealed partial class ConnectionReader(YamlReader reader, YamlReader? shared = null)
{
    /// <summary>The mapping itself.</summary>
    public YamlReader Yaml => reader;

    /// <summary>Who has a key to say.</summary>
    public YamlReader Of(string key) => shared is null || reader.Find(key) is not null ? reader : shared;

    /// <summary>Empty where it is not written.</summary>
    public string Text(string key) => Of(key) is var of && of.Knows(key) ? of.Text(key) ?? "" : "";

    /// <summary>Empty where it is not written, which is a mistake.</summary>
    public string RequiredText(string key, string hint) => Of(key).RequiredText(key, hint) ?? "";

    public string Host()
    {
        string host = RequiredText("host", "write the server's name or address");
        if (host.Length > 0 && !Hosts().IsMatch(host))
        {
            Mistake("host", $"'host' is '{host}', which is no name or address", "write one host, without port");
        }

        return host;
    }

    public int Port(int otherwise) => (int)Number("port", 1, ushort.MaxValue, otherwise);

    public ConnectionTls Tls() => Of("tls").Word("tls", "verify", "require", "off") switch
    {
        "require" => ConnectionTls.Require,
        "off" => ConnectionTls.Off,
        _ => ConnectionTls.Verify,
    };

    /// <summary>A reference; empty for none. Never repeats what is there: it may be the secret itself.</summary>
    public string Secret(string key)
    {
        YamlReader of = Of(key);
        YamlScalar? secret = of.Scalar(key, "env:NAME or file:PATH");
        if (secret is not null && SecretReference.Fault(secret.Text) is { } fault)
        {
            of.Mistake(
                secret,
                $"'{key}' of {of.What}: {fault}",
                $"keep the {key} itself out of files: write env:NAME or file:PATH");
            return "";
        }

        return secret?.Text ?? "";
    }

    public long Number(string key, long least, long most, long otherwise)
    {
        YamlReader of = Of(key);
        YamlScalar? scalar = of.Knows(key) ? of.Scalar(key, "a whole number") : null;
        if (scalar is null)
        {
            return otherwise;
        }

        if (long.TryParse(scalar.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            && number >= least && number <= most)
        {
            return number;
        }

        of.Mistake(scalar, $"'{key}' is '{scalar.Text}'", $"write a whole number from {least} to {most}");
        return otherwise;
    }

    /// <summary>From a second on; null where it is not written.</summary>
    public TimeSpan? Duration(string key, TimeSpan most)
    {
        YamlReader of = Of(key);
        TimeSpan? duration = of.Knows(key) ? of.Duration(key, unlimited: false).Value : null;
        if (duration is { } known && (known < TimeSpan.FromSeconds(1) || known > most))
        {
            Mistake(
                key,
                $"'{key}' is {DurationText.Format(known)}",
                $"write a duration from 1s to {DurationText.Format(most)}");
        }

        return duration;
    }

    /// <summary>IANA name of a time zone; empty where it is not written.</summary>
    public string Zone(string key)
    {
        string zone = Text(key);
        if (zone.Length > 0 && !TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _))
        {
            Mistake(key, $"there is no time zone '{zone}'", "write one such as Asia/Seoul or UTC");
            return "";
        }

        return zone;
    }

    /// <summary>Of a key that is written.</summary>
    public void Mistake(string key, string message, string hint) =>
        Of(key).Mistake(Of(key).Find(key)!, message, hint);

    /// <summary>One host and nothing that a driver could take for more: no comma, no `=`, no `;`.</summary>
    [GeneratedRegex(@"^(/[A-Za-z0-9_./-]*|[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]+)$")]
    private static partial Regex Hosts();
}
