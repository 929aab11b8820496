using System.Collections.Immutable;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;
using Naru.Lake.Volumes;
using Naru.Stream.Aggregate;
using Naru.Stream.Landing;

namespace Naru.Stream;

/// <summary>
/// What SQL may read of a project at rest: landed files, and the system tables that files alone can answer. The caller
/// holds the project's lock, so nothing changes while this is used; it changes nothing itself.
/// </summary>
internal sealed class RestingCatalog : ILakeCatalog
{
    private readonly LakeTables _tables;
    private readonly ITableFileWriter _writer;
    private readonly IFileSystem _files;
    private readonly string _scratch;
    private readonly ImmutableArray<ISystemTable> _system;
    private readonly TableListing _listing;
    private readonly LandingRecord? _last;
    private long _systemFiles;

    /// <param name="storage">Its tail folder takes the files of system tables.</param>
    /// <param name="definitions">As they are published.</param>
    /// <param name="aggregates">Those whose tables can be read.</param>
    /// <param name="last">The last landing, if any.</param>
    /// <param name="others">Tables that need no server, and those that other slices fill.</param>
    public RestingCatalog(
        CatalogStorage storage,
        DefinitionSet definitions,
        ImmutableArray<ServedAggregate> aggregates,
        LandingRecord? last,
        OtherTables others)
    {
        _tables = storage.Tables;
        _writer = storage.Writer;
        _files = storage.Files;
        _scratch = storage.TailDirectory;
        _system = others.Made;
        _last = last;
        _listing = TableListing.Of(definitions, aggregates, others, _tables);
    }

    public ImmutableArray<TableDescription> Tables => _listing.Tables;

    public async ValueTask<ISnapshotLease> LeaseAsync(
        IReadOnlyCollection<TableName> tables, CancellationToken cancellationToken)
    {
        List<TableSnapshot> leased = [];
        List<string> scratch = [];
        foreach (TableName name in tables)
        {
            if (_listing.Shapes.TryGetValue(name, out TableShape? shape))
            {
                leased.Add(Landed(name, shape));
                continue;
            }

            ISystemTable system = _system.Single(table => table.Name == name.Name);
            using ColumnBatch rows = new(system.Schema);
            await system.FillAsync(rows, cancellationToken).ConfigureAwait(false);
            string path = $"{_scratch}/{name.Name}-{Interlocked.Increment(ref _systemFiles)}{_writer.Extension}";
            _writer.Write(rows, Enumerable.Range(0, rows.RowCount).ToArray(), 0, path);
            scratch.Add(path);
            leased.Add(new TableSnapshot(name, system.Schema, [], [], [path]));
        }

        return new Lease(_files, _tables.Volumes, (_last?.Number ?? 0, [.. leased]), scratch);
    }

    /// <summary>
    /// The table's files; and those of the last landing where a crash came between its record, which made it landed,
    /// and the table's commit, which the next start makes.
    /// </summary>
    private TableSnapshot Landed(TableName name, TableShape shape)
    {
        TableName stored = _listing.StoredAs(name);
        DeltaVersion? version = _tables.Find(stored)?.Current;
        IEnumerable<string> files = version?.Files.Select(static file => file.Path) ?? [];
        if (_last is not null && !Holds(version, stored, _last))
        {
            TableLanding[] pending = [.. _last.Tables.Where(table => table.Table == stored)];
            files = files.Except(pending.SelectMany(static table => table.Removes), StringComparer.Ordinal)
                .Concat(pending.SelectMany(static table => table.Files).Select(static file => file.Path));
        }

        string[] paths = [.. files];
        return new TableSnapshot(
            name, shape.Schema, shape.PartitionColumns, [.. paths.Select(path => _tables.PathOf(stored, path))], [])
        {
            Facts = [.. paths.Select(path => version?.FilesByPath.GetValueOrDefault(path))],
        };
    }

    private static bool Holds(DeltaVersion? version, TableName table, LandingRecord landing) =>
        version is not null && table.Schema == AggregateTables.Schema
            ? version.Txns.TryGetValue(Lander.LandingAppId(landing.Topic, landing.Incarnation), out long number)
                && number >= landing.Number
            : version is not null && landing.Partitions.Where(static partition => partition.Advanced).All(partition =>
            version.Txns.TryGetValue(Lander.AppId(landing.Topic, landing.Incarnation, partition.Partition), out long to)
            && to >= partition.To - 1);

    private sealed class Lease(
        IFileSystem files, LakeVolumes volumes, (long Landing, ImmutableArray<TableSnapshot> Tables) of,
        List<string> scratch)
        : ISnapshotLease
    {
        private readonly List<IDisposable> _held = [];

        public long Landing => of.Landing;

        public ImmutableArray<TableSnapshot> Tables => of.Tables;

        public ValueTask FetchAsync(IReadOnlyList<TableSnapshot> tables, CancellationToken cancellationToken) =>
            volumes.HoldAsync(
                tables.SelectMany(static table => table.Facts.OfType<DeltaFile>()), _held, cancellationToken);

        public void Dispose()
        {
            _held.ForEach(static pin => pin.Dispose());
            foreach (string path in scratch)
            {
                files.Delete(path);
            }
        }
    }
}
