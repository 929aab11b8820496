using System.Collections.Immutable;
using Naru.Lake.Columns;

namespace Naru.Sources.MySql;

/// <summary>MySQL and MariaDB. A database has no schemas; a host that begins with '/' is the server's socket.</summary>
internal sealed class MySqlKind : ISourceKind
{
    public ImmutableArray<string> Names => ["mysql", "mariadb"];

    public int DefaultPort => 3306;

    public ISourceServer Open(SourceEndpoint endpoint) => new MySqlSource(endpoint);

    public SourceColumn? ReadAs(SourceColumn column, ColumnType type) => MySqlTypes.ReadAs(column, type);
}
