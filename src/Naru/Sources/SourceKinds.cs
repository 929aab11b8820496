using System.Collections.Immutable;

namespace Naru.Sources;

/// <summary>Every kind of server that there is.</summary>
internal sealed class SourceKinds(IEnumerable<ISourceKind> kinds)
{
    public static readonly SourceKinds All = new([new PostgreSql.PostgresKind(), new MySql.MySqlKind()]);

    private readonly ImmutableArray<ISourceKind> _kinds = [.. kinds];

    public ImmutableArray<string> Names => [.. _kinds.Select(static kind => kind.Names[0])];

    public ISourceKind? Find(string name) => _kinds.FirstOrDefault(kind => kind.Names.Contains(name));
}
