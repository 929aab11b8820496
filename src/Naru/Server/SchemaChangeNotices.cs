using Microsoft.Extensions.DependencyInjection;
using Naru.Sources;
using Naru.Watch.Alerts;

namespace Naru.Server;

/// <summary>Tells what changed on a source's server where alerts are told, with the source's owner.</summary>
internal sealed class SchemaChangeNotices(IServiceProvider services) : ISchemaChangeTold
{
    private const string Alert = "schema_change";

    public void Tell(SourceDefinition source, SchemaChange change)
    {
        string owner = source.Owner.Length == 0 ? "nobody (write `owner` in its file)" : source.Owner;
        services.GetRequiredService<AlertWatch>().Announce(new AlertNotice(
            Alert,
            $"{source.Name}.{change.ServerTable}",
            AlertState.Firing,
            change.Change == "table_gone",
            Again: false,
            $"{change}; the source's policy is {change.Policy}",
            $"Owner of source {source.Name}: {owner}.",
            DateTimeOffset.UnixEpoch.AddMicroseconds(change.At)));
    }
}
