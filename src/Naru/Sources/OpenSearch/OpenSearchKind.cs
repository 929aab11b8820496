using System.Collections.Immutable;
using Naru.Connections;
using Naru.Lake.Columns;

namespace Naru.Sources.OpenSearch;

/// <summary>OpenSearch and Elasticsearch, which are told apart when they are spoken to.</summary>
/// <param name="time">Of pauses between attempts.</param>
internal sealed class OpenSearchKind(TimeProvider time) : ISourceKind
{
    private const int DefaultPort = 9200;

    public ImmutableArray<string> Names => ["opensearch", "elasticsearch"];

    public ImmutableArray<string> Keys => OpenSearchPlace.Keys;

    public SourcePlace Read(ConnectionReader reader) => OpenSearchPlace.Read(reader, DefaultPort);

    public ISourceServer Open(SourceOpening opening)
    {
        OpenSearchPlace place = (OpenSearchPlace)opening.Place;
        return new OpenSearchSource(new OpenSearchClient(OpenSearchLogin.Of(place, opening), time));
    }

    public SourceColumn? ReadAs(SourceColumn column, ColumnType type) => OpenSearchTypes.ReadAs(column, type);

    public SourceTable Shaped(SourceTable table, SnapshotDefinition snapshot) =>
        OpenSearchTypes.Shaped(table, snapshot.Columns, snapshot.Types);
}

/// <summary>One cluster.</summary>
internal sealed record OpenSearchPlace : SourcePlace
{
    public static readonly ImmutableArray<string> Keys =
    [
        "host", "port", "user", "password", "api_key", "tls", "tls_authorities", "connect_timeout",
        "statement_timeout",
    ];

    private static readonly TimeSpan StatementTimeoutMax = TimeSpan.FromHours(1);
    private static readonly TimeSpan ConnectTimeoutMax = TimeSpan.FromMinutes(10);

    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary>A reference; empty for none.</summary>
    public string Password { get; init; } = "";

    /// <summary>A reference; empty for none.</summary>
    public string ApiKey { get; init; } = "";

    public ConnectionTls Tls { get; init; }

    public string TlsAuthorities { get; init; } = "";

    public TimeSpan ConnectTimeout { get; init; }

    /// <summary>Of one request.</summary>
    public TimeSpan StatementTimeout { get; init; }

    public override string Label => $"{Host}:{Port}";

    public override ImmutableArray<string> Secrets =>
        [.. new[] { Password, ApiKey }.Where(static each => each.Length > 0)];

    public static OpenSearchPlace Read(ConnectionReader reader, int port)
    {
        OpenSearchPlace place = new()
        {
            Host = reader.Host(),
            Port = reader.Port(port),
            User = reader.Text("user"),
            Password = reader.Secret("password"),
            ApiKey = reader.Secret("api_key"),
            Tls = reader.Tls(),
            TlsAuthorities = reader.Text("tls_authorities"),
            ConnectTimeout = reader.Duration("connect_timeout", ConnectTimeoutMax) ?? TimeSpan.FromSeconds(15),
            StatementTimeout = reader.Duration("statement_timeout", StatementTimeoutMax) ?? TimeSpan.FromMinutes(2),
        };
        if (place.Host.StartsWith('/'))
        {
            reader.Mistake("host", $"'host' is '{place.Host}'", "write the name or the address of a node");
        }

        bool hasLogin = reader.Of("user").Find("user") is not null;
        if (hasLogin != (reader.Of("password").Find("password") is not null))
        {
            reader.Mistake(
                hasLogin ? "user" : "password",
                hasLogin ? "the source has a 'user' and no 'password'" : "the source has a 'password' and no 'user'",
                "write both, or an 'api_key', or none of them");
        }
        else if (hasLogin && reader.Of("api_key").Find("api_key") is not null)
        {
            reader.Mistake("api_key", "the source has a 'user' and an 'api_key'", "keep one of the two");
        }

        return place;
    }
}
