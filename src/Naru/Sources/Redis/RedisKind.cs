using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Naru.Connections;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Yaml;

namespace Naru.Sources.Redis;

/// <summary>A file that Redis saved.</summary>
internal sealed record RedisFilePlace(string Path) : SourcePlace
{
    public override string Label => Database.Length == 0 ? Path : $"{Path} database {Database}";
}

/// <summary>
/// Redis, and what speaks as it does: keys of a server that runs, or of a file that one saved. A table is a pattern of
/// keys.
/// </summary>
internal sealed class RedisKind : ISourceKind
{
    private const int DefaultPort = 6379;
    private const int DatabaseMax = 1_000_000;
    private const int AuthoritiesBytesMax = 16 << 20;

    /// <summary>A server's; a file has none of them but the database.</summary>
    private static readonly ImmutableArray<string> ServerKeys =
    [
        "host", "port", "database", "user", "password", "tls", "tls_authorities", "connect_timeout",
        "statement_timeout",
    ];

    public ImmutableArray<string> Names => ["redis"];

    public ImmutableArray<string> Keys { get; } = ["path", .. ServerKeys];

    public ImmutableArray<string> TableKeys => [RedisColumns.Fields];

    public bool HasCursor => false;

    public SourcePlace Read(ConnectionReader reader)
    {
        reader.Number("database", 0, DatabaseMax, 0);
        string path = reader.Text("path");
        if (path.Length == 0)
        {
            if (reader.Text("host").Length == 0)
            {
                reader.Yaml.Mistake(
                    reader.Yaml.Mapping,
                    $"{reader.Yaml.What} has neither 'path' nor 'host'",
                    "write the RDB file that Redis saves as 'path', or the server's name as 'host'");
            }
            else
            {
                return ServerPlace.Read(reader, DefaultPort);
            }
        }

        foreach (string key in ServerKeys.Where(key => key != "database" && reader.Of(key).Find(key) is not null))
        {
            reader.Mistake(key, $"'{key}' is a server's, and 'path' a file", "leave one of them out");
        }

        return new RedisFilePlace(path) { Database = reader.Text("database") };
    }

    public SourceTableOptions ReadTable(YamlReader reader) => RedisColumns.Read(reader);

    public ISourceServer Open(SourceOpening opening)
    {
        if (opening.Place is RedisFilePlace file)
        {
            return new RdbSource(opening.Files, Path.Combine(opening.Root, file.Path), file);
        }

        SourceEndpoint endpoint = opening.Endpoint();
        return new RedisSource(endpoint, opening.IsShard, Authorities(opening.Files, endpoint.TlsAuthorities));
    }

    public SourceColumn? ReadAs(SourceColumn column, ColumnType type) => RedisColumns.ReadAs(column, type);

    private static X509Certificate2Collection? Authorities(IFileSystem files, string path)
    {
        if (path.Length == 0)
        {
            return null;
        }

        X509Certificate2Collection authorities = [];
        byte[] bytes = WholeFile.Read(files, path, AuthoritiesBytesMax)
            ?? throw new SourceException($"`tls_authorities`: there is no file {path}");
        authorities.ImportFromPem(Encoding.UTF8.GetString(bytes));
        return authorities.Count > 0 ? authorities
            : throw new SourceException($"`tls_authorities`: {path} has no certificate; write a PEM file");
    }
}
