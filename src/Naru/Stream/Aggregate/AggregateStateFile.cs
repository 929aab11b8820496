using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Naru.Core.Files;
using Naru.Core.Hashing;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Files of partial results: `aggregates/%020d.state`, named by the landing that wrote them and named in its record.
/// One holds the rows of one cut, or, where that has grown to be worth it, all that is kept.
///   header, 16 bytes: magic "NRAS" u32, format version u32 (2), landing i64
///   then sections:    CRC-32C u32 over what follows, payload length i32, payload:
///                     state key (64 bytes of hex: which version of which aggregate),
///                     pane i64 (its ordinal, or the least value for sessions), number of groups i32,
///                     groups as GroupTable or SessionTable save them
/// All integers little endian. A file is whole or the record does not name it; damage is found by the checksums, and
/// what it held is counted again from the lake.
/// </summary>
internal static class AggregateStateFile
{
    public const long SessionsPane = long.MinValue;

    public const uint Magic = 0x5341_524E;
    public const uint FormatVersion = 2;
    public const int HeaderBytes = 16;
    public const int KeyBytes = 64;

    /// <summary>Checksum and length.</summary>
    public const int PrefixBytes = 8;

    /// <summary>State key, pane and number of groups.</summary>
    public const int SectionHeadBytes = KeyBytes + 12;

    private const string Extension = ".state";

    public static string NameOf(long landing) => landing.ToString("D20", CultureInfo.InvariantCulture) + Extension;

    /// <summary>A file that serves until the next landing, while an aggregate is counted from the lake.</summary>
    public static string FillNameOf(string stateKey, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{stateKey[..16]}-{number}{Extension}");

    /// <summary>Writes and syncs a file with all of the states; the caller syncs the folder.</summary>
    public static WrittenState Write(
        StateFolder folder, string name, long landing, IEnumerable<(string Key, AggregateState State)> states)
    {
        string path = folder.PathOf(name);
        folder.Files.Delete(path);
        using IFile file = folder.Files.Open(path, FileOpen.CreateNew);
        StateSectionWriter writer = new(folder, file, name);
        writer.WriteHeader(landing);
        foreach ((string key, AggregateState state) in states)
        {
            writer.Write(key, state);
        }

        file.SyncData();
        return new WrittenState(new StateFileName(name, writer.End), writer.Sections);
    }

    /// <summary>
    /// Checks every byte of a file and notes down what it holds of the aggregates that <paramref name="find"/> knows by
    /// their state keys: panes as spilled, sessions as they are. Throws <see cref="StorageException"/> (corrupt) when
    /// it is not what was written.
    /// </summary>
    public static void Load(StateFolder folder, StateFileName name, Func<string, LayerFill?> find)
    {
        string path = folder.PathOf(name.Name);
        using IFile file = folder.Files.Open(path, FileOpen.Read);
        Span<byte> header = stackalloc byte[HeaderBytes];
        Require(file.Length == name.Bytes && file.Read(header, 0) == HeaderBytes
            && BinaryPrimitives.ReadUInt32LittleEndian(header) == Magic, path, 0);
        Require(BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) == FormatVersion, path, 4);
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        for (long at = HeaderBytes; at < name.Bytes;)
        {
            Require(file.Read(prefix, at) == prefix.Length, path, at);
            int length = BinaryPrimitives.ReadInt32LittleEndian(prefix[4..]);
            Require(length >= SectionHeadBytes && at + PrefixBytes + length <= name.Bytes, path, at);
            byte[] section = Read(file, at, PrefixBytes + length, path);
            Note(section, new StateSection(name.Name, at, section.Length, GroupsOf(section)), find);
            at += section.Length;
        }
    }

    /// <summary>Adds the groups of a section to a table.</summary>
    public static void Read(StateFolder folder, StateSection section, GroupTable into)
    {
        string path = folder.PathOf(section.File);
        using IFile file = folder.Files.Open(path, FileOpen.Read);
        into.Load(Read(file, section.At, section.Bytes, path).AsSpan(PrefixBytes + SectionHeadBytes), section.Groups);
    }

    /// <summary>What a section holds after its head.</summary>
    public static ReadOnlyMemory<byte> ContentOf(IFile file, StateSection section) =>
        Read(file, section.At, section.Bytes, file.Path).AsMemory(PrefixBytes + SectionHeadBytes);

    /// <summary>A whole section, checked.</summary>
    public static byte[] Read(IFile file, long at, int bytes, string path)
    {
        byte[] section = new byte[bytes];
        Require(
            file.Read(section, at) == bytes
                && BinaryPrimitives.ReadInt32LittleEndian(section.AsSpan(4)) == bytes - PrefixBytes
                && Crc32C.Of(section.AsSpan(4)) == BinaryPrimitives.ReadUInt32LittleEndian(section),
            path,
            at);
        return section;
    }

    private static void Note(ReadOnlySpan<byte> section, StateSection place, Func<string, LayerFill?> find)
    {
        ReadOnlySpan<byte> payload = section[PrefixBytes..];
        if (find(Encoding.ASCII.GetString(payload[..KeyBytes])) is not { } fill)
        {
            return;
        }

        long pane = BinaryPrimitives.ReadInt64LittleEndian(payload[KeyBytes..]);
        if (pane == SessionsPane)
        {
            fill.AddSessions(payload[SectionHeadBytes..]);
        }
        else
        {
            fill.AddSpilled(pane, place);
        }
    }

    private static int GroupsOf(ReadOnlySpan<byte> section) =>
        BinaryPrimitives.ReadInt32LittleEndian(section[(PrefixBytes + KeyBytes + 8)..]);

    public static void Require(bool condition, string path, long at)
    {
        if (!condition)
        {
            throw new StorageException(
                StorageFault.Corrupt, $"state of aggregates \"{path}\" is damaged at byte {at}");
        }
    }
}

/// <summary>A file that was written, and what of it holds which pane.</summary>
internal sealed record WrittenState(
    StateFileName File, IReadOnlyList<(AggregateState State, long Pane, StateSection Section)> Sections)
{
    /// <summary>Of one state, by pane.</summary>
    public ILookup<long, StateSection> Of(AggregateState state) =>
        Sections.Where(section => section.State == state)
            .ToLookup(static section => section.Pane, static section => section.Section);
}
