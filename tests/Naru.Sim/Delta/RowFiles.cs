using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;

namespace Naru.Sim.Delta;

/// <summary>
/// Table files whose bytes are their rows: one number a line. Merging them is putting them end to end.
/// </summary>
internal sealed class RowFiles(IFileSystem files) : ITableFileRewriter
{
    public static readonly TableSchema Schema = new(
    [
        new Column("_topic_offset", ColumnType.Int64, Nullable: false, 2),
        new Column("_event_time", ColumnType.Timestamp, Nullable: false, 4),
        new Column("p_ymd", ColumnType.Date, Nullable: false, 90),
    ]);

    public static readonly DeltaTableDefinition Definition = new(Schema, ["p_ymd"]);

    /// <summary>Called between writing a merged file and its commit.</summary>
    public Action Merging { get; set; } = () => { };

    public TableFileInfo Rewrite(
        IReadOnlyList<string> sources,
        TableSchema schema,
        string? sortedBy,
        string path,
        CancellationToken cancellationToken)
    {
        List<long> rows = [.. sources.SelectMany(Read)];
        TableFileInfo info = Write(rows, path);
        Merging();
        return info;
    }

    public List<long> Read(string path)
    {
        using IFile file = files.Open(path, FileOpen.Read);
        byte[] bytes = new byte[file.Length];
        file.Read(bytes, 0);
        return [.. Encoding.ASCII.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => long.Parse(line, CultureInfo.InvariantCulture))];
    }

    public List<long> Read(DeltaTable table, DeltaVersion version) =>
        [.. version.Files.SelectMany(file => Read(table.PathOf(file))).Order()];

    public TableFileInfo Write(IReadOnlyList<long> rows, string path)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(
            string.Concat(rows.Select(static row => row.ToString(CultureInfo.InvariantCulture) + "\n")));
        files.Delete(path);
        using (IFile file = files.Open(path, FileOpen.CreateNew))
        {
            file.Write(bytes, 0);
        }

        string min = rows.Min().ToString(CultureInfo.InvariantCulture);
        string max = rows.Max().ToString(CultureInfo.InvariantCulture);
        return new TableFileInfo(rows.Count, bytes.Length, [new ColumnStatistics("_topic_offset", min, max, 0)]);
    }

    /// <summary>Writes what a landing adds to one day.</summary>
    public DeltaFile Land(DeltaTable table, long landing, int number, string day, IReadOnlyList<long> rows)
    {
        string folder = DeltaPaths.PartitionFolder(["p_ymd"], [day]);
        files.CreateDirectory($"{table.Directory}/{folder}");
        string path = $"{folder}/{DeltaPaths.LandedFileName(landing, number, ".rows")}";
        TableFileInfo info = Write(rows, $"{table.Directory}/{path}");
        SealedFile sealedFile = FileContents.Seal(files, $"{table.Directory}/{path}");
        files.SyncDirectory($"{table.Directory}/{folder}");
        return table.Describe(path, [day], info, sealedFile) with { Landing = landing };
    }

    public static DeltaCommit Append(long last, params ImmutableArray<DeltaFile> adds) => new()
    {
        Operation = "WRITE",
        Adds = adds,
        Txns = ImmutableSortedDictionary<string, long>.Empty.Add("naru/events/0", last),
    };
}
