using System.Collections.Immutable;
using Microsoft.AspNetCore.Http;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Query;
using Naru.Query.Sandbox;

namespace Naru.External;

/// <summary>The lake's tables and those over files of others, for every way of asking.</summary>
internal sealed class ExternalCatalog(ILakeCatalog lake, ExternalShapes shapes) : ILakeCatalog
{
    private readonly Lock _gate = new();
    private (ImmutableArray<TableDescription> Lake, ImmutableArray<ExternalView> Views,
        ImmutableArray<TableDescription> All) _listed = ([], [], []);

    /// <summary>The same array while nothing changed: what is known of callers' rights hangs on it.</summary>
    public ImmutableArray<TableDescription> Tables
    {
        get
        {
            ImmutableArray<TableDescription> own = lake.Tables;
            ImmutableArray<ExternalView> views = shapes.Current;
            lock (_gate)
            {
                if (_listed.Lake != own || _listed.Views != views)
                {
                    _listed = (own, views,
                        views.IsEmpty ? own : [.. own, .. views.Select(static view => view.Description)]);
                }

                return _listed.All;
            }
        }
    }

    public async ValueTask<ISnapshotLease> LeaseAsync(
        IReadOnlyCollection<TableName> tables, CancellationToken cancellationToken)
    {
        TableName[] own = [.. tables.Where(static name => name.Schema != ExternalTable.Schema)];
        if (own.Length == tables.Count)
        {
            return await lake.LeaseAsync(own, cancellationToken).ConfigureAwait(false);
        }

        List<(TableSnapshot Table, LocationListing Listing)> others =
            [.. tables.Where(static name => name.Schema == ExternalTable.Schema).Select(Snapshot)];
        ISnapshotLease? landed = own.Length == 0
            ? null
            : await lake.LeaseAsync(own, cancellationToken).ConfigureAwait(false);
        return new Lease(landed, others);
    }

    private (TableSnapshot Table, LocationListing Listing) Snapshot(TableName name)
    {
        ExternalView? view = shapes.Current.FirstOrDefault(view => view.Table.Table == name);
        if (view is null)
        {
            throw Fault(name, "its definition is gone", "ask again");
        }

        ExternalTable table = view.Table;
        try
        {
            LocationListing listing = LocationListing.Read(table.Location, shapes.Rules);
            if (listing.Files.IsEmpty && !table.AllowsEmpty)
            {
                throw Fault(
                    name, "no file matches its location", $"`empty: allow` in {table.File} takes that for no rows");
            }

            if (view.Fault is { } fault && !listing.Files.IsEmpty)
            {
                throw Fault(name, fault, $"ask again, or name its columns under `columns` in {table.File}");
            }

            return (SnapshotOf(view, listing.Folder, listing.Files), listing);
        }
        catch (LocationException exception)
        {
            throw Fault(name, exception.Told, $"`naru check` says more of {table.File}");
        }
    }

    public static TableSnapshot SnapshotOf(
        ExternalView view, string folder, IReadOnlyCollection<LocatedFile> files) => new(
        view.Table.Table,
        view.Columns,
        [.. view.Table.Partitions.Select(static column => column.Name)],
        [.. files.Select(static file => file.Path)],
        [])
        {
            Outside = new OutsideFiles(view.Table.Format, view.Table.Csv, folder),
            Facts =
        [
            .. files.Select(static file => new DeltaFile
            {
                Path = file.Path,
                PartitionValues = file.Values,
                Bytes = file.Stamp.Bytes,
                Rows = -1,
                ModificationTime = file.Stamp.WrittenAt / 1_000_000,
            }),
        ],
        };

    private static QueryException Fault(TableName table, string message, string hint) =>
        new(new QueryError(QueryCodes.TableFile, $"{table}: {message}")
        {
            Status = StatusCodes.Status503ServiceUnavailable, Hint = hint,
        });

    /// <summary>Files of others cannot be held, so they are held against what they were when they have been read.
    /// </summary>
    private sealed class Lease(ISnapshotLease? landed, List<(TableSnapshot Table, LocationListing Listing)> others)
        : ISnapshotLease
    {
        private readonly List<TableSnapshot> _read = [];

        public long Landing => landed?.Landing ?? 0;

        public ImmutableArray<TableSnapshot> Tables =>
            [.. landed?.Tables ?? [], .. others.Select(static each => each.Table)];

        public async ValueTask FetchAsync(IReadOnlyList<TableSnapshot> tables, CancellationToken cancellationToken)
        {
            _read.AddRange(tables.Where(static table => table.Outside is not null));
            if (landed is not null)
            {
                await landed.FetchAsync([.. tables.Where(static table => table.Outside is null)], cancellationToken)
                    .ConfigureAwait(false);
            }
        }

        public void Verify()
        {
            landed?.Verify();
            foreach (TableSnapshot table in _read)
            {
                Dictionary<string, FileStamp> listed = others.Single(each => each.Table.Name == table.Name)
                    .Listing.Files.DistinctBy(static file => file.Path)
                    .ToDictionary(static file => file.Path, static file => file.Stamp, StringComparer.Ordinal);
                foreach (string file in table.Files)
                {
                    FileStamp? now = FileStamp.Of(file);
                    if (now != listed[file])
                    {
                        string name = OutsideErrors.NameOf(file, table.Outside!.Folder);
                        string what = now is null ? "was taken away" : "was changed";
                        throw new StorageException(
                            StorageFault.Io, $"{table.Name}: {name} {what} while it was read");
                    }
                }
            }
        }

        public void Dispose() => landed?.Dispose();
    }
}
