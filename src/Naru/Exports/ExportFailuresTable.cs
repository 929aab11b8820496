using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Exports;

/// <summary>`naru.export_failures`: rows that did not fit and wait for the next run.</summary>
internal sealed class ExportFailuresTable(IFileSystem files, string folder) : ISystemTable
{
    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public string Name => "export_failures";

    public string Description => "rows of exports that did not fit their target, with why; they are sent again";

    public TableSchema Schema { get; } = new(
    [
        new("export", ColumnType.String, false, 1),
        new("target", ColumnType.String, false, 2),
        new("interval", ColumnType.String, false, 3),
        new("reason", ColumnType.String, false, 4),

        // How often it was sent.
        new("tries", ColumnType.Int64, false, 5),
        new("tried_at", ColumnType.Timestamp, false, 6),

        // Every column as text.
        new("row", ColumnType.Json, false, 7),
    ]);

    public ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        foreach (string export in files.List(folder))
        {
            foreach (string target in files.List($"{folder}/{export}"))
            {
                foreach (string file in files.List($"{folder}/{export}/{target}").Where(ExportState.IsBad))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Fill(rows, export, target[..target.LastIndexOf('-')], $"{folder}/{export}/{target}/{file}");
                }
            }
        }

        return ValueTask.CompletedTask;
    }

    private static void Fill(ColumnBatch rows, string export, string target, string path)
    {
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory(
            new("threads", "1"), new KeyValuePair<string, string>("memory_limit", "128MB"));
        using DuckDbConnection connection = database.Connect();
        using DuckDbResult found = connection.Stream(
            $"SELECT {ExportRows.IntervalColumn}, {ExportRows.Reason}, {ExportRows.Tries}, "
            + $"epoch_us({ExportRows.At}), CAST(COLUMNS(c -> NOT starts_with(c, '{ExportRows.OwnPrefix}')) AS VARCHAR) "
            + $"FROM {ExportRows.File(path)}");
        while (found.TryNext(out DuckDbChunk? chunk))
        {
            for (int i = 0; i < chunk.RowCount; i++)
            {
                JsonObject cells = [];
                for (int column = 4; column < found.Columns.Length; column++)
                {
                    DuckDbVector cell = chunk[column];
                    cells[found.Columns[column].Name] = cell.IsNull(i) ? null : cell.StringAt(i);
                }

                RowWriter row = new(rows);
                row.Text(export).Text(target).Text(chunk[0].StringAt(i)).Text(chunk[1].StringAt(i));
                row.Int64(chunk[2].Values<long>()[i]).Int64(chunk[3].Values<long>()[i]);
                row.Text(cells.ToJsonString(Plain)).End();
            }
        }
    }
}
