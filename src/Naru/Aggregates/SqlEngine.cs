using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Aggregates;

/// <summary>
/// DuckDB as a reader of SQL: text to tree and back, and the types of expressions over tables without rows. It sees no
/// file and runs nothing of the user's but on empty tables. One caller at a time.
/// </summary>
internal sealed class SqlEngine : IDisposable
{
    private const int TreeDepthMax = 2_000;

    private readonly DuckDbDatabase _database;
    private readonly DuckDbConnection _connection;

    public SqlEngine()
    {
        _database = DuckDbDatabase.OpenMemory(
            new("threads", "1"),
            new("memory_limit", "128MB"),
            new("enable_external_access", "false"),
            new("autoinstall_known_extensions", "false"),
            new("autoload_known_extensions", "false"));
        _connection = _database.Connect();
        _connection.Execute("SET GLOBAL max_expression_depth = 250");
    }

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    /// <summary>What json_serialize_sql says of a text: its statements, or its error.</summary>
    public JsonObject Parse(string text)
    {
        string tree = Ask("SELECT CAST(json_serialize_sql($1::VARCHAR) AS VARCHAR)", text);
        return JsonNode.Parse(tree, documentOptions: new JsonDocumentOptions { MaxDepth = TreeDepthMax })!.AsObject();
    }

    /// <summary>The one expression of `SELECT text`.</summary>
    public JsonObject ParseExpression(string text) =>
        Parse($"SELECT {text}")["statements"]![0]!["node"]!["select_list"]![0]!.DeepClone().AsObject();

    /// <summary>An expression as SQL.</summary>
    public string Text(JsonObject expression)
    {
        JsonObject frame = Parse("SELECT 1");
        JsonObject copy = SqlTree.Copy(expression);
        copy["alias"] = "";
        frame["statements"]![0]!["node"]!["select_list"] = new JsonArray(copy);
        string text = Ask("SELECT json_deserialize_sql($1::JSON)", frame.ToJsonString());
        return text["SELECT ".Length..];
    }

    /// <summary>`CAST(expression AS type)` as a tree.</summary>
    public JsonObject Cast(JsonObject expression, string type)
    {
        JsonObject cast = ParseExpression($"CAST(NULL AS {type})");
        cast["child"] = SqlTree.Copy(expression);
        return cast;
    }

    /// <summary>A table without rows.</summary>
    public void Table(string name, IEnumerable<(string Name, ColumnType Type)> columns)
    {
        IEnumerable<string> declared = columns.Select(static column => $"{Quote(column.Name)} {column.Type.Sql}");
        _connection.Execute($"CREATE OR REPLACE TEMP TABLE {name} ({string.Join(", ", declared)})");
    }

    /// <summary>The types of a query's columns, by DuckDB's names. Throws <see cref="DuckDbException"/>.</summary>
    public ImmutableArray<string> Describe(string query)
    {
        using DuckDbResult result = _connection.Materialize($"DESCRIBE {query}");
        ImmutableArray<string>.Builder types = ImmutableArray.CreateBuilder<string>();
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                types.Add(chunk[1].StringAt(row));
            }
        }

        return types.ToImmutable();
    }

    /// <summary>The value of a constant expression; null when it is NULL. Throws the engine's error.</summary>
    public DuckDbInterval? Interval(string expression)
    {
        using DuckDbResult result = _connection.Materialize($"SELECT CAST({expression} AS INTERVAL)");
        return result.TryNext(out DuckDbChunk? chunk) && !chunk[0].IsNull(0)
            ? chunk[0].Values<DuckDbInterval>()[0] : null;
    }

    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private string Ask(string sql, string parameter)
    {
        using DuckDbStatement statement = _connection.Prepare(sql);
        statement.BindUtf8(1, Encoding.UTF8.GetBytes(parameter));
        using DuckDbResult result = statement.Materialize();
        return result.TryNext(out DuckDbChunk? chunk) ? chunk[0].StringAt(0) : "";
    }
}
