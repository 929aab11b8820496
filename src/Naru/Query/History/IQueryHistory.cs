namespace Naru.Query.History;

internal interface IQueryHistory
{
    /// <summary>Takes a query that has ended, however it did.</summary>
    void Add(QueryEntry entry);
}

/// <summary>For SQL on a project at rest, where nothing may change.</summary>
internal sealed class NoHistory : IQueryHistory
{
    public static readonly NoHistory Instance = new();

    public void Add(QueryEntry entry)
    {
    }
}
