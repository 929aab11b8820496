using System.Collections.Immutable;
using Naru.Connections;
using Naru.Lake.Columns;

namespace Naru.Sources.MySql;

/// <summary>MySQL and MariaDB. A database has no schemas; a host that begins with '/' is the server's socket.</summary>
internal sealed class MySqlKind : ISourceKind
{
    private const int DefaultPort = 3306;

    public ImmutableArray<string> Names => ["mysql", "mariadb"];

    public ImmutableArray<string> Keys => ServerPlace.Keys;

    public SourcePlace Read(ConnectionReader reader) => ServerPlace.ReadDatabase(reader, DefaultPort);

    public ISourceServer Open(SourceOpening opening) => new MySqlSource(opening.Endpoint());

    public SourceColumn? ReadAs(SourceColumn column, ColumnType type) => MySqlTypes.ReadAs(column, type);
}
