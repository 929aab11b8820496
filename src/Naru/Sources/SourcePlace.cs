using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Naru.Configuration;
using Naru.Connections;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.External;
using Naru.Query;

namespace Naru.Sources;

/// <summary>
/// Where the rows of a source are, or of one shard of it, in the keys of its kind. Holds references to secrets, never
/// the secrets. Two places that are equal may share an open point in time.
/// </summary>
internal abstract record SourcePlace
{
    /// <summary>For people: `shop-db:5432/shop`. Never a secret.</summary>
    public abstract string Label { get; }

    /// <summary>Which of a server's databases; empty where there is one only.</summary>
    public string Database { get; init; } = "";

    /// <summary>As whom it is read: a text, or `env:NAME`, `file:PATH`; empty where nobody is named.</summary>
    public string User { get; init; } = "";

    /// <summary>References to what no message may show.</summary>
    public virtual ImmutableArray<string> Secrets => [];
}

/// <summary>A server that is reached by the network.</summary>
internal sealed record ServerPlace : SourcePlace
{
    /// <summary>Keys that a kind of such servers may take.</summary>
    public static readonly ImmutableArray<string> Keys =
    [
        "host", "port", "database", "user", "password", "tls", "tls_authorities", "connect_timeout",
        "statement_timeout", "zone",
    ];

    private static readonly TimeSpan StatementTimeoutMax = TimeSpan.FromDays(1);
    private static readonly TimeSpan ConnectTimeoutMax = TimeSpan.FromMinutes(10);

    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary>`env:NAME` or `file:PATH`; empty for none.</summary>
    public string Password { get; init; } = "";

    public ConnectionTls Tls { get; init; }

    public string TlsAuthorities { get; init; } = "";

    public TimeSpan ConnectTimeout { get; init; }

    public TimeSpan StatementTimeout { get; init; }

    /// <summary>IANA name; empty for the project's.</summary>
    public string Zone { get; init; } = "";

    public override string Label =>
        (Host.StartsWith('/') ? Host : $"{Host}:{Port}") + (Database.Length == 0 ? "" : $"/{Database}");

    public override ImmutableArray<string> Secrets => Password.Length == 0 ? [] : [Password];

    /// <summary>A database of a server, which must be named, as a user, who must be, too.</summary>
    public static ServerPlace ReadDatabase(ConnectionReader reader, int port) => Read(reader, port) with
    {
        Database = reader.RequiredText("database", "write the database that the tables are in"),
        User = reader.RequiredText("user", "write the name of a user that may only read"),
    };

    /// <summary>A server; of the other keys those that its kind has, and the file says.</summary>
    public static ServerPlace Read(ConnectionReader reader, int port) => new()
    {
        Host = reader.Host(),
        Port = reader.Port(port),
        Database = reader.Text("database"),
        User = reader.Text("user"),
        Password = reader.Secret("password"),
        Tls = reader.Tls(),
        TlsAuthorities = reader.Text("tls_authorities"),
        ConnectTimeout = reader.Duration("connect_timeout", ConnectTimeoutMax) ?? TimeSpan.FromSeconds(15),
        StatementTimeout = reader.Duration("statement_timeout", StatementTimeoutMax) ?? TimeSpan.FromMinutes(30),
        Zone = reader.Zone("zone"),
    };
}

/// <summary>How files of others are read.</summary>
/// <param name="Probe">In a worker.</param>
/// <param name="Rules">Which of this machine's.</param>
internal sealed record SourceFileTools(FileProbe Probe, LocationRules Rules);

/// <summary>What a kind opens a place with.</summary>
/// <param name="Source">The source's name, for messages.</param>
/// <param name="Place">Of the source, or of one of its shards.</param>
/// <param name="Files">Where `file:` secrets are, and files of the project.</param>
/// <param name="Root">The project's folder.</param>
/// <param name="Zone">The project's.</param>
internal sealed record SourceOpening(
    string Source, SourcePlace Place, IFileSystem Files, string Root, ProjectZone Zone)
{
    /// <summary>Whether the place is one of several.</summary>
    public bool IsShard { get; init; }

    /// <summary>What is filled; null for a look.</summary>
    public Interval? Interval { get; init; }

    /// <summary>For kinds that read files; null where there are no workers.</summary>
    public SourceFileTools? Tools { get; init; }

    /// <summary>Takes what a kind has to say besides rows.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Of a <see cref="ServerPlace"/>.</summary>
    public SourceEndpoint Endpoint()
    {
        ServerPlace place = (ServerPlace)Place;
        return new SourceEndpoint
        {
            Host = place.Host,
            Port = place.Port,
            Database = place.Database,
            User = SecretReference.Fault(place.User) is null ? Reveal("user", place.User) : place.User,
            Password = place.Password.Length == 0
                ? SourceSecret.None : new SourceSecret(Reveal("password", place.Password)),
            Tls = place.Tls,
            TlsAuthorities = place.TlsAuthorities.Length == 0 ? "" : Path.Combine(Root, place.TlsAuthorities),
            ConnectTimeout = place.ConnectTimeout,
            StatementTimeout = place.StatementTimeout,
            Zone = place.Zone.Length == 0 ? Zone : ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById(place.Zone)),
        };
    }

    /// <summary>A secret. Throws <see cref="SourceException"/> where it is not there.</summary>
    /// <param name="key">Where the file refers to it.</param>
    /// <param name="reference">`env:NAME` or `file:PATH`.</param>
    public string Reveal(string key, string reference) =>
        SecretReference.Read(reference, Files, Root, out string problem)
            ?? throw new SourceException(
                $"`{key}` of source {Source}: {problem}; set it for the server, and start the server again if it is a "
                + "variable");
}
