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
#pragma warning disable RS0030 // An advisory lock is no persistent IO: nothing of it must survive.
    private readonly FileStream _file;

    private ProjectLock(FileStream file) => _file = file;

    /// <summary>Null when another process holds the project.</summary>
    public static ProjectLock? TryTake(ProjectPaths paths, IFileSystem files)
    {
        files.CreateDirectory(paths.Data);
        try
        {
            // Only None makes .NET take the kernel's exclusive lock; any sharing takes a shared one, which all may
            // hold.
            return new ProjectLock(new FileStream(
                paths.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception) when (exception is not (FileNotFoundException or DirectoryNotFoundException))
        {
            return null;
        }
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

        // Not through a FileStream, which would ask for the lock again.
        string address = Encoding.UTF8.GetString(WholeFile.Read(files, paths.LockFile) ?? []).Trim();
        return address.Length == 0 ? null : address;
    }

    public void Announce(string address)
    {
        _file.SetLength(0);
        _file.Write(Encoding.UTF8.GetBytes(address));
        _file.Flush();
    }

    public void Dispose()
    {
        _file.SetLength(0);
        _file.Dispose();
    }
#pragma warning restore RS0030
}
