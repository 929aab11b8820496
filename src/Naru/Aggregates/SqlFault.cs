using System.Text.Json.Nodes;

namespace Naru.Aggregates;

/// <summary>
/// Something in a query that cannot be compiled: ends the clause it is in, which is where it is caught and noted, so
/// that each clause tells its own.
/// </summary>
internal sealed class SqlFault(JsonNode? at, string message, string hint) : Exception(message)
{
    public JsonNode? At { get; } = at;

    public string Hint { get; } = hint;
}
