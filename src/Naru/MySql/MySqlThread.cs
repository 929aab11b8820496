namespace Naru.MySql;

/// <summary>Lets calls that wait for a server run on threads of their own.</summary>
internal static class MySqlThread
{
    public static Task<T> RunAsync<T>(Func<T> call, CancellationToken cancellationToken) => Task.Factory.StartNew(
        call, cancellationToken, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
        TaskScheduler.Default);

    /// <summary>When it is cancelled, the session is ended on both sides and of no further use.</summary>
    public static async Task<T> RunAsync<T>(
        MySqlConnection connection, Func<MySqlConnection, T> call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            await using (cancellationToken.UnsafeRegister(
                static connection => ((MySqlConnection)connection!).Cut(), connection).ConfigureAwait(false))
            {
                return await RunAsync(() => call(connection), CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (MySqlException) when (cancellationToken.IsCancellationRequested)
        {
            await RunAsync(
                () =>
                {
                    connection.Kill();
                    return true;
                },
                CancellationToken.None).ConfigureAwait(false);
            throw new OperationCanceledException(cancellationToken);
        }
    }
}
