using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Access;

/// <summary>
/// `naru.audit`: both trails as rows, the newest of activity. For administrators, and for whom a role or key names the
/// table itself: no pattern gives it.
/// </summary>
internal sealed class AuditTable(IFileSystem files, string stateFolder) : ISystemTable
{
    /// <summary>As schema and name.</summary>
    public const string FullName = "naru.audit";

    /// <summary>Activity that is shown; all of it stands in the files.</summary>
    private const int ActivityRowsMax = 200_000;

    public string Name => "audit";

    public string Description => "who did what: changes of rights and definitions, queries, denials and sign-ins";

    public TableSchema Schema { get; } = new(
    [
        new("trail", ColumnType.String, false, 1),
        new("number", ColumnType.Int64, false, 2),
        new("recorded_at", ColumnType.Timestamp, false, 3),
        new("who", ColumnType.String, false, 4),
        new("what", ColumnType.String, false, 5),
        new("outcome", ColumnType.String, true, 6),
        new("tables", ColumnType.String, true, 7),
        new("rows", ColumnType.Int64, true, 8),
        new("sql", ColumnType.String, true, 9),
        new("detail", ColumnType.Json, false, 10),
    ]);

    public ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        IReadOnlyList<AuditEntry> changes = AuditTrail.Read(files, stateFolder);
        foreach (AuditEntry entry in changes)
        {
            Fill(rows, "changes", entry);
        }

        Queue<AuditEntry> newest = new();
        ActivityTrail.Read(files, stateFolder, changes, entry =>
        {
            newest.Enqueue(entry);
            if (newest.Count > ActivityRowsMax)
            {
                newest.Dequeue();
            }
        });
        foreach (AuditEntry entry in newest)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Fill(rows, "activity", entry);
        }

        return ValueTask.CompletedTask;
    }

    private static void Fill(ColumnBatch rows, string trail, AuditEntry entry)
    {
        ColumnVector[] columns = rows.Columns;
        Text(columns[0], trail);
        columns[1].AppendInt64(entry.Number);
        columns[2].AppendInt64(entry.At.ToUnixTimeMilliseconds() * 1000);
        Text(columns[3], entry.Who);
        Text(columns[4], entry.What);
        Text(columns[5], entry.Detail.GetValueOrDefault("outcome"));
        Text(columns[6], entry.Detail.GetValueOrDefault("tables"));
        if (long.TryParse(entry.Detail.GetValueOrDefault("rows"), CultureInfo.InvariantCulture, out long count))
        {
            columns[7].AppendInt64(count);
        }
        else
        {
            columns[7].AppendNull();
        }

        Text(columns[8], entry.Detail.GetValueOrDefault("sql"));
        Text(columns[9], JsonSerializer.Serialize(entry.Detail, AccessJson.Answers));
        rows.EndRow();
    }

    private static void Text(ColumnVector column, string? text)
    {
        if (text is null)
        {
            column.AppendNull();
        }
        else
        {
            column.AppendString(Encoding.UTF8.GetBytes(text));
        }
    }
}
