using System.Collections.Immutable;
using Naru.Core;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;
using Naru.Stream.Aggregate;
using Naru.Stream.Landing;
using Naru.Stream.Tail;

namespace Naru.Stream;

/// <summary>
/// What SQL may read: each log's groups (landed files and tail), the stream's own tables, and the system tables that
/// the server makes when asked.
/// </summary>
internal sealed class StreamCatalog : ILakeCatalog
{
    private readonly StreamWorker _worker;
    private readonly IDefinitionSource _definitions;
    private readonly LakeTables _tables;
    private readonly ITableFileWriter _writer;
    private readonly IFileSystem _files;
    private readonly string _tailDirectory;
    private readonly ImmutableArray<ISystemTable> _system;
    private readonly KeptTables _kept;
    private readonly IFilledTables _batch;
    private long _systemFiles;
    private TableListing? _listing;

    public StreamCatalog(
        StreamWorker worker,
        IDefinitionSource definitions,
        CatalogStorage storage,
        IEnumerable<ISystemTable> system,
        TablesOfSlices filled)
    {
        _kept = filled.Kept;
        _batch = filled.Batch;
        _worker = worker;
        _definitions = definitions;
        _tables = storage.Tables;
        _writer = storage.Writer;
        _files = storage.Files;
        _tailDirectory = storage.TailDirectory;
        _system = [.. system.OrderBy(static table => table.Name, StringComparer.Ordinal)];
    }

    public ImmutableArray<TableDescription> Tables => Current().Tables;

    public async ValueTask<ISnapshotLease> LeaseAsync(
        IReadOnlyCollection<TableName> tables, CancellationToken cancellationToken)
    {
        List<TableName> landed = [.. tables.Where(name => FindSystem(name) is null && _kept.Find(name) is null)];
        StreamLease lease = await _worker
            // Which version of an aggregate serves is asked there too: its open windows must be of the same.
            .InvokeAsync((engine, context) => LeaseLanded(engine, context, Current(), landed), cancellationToken)
            .ConfigureAwait(false);
        try
        {
            foreach (TableName name in tables)
            {
                if (FindSystem(name) is { } system)
                {
                    lease.Add(await FillAsync(name, system, cancellationToken).ConfigureAwait(false));
                }
                else if (_kept.Find(name) is { } kept)
                {
                    LeaseKept(lease, name, kept);
                }
            }
        }
        catch
        {
            lease.Dispose();
            throw;
        }

        return lease;
    }

    private static StreamLease LeaseLanded(
        StreamEngine engine, LandingContext context, TableListing listing, List<TableName> names)
    {
        StreamLease lease = new(context, engine.Landed);
        try
        {
            foreach (TableName name in names)
            {
                TableShape shape = listing.Shapes[name];
                TableName stored = listing.StoredAs(name);
                DeltaTable? table = context.Tables.Find(stored);
                DeltaVersion? version = null;
                if (table?.Lease() is { } held)
                {
                    lease.Add(held);
                    version = held.Version;
                }

                ImmutableArray<TailFile> tail = engine.FlushTail(stored, version);
                lease.Add(tail);
                lease.Add(new TableSnapshot(
                    name,
                    shape.Schema,
                    shape.PartitionColumns,
                    version is null ? [] : [.. version.Files.Select(table!.PathOf)],
                    [.. tail.Select(static file => file.Path)])
                {
                    Facts = version is null ? [] : [.. version.Files],
                });
            }
        }
        catch
        {
            lease.Dispose();
            throw;
        }

        return lease;
    }

    private ISystemTable? FindSystem(TableName name) =>
        name.Schema == StreamTables.Schema && name.Group == ColumnGroup.Fields
            ? _system.FirstOrDefault(table => table.Name == name.Name)
            : null;

    private async ValueTask<(TableSnapshot Table, string File)> FillAsync(
        TableName name, ISystemTable system, CancellationToken cancellationToken)
    {
        using ColumnBatch rows = new(system.Schema);
        await system.FillAsync(rows, cancellationToken).ConfigureAwait(false);
        string path = Write(name, rows);
        return (new TableSnapshot(name, system.Schema, [], [], [path]), path);
    }

