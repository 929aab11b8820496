using Naru.Configuration;
using Naru.Core.Files;
using Naru.Query;
using Naru.Query.Worker;
using Naru.Server;

namespace Naru.Cli.Sql;

/// <summary>Finds who answers.</summary>
internal static class QueryTargets
{
    /// <summary>
    /// `--server URL`, else the running server of the project, else the project itself when it is at rest, else the
    /// default address.
    /// </summary>
    public static async ValueTask<IQueryTarget> OpenAsync(
        string? server, string? project, string? key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        PosixFileSystem files = new();
        ProjectPaths paths = new(Path.GetFullPath(project ?? "."));
        if (server is not null || !files.FileExists(paths.SettingsFile))
        {
            return project is null || server is not null
                ? new HttpQueryTarget(ServerConnection.Open(server, project, key))
                : throw new QueryException(new QueryError("no_project", $"\"{paths.Root}\" is no project")
                {
                    Hint = $"it has no {Settings.FileName}: name another folder, or a server with --server URL",
                });
        }

        if (ProjectLock.TryTake(paths, files) is { } projectLock)
        {
            LocalQueryTarget target = RestingProject.Open(projectLock, paths, files);
            await target.WarmUpAsync(cancellationToken).ConfigureAwait(false);
            return target;
        }

        return ProjectLock.RunningServer(paths, files) is not null
            ? new HttpQueryTarget(ServerConnection.Open(null, project, key))
            : throw new QueryException(new QueryError(
                "project_busy", $"project \"{paths.Root}\" is open in another process that does not listen")
            {
                Hint = "it starts, or another command works on it: try again in a moment",
            });
    }
}
