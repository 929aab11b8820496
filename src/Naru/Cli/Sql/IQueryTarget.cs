using Naru.Query;
using Naru.Query.Worker;
using ByteStream = System.IO.Stream;

namespace Naru.Cli.Sql;

/// <summary>One statement, as the command line wants it answered.</summary>
internal sealed record QueryAsk
{
    public required string Sql { get; init; }

    public required ResultFormat Format { get; init; }

    public SqlDialect Dialect { get; init; } = SqlDialect.Naru;

    /// <summary>CSV without the guard against formulas.</summary>
    public bool Raw { get; init; }

    public long? RowsMax { get; init; }

    public TimeSpan? Timeout { get; init; }
}

/// <summary>Who answers: a server, or the project in this process when it is at rest.</summary>
internal interface IQueryTarget : IAsyncDisposable
{
    /// <summary>
    /// What the user should know before the first answer, such as that the project is at rest; else null.
    /// </summary>
    string? Notice { get; }

    /// <summary>Writes the answer's bytes as they come.</summary>
    /// <exception cref="QueryException">Refused, failed, or nobody answers.</exception>
    Task AskAsync(QueryAsk ask, ByteStream output, CancellationToken cancellationToken);
}
