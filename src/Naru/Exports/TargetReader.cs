using System.Globalization;
using System.Text.RegularExpressions;
using Naru.Configuration;
using Naru.Core.Text;
using Naru.Yaml;

namespace Naru.Exports;

/// <summary>How a connection is protected on its way.</summary>
internal enum TargetTls
{
    /// <summary>TLS, and the server's certificate and name are checked.</summary>
    Verify,

    /// <summary>TLS, whoever answers.</summary>
    Require,

    /// <summary>None.</summary>
    Off,
}

/// <summary>Reads the mapping of one target: the keys that several kinds have in common.</summary>
internal sealed partial class TargetReader(YamlReader reader)
{
    public YamlReader Yaml => reader;

    public string Host()
    {
        string host = reader.RequiredText("host", "write the server's name or address") ?? "";
        if (host.Length > 0 && !Hosts().IsMatch(host))
        {
            reader.Mistake(
                reader.Find("host")!,
                $"'host' is '{host}', which is no name or address", "write one host, without port");
        }

        return host;
    }

    public int Port(int otherwise) => (int)Number("port", 1, ushort.MaxValue, otherwise);

    public TargetTls Tls() => reader.Word("tls", "verify", "require", "off") switch
    {
        "require" => TargetTls.Require,
        "off" => TargetTls.Off,
        _ => TargetTls.Verify,
    };

    /// <summary>A reference; empty for none. Never repeats what is there: it may be the secret itself.</summary>
    public string Secret(string key)
    {
        YamlScalar? secret = reader.Scalar(key, "env:NAME or file:PATH");
        if (secret is not null && SecretReference.Fault(secret.Text) is { } fault)
        {
            reader.Mistake(
                secret,
                $"'{key}' of the target: {fault}",
                "keep the secret itself out of files: write env:NAME or file:PATH");
            return "";
        }

        return secret?.Text ?? "";
    }

    public long Number(string key, long least, long most, long otherwise)
    {
        YamlScalar? scalar = reader.Scalar(key, "a whole number");
        if (scalar is null)
        {
            return otherwise;
        }

        if (long.TryParse(scalar.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            && number >= least && number <= most)
        {
            return number;
        }

        reader.Mistake(scalar, $"'{key}' is '{scalar.Text}'", $"write a whole number from {least} to {most}");
        return otherwise;
    }

    public TimeSpan? Duration(string key, TimeSpan most)
    {
        TimeSpan? duration = reader.Duration(key, unlimited: false).Value;
        if (duration > most)
        {
            reader.Mistake(
                reader.Find(key)!,
                $"'{key}' is longer than {DurationText.Format(most)}",
                "write a shorter one");
        }

        return duration;
    }

    /// <summary>One host and nothing that a driver could take for more: no comma, no `=`, no `;`.</summary>
    [GeneratedRegex(@"^(/[A-Za-z0-9_./-]*|[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]+)$")]
    private static partial Regex Hosts();
}
