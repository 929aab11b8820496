using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Lake.Catalog;
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

    private readonly DuckDbScratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    /// <summary>What json_serialize_sql says of a text: its statements, or its error.</summary>
    public JsonObject Parse(string text) => JsonNode.Parse(
        _scratch.TreeOf(text), documentOptions: new JsonDocumentOptions { MaxDepth = TreeDepthMax })!.AsObject();

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
        string text = Encoding.UTF8.GetString(_scratch.TextOf(Encoding.UTF8.GetBytes(frame.ToJsonString())));
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
        IEnumerable<string> declared = columns.Select(static column =>
            $"{SqlIdentifier.Quote(column.Name)} {column.Type.Sql}");
        _scratch.Connection.Execute($"CREATE OR REPLACE TEMP TABLE {name} ({string.Join(", ", declared)})");
    }

    /// <summary>The types of a query's columns, by DuckDB's names. Throws <see cref="DuckDbException"/>.</summary>
    public ImmutableArray<string> Describe(string query)
    {
        using DuckDbResult result = _scratch.Connection.Materialize($"DESCRIBE {query}");
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
        using DuckDbResult result = _scratch.Connection.Materialize($"SELECT CAST({expression} AS INTERVAL)");
        return result.TryNext(out DuckDbChunk? chunk) && !chunk[0].IsNull(0)
            ? chunk[0].Values<DuckDbInterval>()[0] : null;
    }
}
