using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.Parquet;
using Naru.Stream.Aggregate;

namespace Naru.Sim.Stream;

/// <summary>
/// Tables of aggregates in the simulator: whole rows, a line of hex each (as state files write values), since landings
/// read these tables back.
/// </summary>
internal sealed class PlainTableReader(IFileSystem files) : ITableFileReader
{
    private const string Heading = "whole";

    /// <summary>Whether rows of this table are kept whole.</summary>
    public static bool IsWhole(TableSchema schema) => schema.IndexOf("_final") >= 0;

    public static TableFileInfo Write(
        IFileSystem files, (ColumnBatch Batch, ReadOnlyMemory<int> Rows, int ColumnsLeftOut) from, string path)
    {
        List<string> lines = [Heading];
        ByteBuffer code = new();
        foreach (int row in from.Rows.Span)
        {
            code.Clear();
            foreach (ColumnVector column in from.Batch.Columns.AsSpan()[..^from.ColumnsLeftOut])
            {
                ValueCode.Write(code, ColumnView.Of(column), row);
            }

            lines.Add(Convert.ToHexString(code.Written));
        }

        byte[] bytes = System.Text.Encoding.ASCII.GetBytes(string.Join('\n', lines));
        using IFile file = files.FileExists(path) ? files.Open(path, FileOpen.Existing)
            : files.Open(path, FileOpen.CreateNew);
        file.SetLength(0);
        file.Write(bytes, 0);
        return new TableFileInfo(from.Rows.Length, bytes.Length, []);
    }

    public ColumnBatch Read(string path, TableSchema schema)
    {
        using IFile file = files.Open(path, FileOpen.Read);
        byte[] bytes = new byte[file.Length];
        file.Read(bytes, 0);
        string[] lines = System.Text.Encoding.ASCII.GetString(bytes).Split('\n');
        if (lines[0] != Heading)
        {
            throw new OracleException($"table file \"{path}\" lost its bytes");
        }

        ColumnBatch rows = new(schema);
        foreach (string line in lines.Skip(1))
        {
            ReadOnlySpan<byte> code = Convert.FromHexString(line);
            foreach (ColumnVector column in rows.Columns)
            {
                code = code[ValueCode.Append(code, column)..];
            }

            rows.EndRow();
        }

        return rows;
    }
}
