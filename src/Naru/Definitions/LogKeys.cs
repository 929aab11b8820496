using System.Collections.Immutable;

namespace Naru.Definitions;

/// <summary>
/// Every key that a file in `logs/` may hold. `docs/definitions.md` describes each; a test holds that.
/// </summary>
internal static class LogKeys
{
    public static readonly ImmutableArray<string> Log =
    [
        "log", "description", "owner", "screen", "fields", "unknown_fields", "time", "sent", "id", "max_future",
        "max_past", "late_after", "lifetime", "partition", "retired", "breaking_change",
    ];

    public static readonly ImmutableArray<string> Field =
    [
        "type", "required", "sensitive", "from", "min", "max", "enum", "pattern", "length", "description", "example",
    ];

    public static readonly ImmutableArray<string> Lifetime = ["secure", "hot", "warm", "total"];

    public static readonly ImmutableArray<string> BreakingChange = ["version", "reason"];
}
