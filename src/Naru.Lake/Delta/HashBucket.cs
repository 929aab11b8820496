using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Naru.Core;
using Naru.Lake.Columns;

namespace Naru.Lake.Delta;

/// <summary>
/// Which rows of a table written by hash buckets a file has: those whose value of <see cref="Column"/> falls into
/// bucket <see cref="Number"/> of <see cref="Count"/>. The bucket of a value is the first 32 bits of the MD5 of its
/// text in UTF-8 (a whole number's as `-?[0-9]+`), modulo the count; of null it is 0. Written `3/16 user_id` as a tag.
/// </summary>
public sealed record HashBucket(int Number, int Count, string Column)
{
    /// <summary>Buckets of one table at most: each interval has as many files.</summary>
    public const int CountMax = 1_024;

    private const int HexDigits = 8;

    /// <summary>Whether a row with this value may be in the file.</summary>
    public bool MayHold(string value) => Of(value, Count) == Number;

    public static int Of(string value, int count)
    {
        Invariant.Hold(count is > 0 and <= CountMax);
        Span<byte> hash = stackalloc byte[MD5.HashSizeInBytes];

        // Spreads values; nobody's secret depends on it, and every engine has it.
#pragma warning disable CA5351
        MD5.HashData(Encoding.UTF8.GetBytes(value), hash);
#pragma warning restore CA5351
        return (int)(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(hash) % (uint)count);
    }

    /// <summary>DuckDB's expression for the bucket of a column, which is quoted already.</summary>
    public static string Sql(string column, int count)
    {
        Invariant.Hold(count is > 0 and <= CountMax);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"coalesce(CAST('0x' || left(md5(CAST({column} AS VARCHAR)), {HexDigits}) AS UBIGINT) % {count}, 0)");
    }

    /// <summary>Whether values of a type have one text only.</summary>
    public static bool Takes(ColumnType type) =>
        type.Kind is ColumnKind.String or ColumnKind.Int32 or ColumnKind.Int64;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number}/{Count} {Column}");

    internal static HashBucket? TryParse(string? text)
    {
        int slash = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        int space = text?.IndexOf(' ', StringComparison.Ordinal) ?? -1;
        return slash > 0 && space > slash && space + 1 < text!.Length
            && int.TryParse(text.AsSpan(0, slash), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && int.TryParse(
                text.AsSpan(slash + 1, space - slash - 1),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out int count)
            && count is > 0 and <= CountMax && number < count
            ? new HashBucket(number, count, text[(space + 1)..])
            : null;
    }
}
