using System.Collections.Immutable;
using System.Text;
using Naru.Lake.Catalog;
using Naru.Query.Gate;
using Naru.Query.Pool;

// Only sizes are asked, of files that the snapshot holds: nothing is read or written.
#pragma warning disable RS0030

namespace Naru.Query;

/// <summary>
/// What memory to reserve for a question that was never asked: by the bytes of the files of its snapshot. A landed
/// event of 57 bytes has some 300 in memory, and a query that groups or sorts every one of them holds it twice; so
/// twelve times the files, and what a worker has anyway. It bounds nothing (the engine's own limit does): it decides
/// who runs beside whom. Rows that come from no file cannot be known: such a statement, and one on very many files, is
/// taken to need all that one query may.
/// </summary>
internal static class MemoryEstimate
{
    private const long WorkerBytes = 128L << 20;
    private const int Factor = 12;
    private const int FilesMax = 500;

    /// <summary>Functions that make rows, or larger values than they are given.</summary>
    private static readonly HashSet<string> Makers = new(StringComparer.OrdinalIgnoreCase)
    {
        "range", "generate_series", "repeat", "repeat_row", "sequence", "cross", "recursive", "lpad", "rpad",
    };

    /// <summary>To read and judge any statement.</summary>
    public static long Least(PoolOptions pool) => Math.Min(WorkerBytes, pool.MemoryBytes);

    public static long Of(PoolOptions pool, SqlText text, ImmutableArray<TableSnapshot> tables)
    {
        ImmutableArray<string> files =
            [.. tables.SelectMany(static table => table.Files.Concat(table.TailFiles)).Take(FilesMax + 1)];
        return files.Length > FilesMax || MakesRows(text.Body.Span) || HasNoCondition(text, tables)
            ? pool.MemoryBytes
            : Math.Min(pool.MemoryBytes, WorkerBytes + (Factor * files.Sum(Bytes)));
    }

    private static long Bytes(string file) => new FileInfo(file) is { Exists: true } info ? info.Length : 0;

    /// <summary>Tables joined by commas alone multiply.</summary>
    private static bool HasNoCondition(SqlText text, ImmutableArray<TableSnapshot> tables) =>
        tables.Length > 1 && !Words(text.Body.Span).Any(static word =>
            word.Equals("on", StringComparison.OrdinalIgnoreCase)
            || word.Equals("using", StringComparison.OrdinalIgnoreCase)
            || word.Equals("where", StringComparison.OrdinalIgnoreCase)
            || word.Equals("union", StringComparison.OrdinalIgnoreCase));

    private static bool MakesRows(ReadOnlySpan<byte> sql) => Words(sql).Exists(Makers.Contains);

    private static List<string> Words(ReadOnlySpan<byte> sql)
    {
        List<string> words = [];
        SqlLexer lexer = new(sql);
        for (SqlToken token = lexer.Next();
            token.Kind is not (SqlTokenKind.End or SqlTokenKind.Broken);
            token = lexer.Next())
        {
            if (token.Kind is SqlTokenKind.Word or SqlTokenKind.QuotedName)
            {
                words.Add(Encoding.UTF8.GetString(sql[token.Start..token.End]).Trim('"'));
            }
        }

        return words;
    }
}
