using System.Text;

namespace Naru.Lake.DuckDb;

/// <summary>
/// A DuckDB that reads SQL and judges it over tables without rows: in memory, one thread, no file, no extension. For
/// texts of people, which it never runs over data. One caller at a time.
/// </summary>
public sealed class DuckDbScratch : IDisposable
{
    private readonly DuckDbDatabase _database;

    public DuckDbScratch()
    {
        _database = DuckDbDatabase.OpenMemory(
            new("threads", "1"),
            new("memory_limit", "128MB"),
            new("enable_external_access", "false"),
            new("autoinstall_known_extensions", "false"),
            new("autoload_known_extensions", "false"));
        Connection = _database.Connect();

        // Deeper trees than people write overflow the parser's stack.
        Connection.Execute("SET GLOBAL max_expression_depth = 250");
    }

    public DuckDbConnection Connection { get; }

    public void Dispose()
    {
        Connection.Dispose();
        _database.Dispose();
    }

    /// <summary>What json_serialize_sql says of a text, UTF-8: its statements, or its error.</summary>
    public byte[] TreeOf(ReadOnlySpan<byte> sql) =>
        Ask("SELECT CAST(json_serialize_sql($1::VARCHAR) AS VARCHAR)", sql);

    /// <inheritdoc cref="TreeOf(ReadOnlySpan{byte})"/>
    public byte[] TreeOf(string sql) => TreeOf(Encoding.UTF8.GetBytes(sql));

    /// <summary>The SQL of a tree. Throws <see cref="DuckDbException"/> for one that is no tree.</summary>
    public byte[] TextOf(ReadOnlySpan<byte> tree) =>
        Ask("SELECT json_deserialize_sql(CAST($1::VARCHAR AS JSON))", tree);

    private byte[] Ask(string sql, ReadOnlySpan<byte> parameter)
    {
        using DuckDbStatement statement = Connection.Prepare(sql);
        statement.BindUtf8(1, parameter);
        using DuckDbResult result = statement.Materialize();
        return result.TryNext(out DuckDbChunk? chunk) ? chunk[0].Utf8At(0).ToArray() : [];
    }
}
