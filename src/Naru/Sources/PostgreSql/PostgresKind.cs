using System.Collections.Immutable;
using Naru.Lake.Columns;

namespace Naru.Sources.PostgreSql;

/// <summary>PostgreSQL, and what speaks as it does.</summary>
internal sealed class PostgresKind : ISourceKind
{
    public ImmutableArray<string> Names => ["postgresql", "postgres"];

    public int DefaultPort => 5432;

    public string DefaultSchema => "public";

    public ISourceServer Open(SourceEndpoint endpoint) => new PostgresSource(endpoint);

    public SourceColumn? ReadAs(SourceColumn column, ColumnType type) => PostgresTypes.ReadAs(column, type);
}
