using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Lake.Volumes;

namespace Naru.Lake.Delta;

/// <summary>Names of files of a table: of the log, of partitions, and as actions write them.</summary>
public static class DeltaPaths
{
    internal const string LogFolder = "_delta_log";
    internal const string LastCheckpointName = "_last_checkpoint";
    internal const string TemporarySuffix = ".tmp";

    /// <summary>Spark's and Hive's folder name of a null partition value.</summary>
    private const string NullPartition = "__HIVE_DEFAULT_PARTITION__";

    private const string CheckpointSuffix = ".checkpoint.parquet";
    private const string EntrySuffix = ".json";
    private const int VersionDigits = 20;

    /// <summary>
    /// `p_ymd=2026-10-01/p_hour=7`: folder of one partition below the table's, empty without partitions.
    /// </summary>
    public static string PartitionFolder(ImmutableArray<string> columns, ImmutableArray<string?> values)
    {
        Core.Invariant.Hold(columns.Length == values.Length);
        StringBuilder folder = new();
        for (int i = 0; i < columns.Length; i++)
        {
            folder.Append(i == 0 ? "" : "/");
            EscapeForFolder(folder, columns[i]);
            folder.Append('=');
            EscapeForFolder(folder, string.IsNullOrEmpty(values[i]) ? NullPartition : values[i]!);
        }

        return folder.ToString();
    }

    /// <summary>`part-0000000042-3.parquet`: the name of a landed file; vacuum knows its landing from it.</summary>
    public static string LandedFileName(long landing, int number, string extension)
    {
        Core.Invariant.Hold(landing >= 0 && number >= 0);
        return string.Create(CultureInfo.InvariantCulture, $"part-{landing:d10}-{number}{extension}");
    }

    internal static string EntryName(long version) => Digits(version) + EntrySuffix;

    internal static string CheckpointName(long version) => Digits(version) + CheckpointSuffix;

    internal static bool TryParseEntry(string name, out long version) => TryParse(name, EntrySuffix, out version);

    internal static bool TryParseCheckpoint(string name, out long version) =>
        TryParse(name, CheckpointSuffix, out version);

    /// <summary>The landing of a name made by <see cref="LandedFileName"/>.</summary>
    internal static bool TryParseLanding(string fileName, out long landing)
    {
        landing = 0;
        const string Prefix = "part-";
        int end = fileName.IndexOf('-', Math.Min(Prefix.Length, fileName.Length));
        return fileName.StartsWith(Prefix, StringComparison.Ordinal) && end - Prefix.Length >= 10
            && long.TryParse(fileName.AsSpan(Prefix.Length, end - Prefix.Length), NumberStyles.None, null, out landing);
    }

    /// <summary>A path as actions write it: percent-encoded UTF-8 (RFC 2396).</summary>
    internal static string Encode(string path)
    {
        // The scheme of an absolute address stands as it is.
        string scheme = FileLocation.Of(path).Scheme;
        StringBuilder encoded = new(scheme, path.Length + 8);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in path.AsSpan(scheme.Length).EnumerateRunes())
        {
            if (rune.IsAscii && (char.IsAsciiLetterOrDigit((char)rune.Value) || "-_.~/=".Contains((char)rune.Value)))
            {
                encoded.Append((char)rune.Value);
                continue;
            }

            foreach (byte value in utf8[..rune.EncodeToUtf8(utf8)])
            {
                encoded.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
            }
        }

        return encoded.ToString();
    }

    internal static string Decode(string path) => path.Contains('%') ? Uri.UnescapeDataString(path) : path;

    private static string Digits(long version)
    {
        Core.Invariant.Hold(version >= 0);
        return version.ToString("d20", CultureInfo.InvariantCulture);
    }

    private static bool TryParse(string name, string suffix, out long version)
    {
        version = -1;
        return name.Length == VersionDigits + suffix.Length && name.EndsWith(suffix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(0, VersionDigits), NumberStyles.None, null, out version);
    }

    /// <summary>Hive's escape: what a folder name must not hold becomes %XX. DuckDB and Spark undo it.</summary>
    private static void EscapeForFolder(StringBuilder folder, string text)
    {
        foreach (char value in text)
        {
            if (value < ' ' || "\"#%'*/:=?\\\u007F{}[]^".Contains(value))
            {
                folder.Append(CultureInfo.InvariantCulture, $"%{(int)value:X2}");
            }
            else
            {
                folder.Append(value);
            }
        }
    }
}
