namespace Naru.Lake.Delta;

/// <summary>
/// Holds the files of one version: while it is not disposed, vacuum deletes none of them, unless the lease is
/// <see cref="Ended"/> because sensitive data had to go.
/// </summary>
public sealed class DeltaLease : IDisposable
{
    private readonly DeltaTable _table;
    private readonly CancellationTokenSource _ended = new();

    internal DeltaLease(DeltaTable table, DeltaVersion version, DateTimeOffset since)
    {
        _table = table;
        Version = version;
        Since = since;
        Ended = _ended.Token;
    }

    public DeltaVersion Version { get; }

    public DateTimeOffset Since { get; }

    /// <summary>Cancelled when the files may be deleted under the reader, who then must stop.</summary>
    public CancellationToken Ended { get; }

    public void Dispose()
    {
        _table.Release(this);
        _ended.Dispose();
    }

    /// <summary>
    /// Called after the table forgot the lease, so at most once and never beside <see cref="Dispose"/>'s end.
    /// </summary>
    internal void End()
    {
        try
        {
            _ended.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The reader finished meanwhile.
        }
    }
}
