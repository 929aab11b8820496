using Naru.Query.Worker;

namespace Naru.Query.Sharing;

/// <summary>One of those who wait for a run: what it was told so far is guarded by the run.</summary>
internal sealed class Asker(QueryEntry entry, IResultSink sink, QueryBudget? budget)
{
    public QueryEntry Entry => entry;

    public IResultSink Sink => sink;

    /// <summary>Null for a caller without a ticket.</summary>
    public QueryBudget? Budget => budget;

    /// <summary>What the run had used when this one came to pay for it.</summary>
    public WorkerUsage PaidBefore { get; set; } = WorkerUsage.None;

    public bool ToldStarted { get; set; }

    public bool ToldColumns { get; set; }

    /// <summary>The next piece of the rows that it gets, counted from the run's first.</summary>
    public int Next { get; set; }

    /// <summary>The run has left it behind, before it got anything.</summary>
    public bool IsBehind { get; set; }
}

/// <summary>How an asker's time with a run ended.</summary>
internal enum ServedAs
{
    /// <summary>It has its answer.</summary>
    Whole,

    /// <summary>Not by this run: it asks again, and may share again.</summary>
    Again,

    /// <summary>Not by this run: it asks again, by itself.</summary>
    Alone,
}