    private void LeaseKept(StreamLease lease, TableName name, IKeptTable kept)
    {
        using ColumnBatch rows = new(kept.Shape.Schema);
        DeltaLease? held = _kept.Lease(kept, rows);
        if (held is not null)
        {
            lease.Add(held);
        }

        string path = Write(name, rows);
        lease.Add((
            new TableSnapshot(
                name,
                kept.Shape.Schema,
                StreamTables.PartitionColumns,
                held is null ? [] : [.. held.Version.Files.Select(_tables.Find(name)!.PathOf)],
                [path]),
            path));
    }

    private string Write(TableName name, ColumnBatch rows)
    {
        string path = $"{_tailDirectory}/{name.Name}-{Interlocked.Increment(ref _systemFiles)}{_writer.Extension}";
        _writer.Write(rows, Enumerable.Range(0, rows.RowCount).ToArray(), 0, path);
        return path;
    }

    /// <summary>Made anew when the definitions changed.</summary>
    private TableListing Current()
    {
        DefinitionSet definitions = _definitions.Current;
        ImmutableArray<ServedAggregate> aggregates = _worker.Status.Aggregates;
        TableListing? listing = Volatile.Read(ref _listing);
        ImmutableArray<FilledTable> batch = _batch.Current;
        if (listing is null || !ReferenceEquals(listing.Definitions, definitions) || listing.Aggregates != aggregates
            || listing.Batch != batch)
        {
            listing = TableListing.Of(
                definitions, aggregates, new OtherTables(_system, _kept.Shapes, batch), _tables);
            Volatile.Write(ref _listing, listing);
        }

        return listing;
    }

    /// <summary>Holds table versions and tail files until it is disposed. Used by one query.</summary>
    private sealed class StreamLease(LandingContext context, long landing) : ISnapshotLease
    {
        private readonly List<TableSnapshot> _tables = [];
        private readonly List<DeltaLease> _versions = [];
        private readonly List<TailFile> _tail = [];
        private readonly List<string> _systemFiles = [];
        private readonly List<IDisposable> _held = [];
        private bool _disposed;

        public long Landing { get; } = landing;

        public ImmutableArray<TableSnapshot> Tables => [.. _tables];

        public void Add(TableSnapshot table) => _tables.Add(table);

        public void Add(DeltaLease version) => _versions.Add(version);

        public void Add(ImmutableArray<TailFile> tail) => _tail.AddRange(tail);

        public void Add((TableSnapshot Table, string File) system)
        {
            _tables.Add(system.Table);
            _systemFiles.Add(system.File);
        }

        public ValueTask FetchAsync(IReadOnlyList<TableSnapshot> tables, CancellationToken cancellationToken) =>
            context.Tables.Volumes.HoldAsync(
                tables.SelectMany(static table => table.Facts.OfType<DeltaFile>()), _held, cancellationToken);

        public void Dispose()
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            StreamEngine.Release(context, _tail);
            _held.ForEach(static pin => pin.Dispose());
            foreach (DeltaLease version in _versions)
            {
                version.Dispose();
            }

            foreach (string file in _systemFiles)
            {
                context.Files.Delete(file);
            }
        }
    }
}

/// <summary>The tables of all slices that fill some; another array when one of theirs is.</summary>
internal sealed class FilledTableList(ImmutableArray<IFilledTables> slices) : IFilledTables
{
    private readonly Lock _gate = new();
    private ImmutableArray<ImmutableArray<FilledTable>> _parts = [];
    private ImmutableArray<FilledTable> _all = [];

    public ImmutableArray<FilledTable> Current
    {
        get
        {
            ImmutableArray<ImmutableArray<FilledTable>> parts = [.. slices.Select(static slice => slice.Current)];
            lock (_gate)
            {
                if (_parts.Length != parts.Length || !_parts.Zip(parts).All(static pair => pair.First == pair.Second))
                {
                    _parts = parts;
                    _all = [.. parts.SelectMany(static part => part).DistinctBy(static table => table.Name)];
                }

                return _all;
            }
        }
    }
}

/// <summary>Tables that other slices fill.</summary>
internal sealed record TablesOfSlices(KeptTables Kept, IFilledTables Batch);

internal sealed record CatalogStorage(LakeTables Tables, ITableFileWriter Writer, IFileSystem Files,
    string TailDirectory);
