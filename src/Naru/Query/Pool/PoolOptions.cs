namespace Naru.Query.Pool;

internal enum PoolName
{
    /// <summary>Exploring: what people wait for.</summary>
    Eda,

    /// <summary>Batches: scheduled models, exports, heavy reports.</summary>
    Etl,
}

internal static class PoolNames
{
    public const string All = "eda and etl";

    public static string Text(this PoolName name) => name == PoolName.Eda ? "eda" : "etl";

    public static bool TryParse(string? text, out PoolName name)
    {
        name = text == "etl" ? PoolName.Etl : PoolName.Eda;
        return text is "eda" or "etl";
    }
}

/// <summary>One pool's part of the settings.</summary>
internal sealed record PoolOptions(PoolName Name)
{
    public required int Workers { get; init; }

    public required int QueueMax { get; init; }

    public required TimeSpan QueueTimeout { get; init; }

    /// <summary>Of one query.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Of all its queries together.</summary>
    public required long PoolMemoryBytes { get; init; }

    public required long SpillBytesMax { get; init; }

    /// <summary>Of one query; 0 is one for each core.</summary>
    public required int Threads { get; init; }

    public required TimeSpan Timeout { get; init; }

    public required TimeSpan TimeoutMax { get; init; }

    /// <summary>Of the worker processes, 0 to 19; the server itself runs at 0.</summary>
    public int Niceness => Name == PoolName.Eda ? 5 : 19;

    /// <summary>All workers are started with the server, not by the first queries.</summary>
    public bool IsWarm => Name == PoolName.Eda;

    /// <summary>How a setting of this pool is called.</summary>
    public string Setting(string name) => Name == PoolName.Eda ? $"query.{name}" : $"query.etl_{name}";
}
