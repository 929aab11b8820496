using System.Globalization;
using System.Text;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.Parquet;

namespace Naru.Sim.Stream;

/// <summary>
/// Table files of the simulator: a line a row with partition, offset, id, time and `n`, through the file-system
/// seam, so that
/// the simulated disk can lose them. Like DuckDB's COPY it truncates what stands there and never syncs.
/// </summary>
internal sealed class PlainTableWriter(IFileSystem files) : ITableFileWriter
{
    public string Extension => ".rows";

    public TableFileInfo Write(ColumnBatch batch, ReadOnlyMemory<int> rows, int columnsLeftOut, string path)
    {
        if (PlainTableReader.IsWhole(batch.Schema))
        {
            return PlainTableReader.Write(files, (batch, rows, columnsLeftOut), path);
        }

        StringBuilder text = new("rows\n");
        bool keyed = batch.Schema.IndexOf("_topic_partition") == 0;
        int id = batch.Schema.IndexOf("_id");
        foreach (int row in rows.Span)
        {
            text.Append(CultureInfo.InvariantCulture, $"{(keyed ? batch.Columns[0].ValueAt<int>(row) : 0)} ");
            text.Append(CultureInfo.InvariantCulture, $"{(keyed ? batch.Columns[1].ValueAt<long>(row) : row)} ");
            text.Append(id >= 0 && !batch.Columns[id].IsNull(row)
                ? Encoding.UTF8.GetString(batch.Columns[id].StringAt(row)) : "-");
            text.Append(CultureInfo.InvariantCulture, $" {Cell(batch, "_event_time", row)} {Cell(batch, "n", row)}\n");
        }

        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        using IFile file = files.FileExists(path) ? files.Open(path, FileOpen.Existing)
            : files.Open(path, FileOpen.CreateNew);
        file.SetLength(0);
        file.Write(bytes, 0);
        return new TableFileInfo(rows.Length, bytes.Length, []);
    }

    public static List<PlainRow> Read(IFileSystem files, string path)
    {
        using IFile file = files.Open(path, FileOpen.Read);
        byte[] bytes = new byte[file.Length];
        file.Read(bytes, 0);
        string[] lines = Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || lines[0] != "rows")
        {
            throw new OracleException($"table file \"{path}\" lost its bytes");
        }

        return
        [
            .. lines.Skip(1).Select(static line => line.Split(' ')).Select(static cells => new PlainRow(
                int.Parse(cells[0], CultureInfo.InvariantCulture),
                long.Parse(cells[1], CultureInfo.InvariantCulture),
                cells[2],
                long.Parse(cells[3], CultureInfo.InvariantCulture),
                long.Parse(cells[4], CultureInfo.InvariantCulture))),
        ];
    }

    /// <summary>A number of 64 bits, or 0 where the table has none of that name.</summary>
    private static long Cell(ColumnBatch batch, string name, int row)
    {
        int column = batch.Schema.IndexOf(name);
        return column < 0 ? 0 : batch.Columns[column].ValueAt<long>(row);
    }
}

/// <summary>A row of the simulator's tables; time and n of the scenario's log, else 0.</summary>
internal readonly record struct PlainRow(int Partition, long Offset, string Id, long Time, long N);
