using System.Collections.Immutable;

namespace Naru.Definitions.JsonSchema;

/// <summary>
/// A log made from a JSON Schema. Every event that the schema accepts is accepted by the log, but for what
/// <see cref="Stricter"/> says; what <see cref="Looser"/> lists, the log lets through.
/// </summary>
internal sealed record ImportResult(LogDefinition Log, ImmutableArray<string> Looser, ImmutableArray<string> Stricter);

/// <summary>The schema cannot become a log; the message says why and how to go on.</summary>
internal sealed class ImportException(string message, string hint) : Exception(message)
{
    public string Hint { get; } = hint;
}
