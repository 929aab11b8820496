using System.Buffers;
using System.Net;

namespace Naru.MySql;

/// <summary>How the way to a server is protected.</summary>
internal enum MySqlTls
{
    /// <summary>`VerifyFull`, except on this machine itself: there `Off`.</summary>
    Default,

    /// <summary>TLS, the certificate signed by a known authority and issued to the host's name.</summary>
    VerifyFull,

    /// <summary>TLS to whoever answers: against who listens, not against who speaks in the server's place.</summary>
    Encrypt,

    Off,
}

/// <summary>
/// A server and who asks it, in fields of their own: nothing here is ever joined into a connection string, and no
/// option file of the machine is read.
/// </summary>
internal sealed record MySqlAddress
{
    /// <summary>A name or an IP address; unused with a socket.</summary>
    public string Host { get; init; } = "localhost";

    public int Port { get; init; } = 3306;

    /// <summary>Path of the server's Unix socket, instead of host and port.</summary>
    public string? Socket { get; init; }

    /// <summary>Where unqualified names are looked up; none is needed.</summary>
    public string? Database { get; init; }

    public required string User { get; init; }

    public string? Password { get; init; }

    public MySqlTls Tls { get; init; }

    /// <summary>PEM file of the authorities that are believed; the system's without it.</summary>
    public string? AuthoritiesFile { get; init; }

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the server may be silent within an answer, or not take what is sent.</summary>
    public TimeSpan SilenceMax { get; init; } = TimeSpan.FromMinutes(10);

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:");

    /// <summary>The protection that is used.</summary>
    public MySqlTls EffectiveTls => Tls != MySqlTls.Default ? Tls : IsLocal ? MySqlTls.Off : MySqlTls.VerifyFull;

    /// <summary>For people: never holds the password.</summary>
    public string Shown => Socket ?? (Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}");

    private bool IsLocal =>
        Socket is not null
        || Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(Host, out IPAddress? address) && IPAddress.IsLoopback(address));

    /// <summary>
    /// What is wrong with the fields, or null. The client library reads a host with `=` as a connection string, one
    /// with a comma as a list and one with `://` as the name of a plugin; all of them stop at a NUL.
    /// </summary>
    public string? Fault()
    {
        if (Socket is null && (Host.Length == 0 || Host.AsSpan().ContainsAnyExcept(NameCharacters)))
        {
            return $"\"{Host}\" is no host; write a name or an IP address, and the port beside it as port";
        }

        if (Socket is not null && !Socket.StartsWith('/'))
        {
            return $"\"{Socket}\" is no socket; write the whole path of the server's socket, such as "
                + "/run/mysqld/mysqld.sock";
        }

        if (Port is < 1 or > 65_535)
        {
            return $"{Port} is no port; write 1 to 65535";
        }

        foreach ((string name, string? value) in Fields())
        {
            if (value?.Contains('\0', StringComparison.Ordinal) == true)
            {
                return $"{name} holds a NUL character; remove it";
            }
        }

        return null;
    }

    /// <summary>Without the password.</summary>
    public override string ToString() => $"{User}@{Shown}/{Database}";

    private (string Name, string? Value)[] Fields() =>
    [
        ("the socket", Socket), ("the database", Database), ("the user", User), ("the password", Password),
        ("the file of authorities", AuthoritiesFile),
    ];
}
