using Naru.Query.Gate;

namespace Naru.Query.Trino;

/// <summary>What this server tells of itself to Trino's clients.</summary>
internal static class TrinoServer
{
    /// <summary>
    /// Drivers read a number of Trino's here and ask for what that version has; this is the protocol's that is spoken.
    /// </summary>
    public const string Version = "476.naru";

    public static IEnumerable<string> TablesOf(string catalog, string schema) =>
        VirtualTables.InternalSchema(catalog, schema) is string known ? VirtualTables.In(known) : [];
}
