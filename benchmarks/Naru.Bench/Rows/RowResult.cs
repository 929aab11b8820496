namespace Naru.Bench.Rows;

/// <summary>One line of the table: what was measured, beside what, and whether the target is met.</summary>
/// <param name="Row">P1 to P12.</param>
/// <param name="What">The case.</param>
internal sealed record RowResult(string Row, string What)
{
    public required string Naru { get; init; }

    /// <summary>The floor or the peer of the same run.</summary>
    public string Peer { get; init; } = "";

    public string Ratio { get; init; } = "";

    public required string Target { get; init; }

    /// <summary>Null where it cannot be said: a peer is absent, or the case is told for information.</summary>
    public required bool? Met { get; init; }

    /// <summary>What else one should know of the figure; printed below the table.</summary>
    public string Note { get; init; } = "";
}

/// <summary>A row of PERFORMANCE.md that can be run by itself.</summary>
internal sealed record BenchRow(string Id, string About, Func<BenchSetup, Task<IReadOnlyList<RowResult>>> Run);
