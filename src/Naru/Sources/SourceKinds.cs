using System.Collections.Immutable;

namespace Naru.Sources;

/// <summary>Every kind of server that there is.</summary>
internal sealed class SourceKinds(IEnumerable<ISourceKind> kinds)
{
    /// <summary>With settings that say nothing.</summary>
    public static readonly SourceKinds All = Of(new SourcesOptions());

    public ImmutableArray<ISourceKind> Kinds { get; } = [.. kinds];

    public ImmutableArray<string> Names => [.. Kinds.Select(static kind => kind.Names[0])];

    public static SourceKinds Of(SourcesOptions options) => new(
    [
        new PostgreSql.PostgresKind(),
        new MySql.MySqlKind(),
        new Redis.RedisKind(),
        new OpenSearch.OpenSearchKind(TimeProvider.System),
        new Files.FilesKind(),
        new Singer.SingerKind(options.SingerCommands),
    ]);

    public ISourceKind? Find(string name) => Kinds.FirstOrDefault(kind => kind.Names.Contains(name));
}
