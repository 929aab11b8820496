using System.Runtime.InteropServices;

namespace Naru.Query.Sandbox;

/// <summary>
/// What the kernel says of a file: another one, or other bytes in it, has another stamp. Of a file whose bytes somebody
/// changes and whose times they then set back, the time of change (ctime) still tells.
/// </summary>
internal readonly record struct FileStamp(
    ulong Device, ulong Number, long Bytes, long WrittenAt, long ChangedAt, int Mode)
{
    private const int KindMask = 0xf000;
    private const int PlainFile = 0x8000;
    private const int Folder = 0x4000;
    private const int StatusBytes = 256;
    private const uint BasicFacts = 0x7ff;
    private const long TicksPerSecond = 1_000_000_000;

    public bool IsFile => (Mode & KindMask) == PlainFile;

    public bool IsFolder => (Mode & KindMask) == Folder;

    /// <summary>Follows links; null when nothing is there or it cannot be seen. Fields as struct statx has them.
    /// </summary>
    public static unsafe FileStamp? Of(string path)
    {
        const int CurrentFolder = -100;
        byte* status = stackalloc byte[StatusBytes];
        if (Libc.Status(CurrentFolder, path, 0, BasicFacts, status) != 0)
        {
            return null;
        }

        ReadOnlySpan<byte> facts = new(status, StatusBytes);
        return new FileStamp(
            ((ulong)MemoryMarshal.Read<uint>(facts[0x88..]) << 32) | MemoryMarshal.Read<uint>(facts[0x8c..]),
            MemoryMarshal.Read<ulong>(facts[0x20..]),
            MemoryMarshal.Read<long>(facts[0x28..]),
            Time(facts[0x70..]),
            Time(facts[0x60..]),
            MemoryMarshal.Read<ushort>(facts[0x1c..]));
    }

    /// <summary>The path without links; null when nothing is there.</summary>
    public static unsafe string? RealPath(string path)
    {
        const int PathBytesMax = 4096;
        byte* resolved = stackalloc byte[PathBytesMax];
        return Libc.RealPath(path, resolved) == null ? null : Marshal.PtrToStringUTF8((nint)resolved);
    }

    private static long Time(ReadOnlySpan<byte> at) =>
        (MemoryMarshal.Read<long>(at) * TicksPerSecond) + MemoryMarshal.Read<uint>(at[8..]);
}
