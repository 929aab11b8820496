using Microsoft.Extensions.Logging.Abstractions;
using Naru.Definitions;
using Naru.External;
using Naru.Query;
using Naru.Query.Pool;

namespace Naru.Cli.Sql;

/// <summary>Tables over files of others, of a project that no server has open.</summary>
internal sealed record LocalTables(ExternalSet Tables, LocationRules Rules)
{
    public ExternalShapes Open(QueryPools pools) => new(
        () => Tables,
        Rules,
        new ExternalProbe(new FileProbe(pools, TimeProvider.System)),
        new DefinitionsOptions(),
        new ShapeParts(TimeProvider.System, NullLogger.Instance));
}
