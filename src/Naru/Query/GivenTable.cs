using System.Collections.Immutable;
using Naru.Lake.Catalog;

namespace Naru.Query;

/// <summary>A catalog with one more table, whose files its caller keeps while the statement runs.</summary>
internal sealed class GivenTable(ILakeCatalog catalog, TableSnapshot given) : ILakeCatalog
{
    public ImmutableArray<TableDescription> Tables =>
        [.. catalog.Tables, new TableDescription(given.Name, given.Schema, "", System: true)];

    public async ValueTask<ISnapshotLease> LeaseAsync(
        IReadOnlyCollection<TableName> tables, CancellationToken cancellationToken)
    {
        TableName[] others = [.. tables.Where(name => name != given.Name)];
        ISnapshotLease lease = others.Length == 0
            ? NoTables.Instance
            : await catalog.LeaseAsync(others, cancellationToken).ConfigureAwait(false);
        return others.Length == tables.Count ? lease : new Lease(lease, given);
    }

    private sealed class Lease(ISnapshotLease lease, TableSnapshot given) : ISnapshotLease
    {
        public long Landing => lease.Landing;

        public ImmutableArray<TableSnapshot> Tables => [.. lease.Tables, given];

        public void Dispose() => lease.Dispose();
    }
}
