namespace Naru.Query.Worker;

/// <summary>
/// Keeps one unused session ready: the next is opened as soon as the last has ended, on a thread that no query has
/// narrowed (a thread made by a query's thread would inherit that query's Landlock layer).
/// </summary>
internal sealed class SessionSupply
{
    private readonly WorkerChannel _channel;
    private readonly WorkerSetup _setup;
    private readonly TimeZoneInfo _zone;
    private readonly object _gate = new();

    public SessionSupply(WorkerChannel channel, WorkerSetup setup)
    {
        _channel = channel;
        _setup = setup;

        // Read here once: a query's thread may not open the zone's file.
        _zone = TimeZoneInfo.FindSystemTimeZoneById(setup.ZoneName);
        Current = new QuerySession(channel, setup, _zone);
        new Thread(Renew) { IsBackground = true, Name = "naru-sessions" }.Start();
    }

    /// <summary>The session that was used last, or is next.</summary>
    public QuerySession Current { get; private set; }

    /// <summary>The session for the next command: the present one while it is unused, else its successor.</summary>
    public QuerySession Next()
    {
        lock (_gate)
        {
            while (Current.Used)
            {
                Monitor.Wait(_gate);
            }

            return Current;
        }
    }

    private void Renew()
    {
        while (true)
        {
            Current.WaitEnd();
            QuerySession next = new(_channel, _setup, _zone);
            next.WaitOpen();
            lock (_gate)
            {
                Current = next;
                Monitor.PulseAll(_gate);
            }
        }
    }
}
