using Naru.Configuration;
using Naru.Connections;
using Naru.Models;

namespace Naru.Exports;

/// <summary>A table of a database server.</summary>
internal abstract record SqlTargetDefinition : TargetDefinition
{
    /// <summary>A folder is that of a socket of this machine.</summary>
    public required string Host { get; init; }

    public required int Port { get; init; }

    public required string Database { get; init; }

    public required string User { get; init; }

    /// <summary>A reference.</summary>
    public string Password { get; init; } = "";

    public ConnectionTls Tls { get; init; }

    /// <summary>A PEM file of the authorities that are trusted; empty for the system's.</summary>
    public string TlsAuthorities { get; init; } = "";

    public required string Table { get; init; }

    public bool IsLocal => Host.StartsWith('/');

    /// <summary>What the reference names; null where there is none.</summary>
    public string? ReadPassword(TargetTools tools)
    {
        if (Password.Length == 0)
        {
            return null;
        }

        return SecretReference.Read(Password, tools.Files, tools.Root, out string problem)
            ?? throw new FillException($"the password of the target is not known: {problem}");
    }

    /// <summary>Where the file of <see cref="TlsAuthorities"/> is; null where the system's are trusted.</summary>
    public string? AuthoritiesFile(TargetTools tools) =>
        TlsAuthorities.Length > 0 ? Path.Combine(tools.Root, TlsAuthorities) : null;
}
