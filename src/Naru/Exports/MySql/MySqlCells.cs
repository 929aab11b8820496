using System.Buffers;
using System.Globalization;
using System.Text;
using Naru.Core.Events;
using Naru.MySql;

namespace Naru.Exports.MySql;

/// <summary>
/// Cells as literals of MySQL. Numbers and times go as texts, which the server reads by the column's type: exactly, and
/// as an error where it cannot.
/// </summary>
internal static class MySqlCells
{
    private const string Utc = "+00";
    private const string InstantFormat = "yyyy-MM-dd HH:mm:ss.FFFFFF";

    /// <param name="statement">Takes the literal.</param>
    /// <param name="cell">As <see cref="ExportRows.Texts"/> gives it; null for NULL.</param>
    /// <param name="column">Of the rows.</param>
    /// <param name="type">Of the table's column, without size.</param>
    /// <param name="zone">Whose clock a DATETIME shows.</param>
    public static void Append(
        IBufferWriter<byte> statement, string? cell, ExportColumn column, string type, ProjectZone zone)
    {
        if (cell is null)
        {
            statement.Write("NULL"u8);
            return;
        }

        switch (column.Type)
        {
            case ExportType.Blob:
                Text(statement, $"x'{cell}'");
                break;
            case ExportType.Boolean when type is not ("char" or "varchar" or "text" or "longtext" or "enum"):
                Text(statement, cell == "true" ? "1" : "0");
                break;
            case ExportType.TimestampTz:
                Quoted(statement, Instant(cell, type, zone));
                break;
            default:
                Quoted(statement, cell);
                break;
        }
    }

    /// <summary>
    /// UTC for a TIMESTAMP, as the session's zone is, and the zone's clock for a DATETIME. What is no time of MySQL
    /// stays as it is, for the server to refuse.
    /// </summary>
    private static string Instant(string cell, string type, ProjectZone zone)
    {
        string plain = cell.EndsWith(Utc, StringComparison.Ordinal) ? cell[..^Utc.Length] : cell;
        if (type == "timestamp" || !DateTime.TryParseExact(
            plain, InstantFormat, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTime instant))
        {
            return plain;
        }

        return TimeZoneInfo.ConvertTimeFromUtc(instant, zone.Zone)
            .ToString(InstantFormat, CultureInfo.InvariantCulture);
    }

    private static void Quoted(IBufferWriter<byte> statement, string cell)
    {
        byte[] utf8 = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(cell.Length));
        MySqlText.AppendLiteral(statement, utf8.AsSpan(0, Encoding.UTF8.GetBytes(cell, utf8)));
        ArrayPool<byte>.Shared.Return(utf8);
    }

    private static void Text(IBufferWriter<byte> statement, string text) =>
        Encoding.UTF8.GetBytes(text, statement);
}
