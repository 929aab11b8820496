using System.Text;

namespace Naru.Core.Files;

/// <summary>
/// Holds a file for one process. The kernel gives the lock back when the process ends, however it ends. Beside
/// <see cref="IFileSystem"/>, because nothing of it must survive.
/// </summary>
public sealed class FileLock : IDisposable
{
#pragma warning disable RS0030 // An advisory lock is no persistent IO.
    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    /// <summary>Null when another holds it. The folder must exist.</summary>
    public static FileLock? TryTake(string path)
    {
        try
        {
            // Only None makes .NET take the kernel's exclusive lock; any sharing takes a shared one, which all may
            // hold.
            return new FileLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception) when (exception is not (FileNotFoundException or DirectoryNotFoundException))
        {
            return null;
        }
    }

    /// <summary>Replaces the file's text, for others to read while it is held.</summary>
    public void Write(string text)
    {
        _file.SetLength(0);
        _file.Write(Encoding.UTF8.GetBytes(text));
        _file.Flush();
    }

    public void Dispose()
    {
        _file.SetLength(0);
        _file.Dispose();
    }
#pragma warning restore RS0030
}
