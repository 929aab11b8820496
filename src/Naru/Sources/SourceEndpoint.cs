using Naru.Connections;
using Naru.Core.Events;

namespace Naru.Sources;

/// <summary>
/// Where and as whom one database is read. Kinds build their connections from these fields through typed settings and
/// never from a text, so that no field can smuggle in another setting.
/// </summary>
internal sealed record SourceEndpoint
{
    /// <summary>A name, an address, or the folder of a Unix socket (begins with '/').</summary>
    public required string Host { get; init; }

    public required int Port { get; init; }

    public required string Database { get; init; }

    public required string User { get; init; }

    public SourceSecret Password { get; init; } = SourceSecret.None;

    public ConnectionTls Tls { get; init; }

    /// <summary>A PEM file of the authorities that are trusted; empty for the system's.</summary>
    public string TlsAuthorities { get; init; } = "";

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Of one statement, reading a part of a table included; the server ends it.</summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Whose clock times without a zone are.</summary>
    public required ProjectZone Zone { get; init; }

    /// <summary>For messages: `shop-db:5432/shop`.</summary>
    public override string ToString() => Host.StartsWith('/') ? $"{Host} {Database}".TrimEnd()
        : Database.Length == 0 ? $"{Host}:{Port}" : $"{Host}:{Port}/{Database}";
}

/// <summary>A secret that shows itself to nobody who did not ask for it by name.</summary>
internal sealed class SourceSecret(string value)
{
    public static readonly SourceSecret None = new("");

    public bool IsNone => value.Length == 0;

    public string Reveal() => value;

    public override string ToString() => IsNone ? "" : "(secret)";
}
