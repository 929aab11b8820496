using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Naru.Core.Files;

/// <summary>Turns an errno into the fault that a caller acts on and words that a person can act on.</summary>
internal static class StorageErrors
{
    [DoesNotReturn]
    public static void Throw(string verb, string path, int errno) => throw Make(verb, path, errno);

    public static StorageException Make(string verb, string path, int errno) =>
        new(FaultOf(errno), $"cannot {verb} \"{path}\": {Marshal.GetPInvokeErrorMessage(errno)}; {HintOf(errno)}");

    public static StorageFault FaultOf(int errno) => errno switch
    {
        Libc.NoSpace or Libc.QuotaExceeded => StorageFault.NoSpace,
        Libc.NoEntry or Libc.NotDirectory => StorageFault.NotFound,
        Libc.FileExists or Libc.NotEmpty => StorageFault.Exists,
        Libc.ReadOnlyVolume => StorageFault.ReadOnly,
        Libc.AccessDenied or Libc.NotPermitted => StorageFault.Denied,
        _ => StorageFault.Io,
    };

    private static string HintOf(int errno) => errno switch
    {
        Libc.InputOutput => "the disk reports an error: see the kernel's log (dmesg) and replace or remount the volume",
        Libc.NoSpace => "free space on that volume or enlarge it",
        Libc.QuotaExceeded => "raise the disk quota of the user that runs naru, or free space",
        Libc.NoEntry => "the file or folder is not there: check the path",
        Libc.NotDirectory => "a part of the path is a file, not a folder",
        Libc.FileExists => "it is there already: another process may use this folder",
        Libc.NotEmpty => "the folder is not empty",
        Libc.ReadOnlyVolume => "the volume is mounted read-only: remount it for writing",
        Libc.AccessDenied or Libc.NotPermitted => "give the user that runs naru read and write rights there",
        Libc.ProcessFilesMax => "raise the limit of open files (ulimit -n)",
        Libc.FileTooBig => "the volume or a limit (ulimit -f) forbids a file of that size",
        _ => $"error number {errno}",
    };
}
