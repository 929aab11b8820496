using System.Text;
using Naru.Query.Gate;
using Naru.Query.Pool;
using Naru.Query.Worker;

namespace Naru.Query.Sharing;

/// <summary>
/// What makes two questions one: whoever asks with an equal key is owed the same bytes, up to the moment of asking.
/// </summary>
/// <param name="Rights">As <see cref="RightsPrints"/> gives it: what the caller sees of the lake.</param>
/// <param name="Sql">As it is run; not a letter may differ.</param>
internal sealed record RunKey(string Rights, string Sql)
{
    /// <summary>
    /// Functions and clauses of chance, and the list of queries, which knows who asks. A program that asks for a new
    /// id must not be given another's, nor two samples be one. By word, wherever it stands: a column of such a name
    /// costs no more than a run.
    /// </summary>
    private static readonly HashSet<string> NeverShared = new(StringComparer.OrdinalIgnoreCase)
    {
        "random", "rand", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "shuffle", "setseed", "reservoir_quantile",
        "sample", "tablesample", "runtime",
    };

    public required SqlDialect Dialect { get; init; }

    public required ResultFormat Format { get; init; }

    public required bool Raw { get; init; }

    public required bool PreciseTimes { get; init; }

    public required long? RowsMax { get; init; }

    public required string? Schema { get; init; }

    public required PoolName Pool { get; init; }

    /// <summary>Null for a statement that is always run by itself.</summary>
    public static RunKey? Of(QueryRequest request, SqlText text, PoolName pool, Func<string> rights) =>
        text.Prefix.Length > 0 || request.Given is not null || HasChance(text.Body.Span)
            ? null
            : new RunKey(rights(), request.Sql)
            {
                Dialect = request.Dialect,
                Format = request.Format,
                Raw = request.Raw,
                PreciseTimes = request.PreciseTimes,
                RowsMax = request.RowsMax,
                Schema = request.Schema,
                Pool = pool,
            };

    private static bool HasChance(ReadOnlySpan<byte> sql)
    {
        SqlLexer lexer = new(sql);
        SqlToken token = lexer.Next();
        while (token.Kind is not (SqlTokenKind.End or SqlTokenKind.Broken))
        {
            if (token.Kind is SqlTokenKind.Word or SqlTokenKind.QuotedName
                && NeverShared.Contains(Encoding.UTF8.GetString(sql[token.Start..token.End]).Trim('"')))
            {
                return true;
            }

            token = lexer.Next();
        }

        // What the lexer cannot read to its end nobody shall share.
        return token.Kind == SqlTokenKind.Broken;
    }
}
