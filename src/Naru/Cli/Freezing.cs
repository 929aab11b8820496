using System.Text.Json;
using Naru.Backup;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Server;

namespace Naru.Cli;

/// <summary>A frozen project; thawed when disposed.</summary>
internal interface IFrozen : IAsyncDisposable
{
    string Folder { get; }
}

/// <summary>Freezes a project through its running server, or in this process when it is at rest.</summary>
internal static class Freezing
{
    /// <summary>Null after the reason was told.</summary>
    public static async Task<IFrozen?> FreezeAsync(
        ProjectPaths paths, IFileSystem files, CancellationToken cancellationToken)
    {
        ProjectLock? projectLock = ProjectLock.TryTake(paths, files);
        if (projectLock is not null)
        {
            try
            {
                string folder = await RestingProject.FreezeAsync(
                    files, paths, static notice => Console.Error.WriteLine(notice.Message), TimeProvider.System)
                    .ConfigureAwait(false);
                return new RestingFrozen(files, paths, folder, projectLock);
            }
            catch
            {
                ProjectFreezer.Clear(files, paths);
                projectLock.Dispose();
                throw;
            }
        }

        if (ProjectLock.RunningServer(paths, files) is null)
        {
            await Console.Error.WriteLineAsync(
                $"project \"{paths.Root}\" is open in another process, which does not listen yet\n"
                + "try again when it has started or ended").ConfigureAwait(false);
            return null;
        }

        return await AskAsync(paths, files, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<IFrozen?> AskAsync(
        ProjectPaths paths, IFileSystem files, CancellationToken cancellationToken)
    {
        ServerConnection connection = ServerConnection.Open(null, paths.Root, null);
        HttpResponseMessage? response = null;
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Post, "/v1/backup/freeze");
            response = await connection.Http
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
                .ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                StreamReader lines = new(
                    await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
                string? line = await lines.ReadLineAsync(cancellationToken).ConfigureAwait(false);
                FreezeAnswer answer = JsonSerializer.Deserialize(line ?? "", BackupJson.Default.FreezeAnswer)!;
                return new ServerFrozen(files, answer.Folder, response, connection);
            }

            string text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
            await Console.Error.WriteLineAsync(ServerConnection.ErrorText(response, text)).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException)
        {
            await Console.Error.WriteLineAsync(
                $"the project's server at {connection.Http.BaseAddress} did not freeze it: {exception.Message}\n"
                + "back up again").ConfigureAwait(false);
        }

        response?.Dispose();
        connection.Dispose();
        return null;
    }

    private sealed class RestingFrozen(IFileSystem files, ProjectPaths paths, string folder, ProjectLock projectLock)
        : IFrozen
    {
        public string Folder => folder;

        public ValueTask DisposeAsync()
        {
            ProjectFreezer.Clear(files, paths);
            projectLock.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Ends the answer, upon which the server clears the folder, unless it stopped meanwhile.</summary>
    private sealed class ServerFrozen(
        IFileSystem files, string folder, HttpResponseMessage response, ServerConnection connection) : IFrozen
    {
        public string Folder => folder;

        public ValueTask DisposeAsync()
        {
            files.DeleteDirectory(folder);
            response.Dispose();
            connection.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
