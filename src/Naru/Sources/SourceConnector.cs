using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;

namespace Naru.Sources;

/// <summary>Opens sources, with the secrets that they need.</summary>
/// <param name="files">Where `file:` secrets are.</param>
/// <param name="root">The project's folder.</param>
/// <param name="zone">The project's.</param>
internal sealed class SourceConnector(IFileSystem files, string root, ProjectZone zone)
{
    /// <summary>For kinds that read files.</summary>
    public SourceFileTools? Tools { get; init; }

    /// <summary>Shorter ones would be found in any text.</summary>
    private const int ScrubbedLengthMin = 4;

    /// <summary>Takes what kinds have to say besides rows.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Connects to nothing yet. Throws <see cref="SourceException"/> where a secret is not there.</summary>
    /// <param name="source">Which.</param>
    /// <param name="shard">Which of its databases.</param>
    /// <param name="database">Another database of the same server; null for the shard's own.</param>
    /// <param name="interval">What is filled; null for a look.</param>
    public ISourceServer Open(
        SourceDefinition source, SourceShard shard, string? database = null, Interval? interval = null) =>
        source.Kind.Open(new SourceOpening(
            source.Name, database is null ? shard.Place : shard.Place with { Database = database }, files, root, zone)
        {
            IsShard = source.IsSharded,
            Interval = interval, Tools = Tools,
            Logger = Logger,
        });

    /// <summary>A message without the source's secrets, should a server ever repeat one.</summary>
    public string Scrub(SourceDefinition source, string message) => source.Shards
        .SelectMany(static shard => shard.Place.Secrets)
        .Distinct()
        .Select(reference => SecretReference.Read(reference, files, root, out _))
        .Where(static secret => secret is { Length: >= ScrubbedLengthMin })
        .Aggregate(message, static (text, secret) => text.Replace(secret!, "(secret)", StringComparison.Ordinal));
}
