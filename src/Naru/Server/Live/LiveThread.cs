namespace Naru.Server.Live;

/// <summary>
/// Threads for what takes as long as there are rows: reading a million of them would hold one of the threads that
/// requests are answered on, of which there is one a core.
/// </summary>
internal static class LiveThread
{
    /// <summary>Runs work on a thread of its own.</summary>
    public static Task<T> RunAsync<T>(Func<T> work) => Task.Factory.StartNew(
        work,
        CancellationToken.None,
        TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
        TaskScheduler.Default);
}
