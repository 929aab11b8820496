using Naru.Core.Schedules;
using Naru.Definitions;

namespace Naru.Sources;

/// <summary>What tables and columns of servers are called in the lake.</summary>
internal static class SourceNames
{
    /// <summary>In which shard a row lies.</summary>
    public const string Shard = "_shard";

    /// <summary>The pattern of all keys, files, indexes.</summary>
    private const string Everything = "*";

    /// <summary>`t1_db_SOURCE_TABLE_snapshot_daily`; null when it would be too long or nothing is left of it.</summary>
    public static string? TableOf(string source, SourceTableName table, string defaultSchema, IntervalKind every)
    {
        string own = table.Schema.Length == 0 || table.Schema == defaultSchema
            ? table.Name : $"{table.Schema}_{table.Name}";
        string? mended = own == Everything ? "t_all" : LogNames.Mended($"t_{own}");
        string suffix = every == IntervalKind.Hour ? "hourly" : "daily";
        string name = $"t1_db_{source}_{mended?[Math.Min(2, mended.Length)..]}_snapshot_{suffix}";
        return mended is not null && LogNames.Fault(name) is null ? name : null;
    }

    /// <summary>What a column is called in the lake; null when nothing is left of its name.</summary>
    public static string? ColumnOf(SourceColumn column) =>
        column.LakeName.Length > 0 ? column.LakeName : ColumnOf(column.Name);

    /// <summary>`AlbumId` becomes `album_id`; null when nothing is left of it.</summary>
    public static string? ColumnOf(string name)
    {
        if (LogNames.Fault(name) is null)
        {
            return name;
        }

        // A name that begins with a digit or a sign keeps what can be kept of it.
        string? mended = LogNames.Mended(name);
        return mended is not null && !char.IsAsciiDigit(name[0]) ? mended : LogNames.Mended($"c_{name}");
    }
}
