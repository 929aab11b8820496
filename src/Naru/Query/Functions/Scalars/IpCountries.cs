using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Naru.Core.Files;
using Naru.Lake.DuckDb;

namespace Naru.Query.Functions.Scalars;

/// <summary>
/// Countries of ranges of addresses. The server reads the file and hands a worker that needs them the ranges as bytes,
/// so that the confined process sees no file: for each range its start and end as IPv6 (IPv4 mapped), 16 bytes each,
/// big endian, and two letters; sorted.
/// </summary>
internal static class IpCountries
{
    private const int RangeBytes = 34;
    private const int RangesMax = 1_000_000;
    private const int FileBytesMax = 96 << 20;

    private static readonly ConcurrentDictionary<(string Path, long Length), byte[]> Read = new();

    /// <summary>The worker's: those of the run that is on.</summary>
    private static volatile byte[] _current = [];

    public static readonly ImmutableArray<ScalarFunction> All =
    [
        new("ip_country", [DuckDbTypeKind.Varchar], DuckDbTypeKind.Varchar,
            static (in ScalarArguments row, in ScalarResult result) =>
            {
                Span<byte> country = stackalloc byte[2];
                if (TryFind(_current, row.Bytes(0), country))
                {
                    result.Set(country);
                }
            }),
    ];

    public static void Use(byte[] ranges) => _current = ranges;

    /// <summary>Reads `start,end,country` lines once for each length of the file.</summary>
    /// <exception cref="QueryException">The file is missing or wrong; the line is told.</exception>
    public static byte[] Load(string path)
    {
        try
        {
            PosixFileSystem files = new();
            using IFile file = files.Open(path, FileOpen.Read);
            return Read.GetOrAdd((path, file.Length), _ => Parse(Encoding.UTF8.GetString(
                WholeFile.Read(files, path, FileBytesMax)!)));
        }
        catch (StorageException)
        {
            throw Wrong("the file cannot be read");
        }
    }

    internal static byte[] Parse(string text)
    {
        List<(UInt128 Start, UInt128 End, string Country)> ranges = [];
        int number = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            number++;
            string[] cells = [.. line.ToString().Split(',').Select(static cell => cell.Trim(' ', '"', '\t'))];
            if (line.Trim().IsEmpty || line[0] == '#' || (number == 1 && cells.Length > 2 && !IsAddress(cells[0])))
            {
                continue;
            }

            if (cells.Length < 3 || !TryAddress(cells[0], out UInt128 start) || !TryAddress(cells[1], out UInt128 end)
                || end < start || cells[2].Length != 2 || !cells[2].All(char.IsAsciiLetterOrDigit))
            {
                throw Wrong(string.Create(CultureInfo.InvariantCulture, $"line {number} is no `start,end,country`"));
            }

            ranges.Add((start, end, cells[2].ToUpperInvariant()));
            if (ranges.Count > RangesMax)
            {
                throw Wrong($"the file has more than {RangesMax} ranges");
            }
        }

        byte[] bytes = new byte[ranges.Count * RangeBytes];
        int at = 0;
        foreach ((UInt128 start, UInt128 end, string country) in ranges.OrderBy(static range => range.Start))
        {
            BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(at), start);
            BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(at + 16), end);
            Encoding.ASCII.GetBytes(country, bytes.AsSpan(at + 32));
            at += RangeBytes;
        }

        return bytes;
    }

    internal static bool TryFind(byte[] ranges, ReadOnlySpan<byte> text, Span<byte> country)
    {
        const int LongestAddress = 64;
        if (text.Length > LongestAddress || !TryAddress(Encoding.UTF8.GetString(text), out UInt128 address))
        {
            return false;
        }

        int low = 0;
        int high = ranges.Length / RangeBytes;
        while (low < high)
        {
            int middle = (low + high) / 2;
            UInt128 start = BinaryPrimitives.ReadUInt128BigEndian(ranges.AsSpan(middle * RangeBytes));
            (low, high) = start <= address ? (middle + 1, high) : (low, middle);
        }

        int found = (low - 1) * RangeBytes;
        if (low == 0 || BinaryPrimitives.ReadUInt128BigEndian(ranges.AsSpan(found + 16)) < address)
        {
            return false;
        }

        ranges.AsSpan(found + 32, 2).CopyTo(country);
        return true;
    }

    private static bool IsAddress(string text) => TryAddress(text, out _);

    /// <summary>Dotted, with colons, or as a whole number of IPv4; .NET alone would take `1` and `1.2` too.</summary>
    private static bool TryAddress(string text, out UInt128 address)
    {
        address = default;
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint whole))
        {
            address = Mapped(whole);
            return true;
        }

        bool shape = text.Contains(':', StringComparison.Ordinal)
            ? !text.Contains('%', StringComparison.Ordinal)
            : text.Count(static one => one == '.') == 3 && text.All(static one => char.IsAsciiDigit(one) || one == '.');
        if (!shape || !IPAddress.TryParse(text, out IPAddress? parsed))
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out int length);
        address = parsed.AddressFamily == AddressFamily.InterNetwork && length == sizeof(uint)
            ? Mapped(BinaryPrimitives.ReadUInt32BigEndian(bytes))
            : BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }

    private static UInt128 Mapped(uint address) => new(0, 0xFFFF_0000_0000UL | address);

    private static QueryException Wrong(string message) => new(new QueryError(
        QueryCodes.NotSupported, $"ip_country cannot be asked: {message}")
    {
        Hint = "query.ip_country_file names a file of lines `start,end,country`",
    });
}
