using System.Collections.Immutable;

namespace Naru.Sources;

/// <summary>Every kind of server that there is.</summary>
internal sealed class SourceKinds(IEnumerable<ISourceKind> kinds)
{
    public static readonly SourceKinds All = new(
    [
        new PostgreSql.PostgresKind(),
        new MySql.MySqlKind(),
        new Redis.RedisKind(),
        new OpenSearch.OpenSearchKind(TimeProvider.System),
        new Files.FilesKind(),
    ]);

    public ImmutableArray<ISourceKind> Kinds { get; } = [.. kinds];

    public ImmutableArray<string> Names => [.. Kinds.Select(static kind => kind.Names[0])];

    public ISourceKind? Find(string name) => Kinds.FirstOrDefault(kind => kind.Names.Contains(name));
}
