using Naru.Lake.DuckDb;

namespace Naru.Query.Gate;

/// <summary>
/// approx_count_distinct means ours: of 4,096 registers, 1.6% RMS error, and the number that an aggregate of the stream
/// gives for the same values. DuckDB 1.5.6's own has 64 registers and errs by 10%, at times 34%. It cannot be replaced
/// under its name, so ours carries another of the same length, which the gate puts into the text.
/// Calls over a window, and with ORDER BY among the arguments, stay DuckDB's own (see <see cref="ExactAggregates"/>).
/// </summary>
internal static class OwnAggregates
{
    private const string Name = "approx_count_distinct";
    private const string InternalName = "naru_approx_distincts";

    public static void Register(DuckDbConnection connection) =>
        ExactAggregates.RegisterApproxCountDistinct(connection, InternalName);

    /// <summary>What to write in place of a function's name, or null to leave it.</summary>
    public static string? InternalNameOf(string function) => SqlName.Same(function, Name) ? InternalName : null;

    public static bool AreIn(string sql) => sql.Contains(InternalName, StringComparison.Ordinal);

    /// <summary>Text of the engine's as the user wrote the names.</summary>
    public static string AsWritten(string text) => text.Replace(InternalName, Name, StringComparison.Ordinal);
}
