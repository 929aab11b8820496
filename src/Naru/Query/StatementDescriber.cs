using System.Collections.Immutable;
using System.Text;
using Naru.Lake.Catalog;
using Naru.Lake.DuckDb;
using Naru.Query.Functions;
using Naru.Query.Gate;
using Naru.Query.Rewriting;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>A column of a statement's result; the type by DuckDB's name.</summary>
internal sealed record DescribedColumn(string Name, string Type);

/// <summary>What a statement reads and what it gives.</summary>
internal sealed record StatementShape(
    ImmutableArray<TableDescription> Tables, ImmutableArray<DescribedColumn> Columns);

/// <summary>
/// Judges a statement as it would be judged when asked, and says its columns, over tables without rows: for definitions
/// that hold a statement. In a DuckDB of its own that sees no file.
/// </summary>
internal static class StatementDescriber
{
    private const int TextBytesMax = 1 << 20;
    private const string Before = "DESCRIBE ";

    /// <exception cref="QueryException">It may not run, or it is wrong; with its place.</exception>
    public static StatementShape Describe(string sql, ReadableTables readable, TimeZoneInfo zone)
    {
        using DuckDbScratch scratch = new();
        DuckDbConnection connection = scratch.Connection;
        connection.Execute($"SET GLOBAL TimeZone = '{zone.Id}'");
        OwnAggregates.Register(connection);
        OwnScalars.Register(connection);
        SqlText text = SqlText.Read(sql, TextBytesMax);
        (Judgement judgement, text) = Judge(scratch, text, readable);
        if (judgement.Virtual.Length > 0 || judgement.Lists || text.Prefix.Length > 0)
        {
            throw new QueryException(new QueryError(QueryCodes.NotAQuery, "the statement lists or explains")
            {
                Hint = "write a SELECT over tables",
            });
        }

        try
        {
            return new StatementShape(judgement.Tables, Columns(connection, judgement, readable));
        }
        catch (DuckDbException exception)
        {
            RunFailed failed = RunFailed.Of(exception, exception.PositionBytes - Before.Length);
            throw new QueryException(EngineErrors.Map(failed, text, judgement.Tables));
        }
    }

    private static (Judgement Judgement, SqlText Text) Judge(
        DuckDbScratch scratch, SqlText text, ReadableTables readable)
    {
        byte[] tree = scratch.TreeOf(text.Body.Span);
        Judgement sent = new SqlGate(text, readable, GateStep.Sent).Judge(tree);
        byte[]? rewritten = sent.OwnFunctions.Any(OwnFunctions.IsRewritten)
            ? new SqlRewriter(SqlDialect.Naru).Rewrite(tree) : null;
        if (rewritten is null)
        {
            return (sent, text);
        }

        byte[] body = scratch.TextOf(rewritten);
        byte[] again = scratch.TreeOf(body);
        text = text.InOtherWords(body, static _ => null);
        return (new SqlGate(text, readable, GateStep.Rewritten).Judge(again), text);
    }

    private static ImmutableArray<DescribedColumn> Columns(
        DuckDbConnection connection, Judgement judgement, ReadableTables readable)
    {
        foreach (string schema in judgement.Tables.Select(static table => table.Name.Schema).Concat(readable.Path)
            .Distinct(StringComparer.Ordinal))
        {
            connection.Execute($"CREATE SCHEMA IF NOT EXISTS {SqlIdentifier.Quote(schema)}");
        }

        foreach (TableDescription table in judgement.Tables)
        {
            connection.Execute($"CREATE TABLE {table.Name.Quoted} ({table.Schema.ToSql()})");
        }

        connection.Execute($"SET search_path = '{string.Join(',', readable.Path.Append("main"))}'");
        foreach (string setup in OwnFunctions.Setup(judgement.OwnFunctions))
        {
            connection.Execute(setup);
        }

        using DuckDbResult result = connection.Materialize(Before + judgement.Sql);
        ImmutableArray<DescribedColumn>.Builder described = ImmutableArray.CreateBuilder<DescribedColumn>();
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                described.Add(new DescribedColumn(
                    OwnAggregates.AsWritten(chunk[0].StringAt(row)), chunk[1].StringAt(row)));
            }
        }

        return described.ToImmutable();
    }
}
