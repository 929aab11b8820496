using System.Collections.Immutable;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;

namespace Naru.Stream.Audit;

/// <summary>Runs an audit beside a working stream: all sources as of one landing.</summary>
internal sealed class AuditRunner(
    StreamWorker worker, ITopicLog topic, IFileSystem files, Configuration.ProjectPaths paths,
        IDefinitionSource definitions)
{
    public async Task<AuditReport> RunAsync(long from, long to, CancellationToken cancellationToken)
    {
        (long Landing, ImmutableDictionary<TableName, DeltaVersion> Tables)? moment = null;
        while (moment is null)
        {
            Task next = worker.NextLanding;
            moment = await worker.InvokeAsync(static (engine, context) =>
                Capture(engine, context.Tables), cancellationToken)
                .ConfigureAwait(false);
            if (moment is null)
            {
                await next.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        AuditSources sources = new(topic, files, paths.Landings, definitions)
        {
            LastLanding = moment.Value.Landing,
            Tables = moment.Value.Tables,
        };
        return await Task.Run(() => new LandingAudit(sources).Run(from, to), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Null while a landing is under way: its tables are committed one after the other.</summary>
    private static (long, ImmutableDictionary<TableName, DeltaVersion>)? Capture(StreamEngine engine,
        LakeTables tables) =>
        engine.Landing
            ? null
            : (engine.Landed,
                tables.All().ToImmutableDictionary(static table => table.Name, static table => table.Table.Current));
}
