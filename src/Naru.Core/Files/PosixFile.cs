using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Naru.Core.Files;

/// <summary>An open file of the local disk. Calls that a signal interrupted are made again; a sync never is.</summary>
internal sealed class PosixFile(SafeFileHandle handle, string path) : IFile
{
    public string Path { get; } = path;

    public long Length
    {
        get
        {
            long length = Libc.Lseek(handle, 0, Libc.SeekEnd);
            if (length < 0)
            {
                Fail("read the length of");
            }

            return length;
        }
    }

    public unsafe int Read(Span<byte> buffer, long offset)
    {
        int done = 0;
        fixed (byte* start = buffer)
        {
            while (done < buffer.Length)
            {
                nint got = Libc.Pread(handle, start + done, (nuint)(buffer.Length - done), offset + done);
                if (got == 0)
                {
                    break;
                }

                if (got > 0)
                {
                    done += (int)got;
                }
                else if (Marshal.GetLastPInvokeError() != Libc.Interrupted)
                {
                    Fail("read");
                }
            }
        }

        Invariant.Hold(done <= buffer.Length);
        return done;
    }

    public unsafe void Write(ReadOnlySpan<byte> buffer, long offset)
    {
        int done = 0;
        fixed (byte* start = buffer)
        {
            while (done < buffer.Length)
            {
                nint put = Libc.Pwrite(handle, start + done, (nuint)(buffer.Length - done), offset + done);
                if (put > 0)
                {
                    done += (int)put;
                }
                else if (put == 0)
                {
                    StorageErrors.Throw("write", Path, Libc.NoSpace);
                }
                else if (Marshal.GetLastPInvokeError() != Libc.Interrupted)
                {
                    Fail("write");
                }
            }
        }
    }

    public void SetLength(long length)
    {
        while (Libc.Ftruncate(handle, length) != 0)
        {
            if (Marshal.GetLastPInvokeError() != Libc.Interrupted)
            {
                Fail("set the length of");
            }
        }
    }

    /// <summary>
    /// One fdatasync, whatever it answers: after a failure the kernel may have marked the lost pages clean, and a
    /// second call would report success for bytes that are nowhere.
    /// </summary>
    public void SyncData()
    {
        if (Libc.Fdatasync(handle) != 0)
        {
            Fail("sync");
        }
    }

    public void DropCache(long offset, long length) =>
        _ = Libc.Advise(handle, offset, length, Libc.AdviceDontNeed);

    public void Dispose() => handle.Dispose();

    private void Fail(string verb) => StorageErrors.Throw(verb, Path, Marshal.GetLastPInvokeError());
}
