using Naru.Lake.Delta;
using static Naru.Tests.Lake.DeltaTestData;

namespace Naru.Tests.Lake;

public class DeltaLeaseTests
{
    private readonly MemoryFiles _files = new();
    private readonly SteppedClock _clock = new();

    [Fact]
    public void A_lease_keeps_its_version_readable_until_it_is_given_back()
    {
        DeltaTable table = Open(_files, _clock);
        table.Commit(Append(WriteFile(_files, table, 1, 0), "a", 1));
        DeltaLease lease = table.Lease();
        table.Commit(Append(WriteFile(_files, table, 2, 0), "a", 2));
        Assert.Same(lease.Version, Assert.Single(table.Readable().Leased));
        Assert.Equal(1, lease.Version.Version);
        lease.Dispose();
        lease.Dispose();
        Assert.Empty(table.Readable().Leased);
    }

    [Fact]
    public void Old_leases_of_past_versions_end_and_their_readers_are_told()
    {
        DeltaTable table = Open(_files, _clock);
        using DeltaLease old = table.Lease();
        _clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(0, table.EndLeasesOlderThan(TimeSpan.FromMinutes(10)));
        using DeltaLease young = table.Lease();
        table.Commit(Append(WriteFile(_files, table, 1, 0), "a", 1));
        using DeltaLease current = table.Lease();
        Assert.Equal(1, table.EndLeasesOlderThan(TimeSpan.FromMinutes(10)));
        Assert.True(old.Ended.IsCancellationRequested);
        Assert.False(young.Ended.IsCancellationRequested);
        Assert.Equal(2, table.Readable().Leased.Count);
    }
}
