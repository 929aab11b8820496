using System.Text;
using Naru.Configuration;
using Naru.Core.Files;

namespace Naru.Server;

/// <summary>
/// Holds a project for writing: one process at a time. The kernel gives the lock back when the process ends, however
/// it ends. The file's text is the address where the holder listens, for commands that look for a running server.
/// </summary>
internal sealed class ProjectLock : IDisposable
{
    private readonly FileLock _held;

    private ProjectLock(FileLock held) => _held = held;

    /// <summary>Null when another process holds the project.</summary>
    public static ProjectLock? TryTake(ProjectPaths paths, IFileSystem files)
    {
        files.CreateDirectory(paths.Data);
        return FileLock.TryTake(paths.LockFile) is { } held ? new ProjectLock(held) : null;
    }

    /// <summary>Where the project's server listens; null when none runs.</summary>
    public static string? RunningServer(ProjectPaths paths, IFileSystem files)
    {
        if (!files.FileExists(paths.LockFile))
        {
            return null;
        }

        using (ProjectLock? free = TryTake(paths, files))
        {
            if (free is not null)
            {
                return null;
            }
        }

        // Not through a FileLock, which would ask for the lock again.
        string address = Encoding.UTF8.GetString(WholeFile.Read(files, paths.LockFile) ?? []).Trim();
        return address.Length == 0 ? null : address;
    }

    public void Announce(string address) => _held.Write(address);

    public void Dispose() => _held.Dispose();
}
