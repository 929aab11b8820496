using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Naru.Core.Files;
using Naru.Core.Hashing;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Files of partial results: `aggregates/%020d.state`, named by the landing that wrote them and named in its record.
/// One holds the rows of one cut, or, where that has grown to be worth it, all that is kept.
///   header, 16 bytes: magic "NRAS" u32, format version u32 (1), landing i64
///   then sections:    CRC-32C u32 over what follows, payload length i32, payload:
///                     state key (64 bytes of hex: which version of which aggregate),
///                     pane i64 (its ordinal, or the least value for sessions),
///                     groups as GroupTable or SessionTable save them
/// All integers little endian. A file is whole or the record does not name it; damage is found by the checksums, and
/// what it held is counted again from the lake.
/// </summary>
internal static class AggregateStateFile
{
    public const long SessionsPane = long.MinValue;

    private const uint Magic = 0x5341_524E;
    private const uint FormatVersion = 1;
    private const int HeaderBytes = 16;
    private const int KeyBytes = 64;

    /// <summary>About where a section ends: a pane with more groups has several.</summary>
    private const int SectionBytes = 256 << 10;
    private const string Extension = ".state";

    public static string NameOf(long landing) => landing.ToString("D20", CultureInfo.InvariantCulture) + Extension;

    /// <summary>Writes and syncs a file; the caller syncs the folder.</summary>
    public static StateFileName Write(
        IFileSystem files,
        string directory,
        long landing,
        IEnumerable<(string Key, AggregateState State)> states)
    {
        string name = NameOf(landing);
        string path = $"{directory}/{name}";
        files.Delete(path);
        using IFile file = files.Open(path, FileOpen.CreateNew);
        Span<byte> header = stackalloc byte[HeaderBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], FormatVersion);
        BinaryPrimitives.WriteInt64LittleEndian(header[8..], landing);
        file.Write(header, 0);
        long end = HeaderBytes;
        ByteBuffer section = new();
        foreach ((string key, AggregateState state) in states)
        {
            foreach ((long pane, GroupTable table) in state.Panes)
            {
                for (int group = 0; group < table.Count;)
                {
                    Begin(section, key, pane);
                    group = table.Save(section, group, SectionBytes);
                    end = Append(file, section, end);
                }
            }

            if (state.Sessions is { Count: > 0 } sessions)
            {
                Begin(section, key, SessionsPane);
                sessions.Save(section);
                end = Append(file, section, end);
            }
        }

        file.SyncData();
        return new StateFileName(name, end);
    }

    /// <summary>
    /// Adds what a file holds of the aggregates that <paramref name="find"/> knows by their state keys. Throws
    /// <see cref="StorageException"/> (corrupt) when it is not what was written.
    /// </summary>
    public static void Load(
        IFileSystem files, string directory, StateFileName name, Func<string, AggregateState?> find)
    {
        string path = $"{directory}/{name.Name}";
        using IFile file = files.Open(path, FileOpen.Read);
        Span<byte> header = stackalloc byte[HeaderBytes];
        Require(file.Length == name.Bytes && file.Read(header, 0) == HeaderBytes
            && BinaryPrimitives.ReadUInt32LittleEndian(header) == Magic, path, 0);
        Require(BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) == FormatVersion, path, 4);
        long at = HeaderBytes;
        Span<byte> prefix = stackalloc byte[8];
        while (at < name.Bytes)
        {
            Require(file.Read(prefix, at) == prefix.Length, path, at);
            int length = BinaryPrimitives.ReadInt32LittleEndian(prefix[4..]);
            Require(length >= KeyBytes + 8 && at + 8 + length <= name.Bytes, path, at);
            byte[] checkedBytes = new byte[4 + length];
            file.Read(checkedBytes, at + 4);
            Require(Crc32C.Of(checkedBytes) == BinaryPrimitives.ReadUInt32LittleEndian(prefix), path, at);
            Take(checkedBytes.AsSpan(4), find);
            at += 8 + length;
        }
    }

    private static void Take(ReadOnlySpan<byte> payload, Func<string, AggregateState?> find)
    {
        if (find(Encoding.ASCII.GetString(payload[..KeyBytes])) is not { } state)
        {
            return;
        }

        long pane = BinaryPrimitives.ReadInt64LittleEndian(payload[KeyBytes..]);
        ReadOnlySpan<byte> groups = payload[(KeyBytes + 8)..];
        if (pane == SessionsPane)
        {
            state.Sessions!.Load(groups);
        }
        else
        {
            state.Pane(pane).Load(groups);
        }
    }

    private static void Begin(ByteBuffer section, string key, long pane)
    {
        section.Clear();
        section.Add(0L);
        section.Add(Encoding.ASCII.GetBytes(key));
        section.Add(pane);
    }

    private static long Append(IFile file, ByteBuffer section, long end)
    {
        section.Put(4, section.Length - 8);
        section.Put(0, (int)Crc32C.Of(section.Written[4..]));
        file.Write(section.Written, end);
        return end + section.Length;
    }

    private static void Require(bool condition, string path, long at)
    {
        if (!condition)
        {
            throw new StorageException(
                StorageFault.Corrupt, $"state of aggregates \"{path}\" is damaged at byte {at}");
        }
    }
}
