using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Naru.Core.Files;

/// <summary>
/// The local disk. Every call that promises durability goes to libc itself (see <see cref="Libc"/>); every error
/// becomes a <see cref="StorageException"/> that names the path and the mend.
/// </summary>
public sealed class PosixFileSystem : IFileSystem
{
    private const int FileMode = 0x1B0; // rw-rw---- before the umask: event data is nobody else's business
    private const int DirectoryMode = 0x1F8; // rwxrwx---
    private const int PrivateMode = 0x180; // rw-------
    private const int StatusWords = 32; // more than a struct statvfs needs on any libc

    public IFile Open(string path, FileOpen mode)
    {
        (int flags, string verb) = mode switch
        {
            FileOpen.CreateNew => (Libc.ReadWrite | Libc.Create | Libc.Exclusive, "create"),
            FileOpen.Existing => (Libc.ReadWrite, "open"),
            _ => (Libc.ReadOnly, "open for reading"),
        };
        return new PosixFile(OpenHandle(path, flags, verb), path);
    }

    public bool FileExists(string path)
    {
        if (Libc.Access(path, 0) == 0)
        {
            return !DirectoryExists(path);
        }

        int errno = Marshal.GetLastPInvokeError();
        return errno is Libc.NoEntry or Libc.NotDirectory ? false : throw StorageErrors.Make("look for", path, errno);
    }

    public bool DirectoryExists(string path)
    {
        int descriptor = Libc.Open(path, Libc.ReadOnly | Libc.DirectoryOnly | Libc.CloseOnExec, 0);
        if (descriptor >= 0)
        {
            new SafeFileHandle(descriptor, ownsHandle: true).Dispose();
            return true;
        }

        int errno = Marshal.GetLastPInvokeError();
        return errno is Libc.NoEntry or Libc.NotDirectory ? false : throw StorageErrors.Make("look for", path, errno);
    }

    public IReadOnlyList<string> List(string directory)
    {
        if (!DirectoryExists(directory))
        {
            return [];
        }

        try
        {
#pragma warning disable RS0030 // this class is the seam
            string[] names = Directory.GetFileSystemEntries(directory);
#pragma warning restore RS0030
            for (int i = 0; i < names.Length; i++)
            {
                names[i] = Path.GetFileName(names[i]);
            }

            Array.Sort(names, StringComparer.Ordinal);
            return names;
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (UnauthorizedAccessException)
        {
            throw StorageErrors.Make("list", directory, Libc.AccessDenied);
        }
        catch (IOException error)
        {
            throw new StorageException(StorageFault.Io, $"cannot list \"{directory}\": {error.Message}", error);
        }
    }

    public void CreateDirectory(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (DirectoryExists(full))
        {
            return;
        }

        string? parent = Path.GetDirectoryName(full);
        if (parent is not null)
        {
            CreateDirectory(parent);
        }

        if (Libc.MakeDirectory(full, DirectoryMode) != 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            if (errno != Libc.FileExists || !DirectoryExists(full))
            {
                StorageErrors.Throw("create the folder", full, errno);
            }
        }

        if (parent is not null)
        {
            SyncDirectory(parent);
        }
    }

    public void Rename(string from, string to)
    {
        if (Libc.Rename(from, to) != 0)
        {
            StorageErrors.Throw($"rename to \"{to}\" the file", from, Marshal.GetLastPInvokeError());
        }
    }

    public void MakePrivate(string path)
    {
        if (Libc.ChangeMode(path, PrivateMode) != 0)
        {
            StorageErrors.Throw("make private", path, Marshal.GetLastPInvokeError());
        }
    }

    public bool TryLink(string from, string to)
    {
        if (Libc.Link(from, to) == 0)
        {
            return true;
        }

        int errno = Marshal.GetLastPInvokeError();
        return errno == Libc.FileExists ? false : throw StorageErrors.Make($"link as \"{to}\" the file", from, errno);
    }

    public void Delete(string path)
    {
        if (Libc.Unlink(path) != 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            if (errno != Libc.NoEntry)
            {
                StorageErrors.Throw("delete", path, errno);
            }
        }
    }

    public void DeleteDirectory(string path)
    {
        foreach (string name in List(path))
        {
            string child = Path.Combine(path, name);
            if (Libc.Unlink(child) == 0)
            {
                continue;
            }

            int errno = Marshal.GetLastPInvokeError();
            if (errno is Libc.IsDirectory or Libc.NotPermitted && DirectoryExists(child))
            {
                DeleteDirectory(child);
            }
            else if (errno != Libc.NoEntry)
            {
                StorageErrors.Throw("delete", child, errno);
            }
        }

        if (Libc.RemoveDirectory(path) != 0 && Marshal.GetLastPInvokeError() is var error and not Libc.NoEntry)
        {
            StorageErrors.Throw("delete the folder", path, error);
        }
    }

    public void SyncDirectory(string path)
    {
        using SafeFileHandle handle = OpenHandle(path, Libc.ReadOnly | Libc.DirectoryOnly, "open the folder");
        if (Libc.Fsync(handle) != 0)
        {
            StorageErrors.Throw("sync the folder", path, Marshal.GetLastPInvokeError());
        }
    }

    public long FreeBytes(string path)
    {
        (long unit, _, long available) = VolumeOf(path);
        return checked(unit * available);
    }

    public long TotalBytes(string path)
    {
        (long unit, long blocks, _) = VolumeOf(path);
        return checked(unit * blocks);
    }

    private static SafeFileHandle OpenHandle(string path, int flags, string verb)
    {
        while (true)
        {
            int descriptor = Libc.Open(path, flags | Libc.CloseOnExec, FileMode);
            if (descriptor >= 0)
            {
                return new SafeFileHandle(descriptor, ownsHandle: true);
            }

            int errno = Marshal.GetLastPInvokeError();
            if (errno != Libc.Interrupted)
            {
                StorageErrors.Throw(verb, path, errno);
            }
        }
    }

    /// <summary>The volume of the path, or of its nearest parent that is there.</summary>
    private static unsafe (long Unit, long Blocks, long Available) VolumeOf(string path)
    {
        string? at = Path.GetFullPath(path);
        ulong* status = stackalloc ulong[StatusWords];
        while (true)
        {
            // struct statvfs: f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, … each 64 bits wide
            if (Libc.VolumeStatus(at, status) == 0)
            {
                return ((long)status[1], (long)status[2], (long)status[4]);
            }

            int errno = Marshal.GetLastPInvokeError();
            string? parent = Path.GetDirectoryName(at);
            if (errno != Libc.NoEntry || parent is null)
            {
                StorageErrors.Throw("read the free space of", path, errno);
            }

            at = parent;
        }
    }
}
