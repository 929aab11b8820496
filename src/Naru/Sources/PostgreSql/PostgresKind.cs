using System.Collections.Immutable;
using Naru.Connections;
using Naru.Lake.Columns;

namespace Naru.Sources.PostgreSql;

/// <summary>PostgreSQL, and what speaks as it does.</summary>
internal sealed class PostgresKind : ISourceKind
{
    private const int DefaultPort = 5432;

    public ImmutableArray<string> Names => ["postgresql", "postgres"];

    public ImmutableArray<string> Keys => ServerPlace.Keys;

    public string DefaultSchema => "public";

    public SourcePlace Read(ConnectionReader reader) => ServerPlace.ReadDatabase(reader, DefaultPort);

    public ISourceServer Open(SourceOpening opening) => new PostgresSource(opening.Endpoint());

    public SourceColumn? ReadAs(SourceColumn column, ColumnType type) => PostgresTypes.ReadAs(column, type);
}
