using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;

namespace Naru.Sources;

/// <summary>Reads a source's secrets when they are needed, and hands them to its kind of server.</summary>
/// <param name="files">Where `file:` secrets are.</param>
/// <param name="root">The project's folder.</param>
/// <param name="zone">The project's.</param>
internal sealed class SourceConnector(IFileSystem files, string root, ProjectZone zone)
{
    /// <summary>Shorter ones would be found in any text.</summary>
    private const int ScrubbedLengthMin = 4;

    /// <summary>Connects to nothing yet. Throws <see cref="SourceException"/> where a secret is not there.</summary>
    /// <param name="source">Which.</param>
    /// <param name="shard">Which of its databases.</param>
    /// <param name="database">Another database of the same server; null for the shard's own.</param>
    public ISourceServer Open(SourceDefinition source, SourceShard shard, string? database = null) =>
        source.Kind.Open(EndpointOf(source, shard, database));

    public SourceEndpoint EndpointOf(SourceDefinition source, SourceShard shard, string? database = null) => new()
    {
        Host = shard.Host,
        Port = shard.Port,
        Database = database ?? shard.Database,
        User = SecretReference.Fault(source.User) is null ? Read(source, "user", source.User) : source.User,
        Password = source.Password.Length == 0
            ? SourceSecret.None : new SourceSecret(Read(source, "password", source.Password)),
        Tls = source.Tls,
        TlsAuthorities = source.TlsAuthorities.Length == 0 ? "" : Path.Combine(root, source.TlsAuthorities),
        ConnectTimeout = source.ConnectTimeout,
        StatementTimeout = source.StatementTimeout,
        Zone = source.Zone.Length == 0 ? zone : ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById(source.Zone)),
    };

    /// <summary>A server's message without the password, should it ever repeat it.</summary>
    public string Scrub(SourceDefinition source, string message)
    {
        string? password = source.Password.Length == 0
            ? null : SecretReference.Read(source.Password, files, root, out _);
        return password is { Length: >= ScrubbedLengthMin }
            ? message.Replace(password, "(secret)", StringComparison.Ordinal) : message;
    }

    private string Read(SourceDefinition source, string key, string reference) =>
        SecretReference.Read(reference, files, root, out string problem)
            ?? throw new SourceException(
                $"`{key}` of source {source.Name}: {problem}; set it for the server, and start the server again if it "
                + "is a variable");
}
