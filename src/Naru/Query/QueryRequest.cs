using Naru.Access;
using Naru.Lake.Catalog;
using Naru.Query.Pool;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>One statement as its caller wants it answered.</summary>
internal sealed record QueryRequest
{
    public required string Sql { get; init; }

    public required Principal Principal { get; init; }

    public required ResultFormat Format { get; init; }

    /// <summary>What the statement's words mean.</summary>
    public SqlDialect Dialect { get; init; } = SqlDialect.Naru;

    /// <summary>CSV without the guard against formulas: for machines.</summary>
    public bool Raw { get; init; }

    public long? RowsMax { get; init; }

    /// <summary>Null: the pool's.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>The id that a protocol has told its client already; null: a new one.</summary>
    public string? Id { get; init; }

    /// <summary>What the client asked, where a protocol had to word it anew; null: <see cref="Sql"/>.</summary>
    public string? AskedAs { get; init; }

    /// <summary>The session's schema: unqualified names are looked up there first.</summary>
    public string? Schema { get; init; }

    /// <summary>Trino: see <see cref="RunRequest.PreciseTimes"/>.</summary>
    public bool PreciseTimes { get; init; }

    /// <summary>A table of the caller's own, which only this statement knows.</summary>
    public TableSnapshot? Given { get; init; }

    /// <summary>Null: that of the caller's ticket, else eda.</summary>
    public PoolName? Pool { get; init; }
}

/// <summary>What a finished query says of itself.</summary>
internal sealed record QuerySummary
{
    public required string Id { get; init; }

    public required long Rows { get; init; }

    public required bool Truncated { get; init; }

    /// <summary>The last landing in the snapshot that was read.</summary>
    public required long Landing { get; init; }

    public required double Milliseconds { get; init; }
}

/// <summary>
/// Where an answer goes. Calls come in this order: Begin once, Data any number of times (each ends with a whole row),
/// End once; after a failure none of them. Slow calls slow the query down.
/// </summary>
internal interface IResultSink
{
    /// <summary>The query has its id; nothing is known of its outcome yet.</summary>
    void Admitted(string id);

    /// <summary>A worker has taken the query up.</summary>
    void Started()
    {
    }

    ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken);

    /// <summary>The memory is valid during the call.</summary>
    ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken);

    ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken);
}
