using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Naru.Access;
using Naru.Core.Text;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Query;
using Naru.Query.Gate;
using Naru.Yaml;

namespace Naru.Archive;

/// <summary>
/// Holds statements that are kept against the tables that there will be, as the server's gate does: for `naru check`,
/// in a DuckDB of its own that sees no file and holds no row.
/// </summary>
internal sealed class QueryChecker : IDisposable
{
    private const int Tries = 20;
    private const string SystemSchema = "naru";

    private readonly List<TableDescription> _tables;
    private readonly IReadOnlyCollection<string> _broken;
    private readonly DuckDbScratch _scratch = new();

    /// <param name="tables">Of logs and aggregates that are right.</param>
    /// <param name="broken">Full names of those that are not: what is wrong with them is told elsewhere.</param>
    public QueryChecker(IEnumerable<TableDescription> tables, IReadOnlyCollection<string> broken) =>
        (_tables, _broken) = ([.. tables], broken);

    public void Dispose() => _scratch.Dispose();

    /// <param name="file">Of a saved query.</param>
    /// <param name="template">All of its text.</param>
    /// <param name="mistakes">Takes what is wrong; that it holds no statement is told by who reads it.</param>
    public void Check(string file, QueryTemplate template, MistakeList mistakes)
    {
        if (Fault(template) is { } error && error.Code != QueryCodes.EmptyStatement)
        {
            mistakes.Add(new Mistake(
                file,
                error.Line ?? 0,
                error.Column ?? 0,
                error.Message,
                error.Hint ?? ""));
        }
    }

    /// <param name="dashboard">What to check.</param>
    /// <param name="numbers">Of all saved queries that have a file.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public void Check(Dashboard dashboard, IReadOnlyCollection<string> numbers, MistakeList mistakes)
    {
        string file = $"{Dashboard.Folder}/{dashboard.Name}{Dashboard.Extension}";
        foreach ((int index, Tile tile) in dashboard.Tiles.Index())
        {
            if (tile.Query is { } number && !numbers.Contains(number))
            {
                mistakes.Add(new Mistake(
                    file,
                    tile.Line,
                    tile.Column,
                    $"tile {index + 1}: there is no saved query {number}",
                    NearestName.Find(number, numbers) is { } near ? $"did you mean {near}?"
                        : "save it, or write sql:"));
            }
            else if (tile.Sql is { } template && Fault(template) is { } error)
            {
                string place = error.Line is null ? "" : $" (line {error.Line} of its statement)";
                mistakes.Add(new Mistake(
                    file, tile.Line, tile.Column, $"tile {index + 1}: {error.Message}{place}", error.Hint ?? ""));
            }
        }
    }

    /// <summary>What is wrong with a statement, whatever values its parameters have; null for nothing.</summary>
    public QueryError? Fault(QueryTemplate template)
    {
        for (int tried = 0; ; tried++)
        {
            try
            {
                Judge(template.Example());
                return null;
            }
            catch (QueryException exception) when (tried < Tries && Elsewhere(exception.Error) is { } name)
            {
                _tables.Add(new TableDescription(name, new TableSchema([]), "", System: true));
            }
            catch (QueryException exception)
            {
                return exception.Error;
            }
        }
    }

    private void Judge(string sql)
    {
        SqlText text = SqlText.Read(sql, SavedQuery.BytesMax * 2);
        new SqlGate(text, new ReadableTables(_tables, Principal.Open), GateStep.Sent)
            .Judge(_scratch.TreeOf(text.Body.Span));
    }

    /// <summary>
    /// A table that is there only where a server runs (`naru.queries`), or whose own file is wrong; else null.
    /// </summary>
    private TableName? Elsewhere(QueryError error)
    {
        if (error.Code != QueryCodes.UnknownTable || error.Message.Split('"') is not [_, var asked, _])
        {
            return null;
        }

        // What is not qualified may be a model's, or an aggregate's.
        string full = asked.Contains('.', StringComparison.Ordinal)
            ? asked : _broken.FirstOrDefault(name => name.EndsWith($".{asked}", StringComparison.Ordinal)) ?? "";
        return full.Split('.') is [var schema, var name] && (schema == SystemSchema || _broken.Contains(full))
            ? new TableName(schema, name) : null;
    }
}
