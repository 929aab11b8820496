namespace Naru.Cli.Sql;

/// <summary>Finds who answers.</summary>
internal static class QueryTargets
{
    /// <summary>`--server URL`, else the running server of the project, else the default address.</summary>
    public static ValueTask<IQueryTarget> OpenAsync(
        string? server, string? project, string? key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult<IQueryTarget>(new HttpQueryTarget(ServerConnection.Open(server, project, key)));
    }
}
