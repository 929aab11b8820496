using Naru.Query.Worker;

namespace Naru.Query.Trino;

/// <summary>States that clients know; they draw progress from them, and drop rows that come with the first.</summary>
internal enum TrinoState
{
    Queued,
    Running,
    Finished,
    Failed,
}

/// <summary>One answer to one token, told again as it was when the client asks again.</summary>
internal sealed record TrinoAnswer
{
    public required long Token { get; init; }

    public required TrinoState State { get; init; }

    /// <summary>Null before the query has any.</summary>
    public IReadOnlyList<ResultColumn>? Columns { get; init; }

    public ResultPage? Page { get; init; }

    public TrinoError? Error { get; init; }

    /// <summary>`SET SESSION`, `PREPARE`, …: what a statement did that asks for no rows.</summary>
    public string? UpdateType { get; init; }

    public required TrinoStats Stats { get; init; }

    /// <summary>No more answers follow.</summary>
    public bool IsLast => State is TrinoState.Finished or TrinoState.Failed;
}

/// <summary>What is known of a query on its way.</summary>
internal readonly record struct TrinoStats
{
    public required long ElapsedMilliseconds { get; init; }

    public required long QueuedMilliseconds { get; init; }

    public required long Rows { get; init; }

    public required long Bytes { get; init; }
}
