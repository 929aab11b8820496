using System.Buffers.Text;
using System.Text;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Lake.Catalog;
using Naru.Lake.DuckDb;

namespace Naru.Stream.Replay;

/// <summary>Which rejected events to replay. Nulls choose everything.</summary>
internal sealed record ReplayFilter(string? Log, RejectReason? Reason);

/// <summary>One rejected event that was not replayed yet. Raw is null when its bytes have expired.</summary>
internal sealed record RejectedEventRow(RecordOrigin Origin, bool HasId, string Sender, string? Log, byte[]? Raw);

/// <summary>Reads what is rejected and not replayed from one snapshot of the stream's own tables.</summary>
internal static class RejectedReader
{
    public static readonly IReadOnlyCollection<TableName> Tables =
        [StreamTables.Rejected, StreamTables.RejectedSecure, StreamTables.Replays];

    public static IEnumerable<RejectedEventRow> Read(ISnapshotLease lease, ReplayFilter filter)
    {
        TableSnapshot rejected = Find(lease, StreamTables.Rejected);
        if (rejected.Files.IsEmpty && rejected.TailFiles.IsEmpty)
        {
            return [];
        }

        return Query(Sql(lease, rejected, filter));
    }

    private static IEnumerable<RejectedEventRow> Query(string sql)
    {
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory(new KeyValuePair<string, string>("threads", "1"));
        using DuckDbConnection connection = database.Connect();
        using DuckDbResult result = connection.Stream(sql);
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                yield return ToRow(chunk, row);
            }
        }
    }

    private static RejectedEventRow ToRow(DuckDbChunk chunk, int row)
    {
        bool hasId = !chunk[2].IsNull(row);
        EventId id = default;
        if (hasId)
        {
            Core.Invariant.Hold(EventId.TryParse(chunk[2].StringAt(row), out id));
        }

        RecordOrigin origin = new(
            id, chunk[3].Values<long>()[row], chunk[0].Values<int>()[row], chunk[1].Values<long>()[row]);
        string? log = chunk[5].IsNull(row) ? null : chunk[5].StringAt(row);
        return new RejectedEventRow(origin, hasId, chunk[4].StringAt(row), log, Raw(chunk, row));
    }

    private static byte[]? Raw(DuckDbChunk chunk, int row)
    {
        if (chunk[7].IsNull(row))
        {
            return null;
        }

        byte[] text = chunk[7].Utf8At(row).ToArray();
        if (chunk[6].StringAt(row) == "utf8")
        {
            return text;
        }

        Base64.DecodeFromUtf8InPlace(text, out int length);
        return text[..length];
    }

    private static string Sql(ISnapshotLease lease, TableSnapshot rejected, ReplayFilter filter)
    {
        StringBuilder sql = new();
        sql.Append("SELECT r._topic_partition, r._topic_offset, r._id, epoch_us(r._received_at), r._sender, ");
        sql.Append("r.log, s.encoding, s.raw\n");
        sql.Append("FROM ").Append(Source(rejected)).Append(" r\n");
        TableSnapshot secure = Find(lease, StreamTables.RejectedSecure);
        sql.Append("LEFT JOIN ").Append(Source(secure)).Append(" s USING (_topic_partition, _topic_offset)\n");
        TableSnapshot replays = Find(lease, StreamTables.Replays);
        sql.Append("ANTI JOIN ").Append(Source(replays))
            .Append(" p ON p.origin_partition = r._topic_partition AND p.origin_offset = r._topic_offset\n");
        sql.Append("WHERE true");
        if (filter.Log is { } log)
        {
            sql.Append(" AND (r.log = ").Append(Text(log)).Append(" OR r.reason = 'unknown_log')");
        }

        if (filter.Reason is { } reason)
        {
            sql.Append(" AND r.reason = ").Append(Text(reason.Text()));
        }

        return sql.Append("\nORDER BY r._sender, r._topic_partition, r._topic_offset").ToString();
    }

    private static TableSnapshot Find(ISnapshotLease lease, TableName name) =>
        lease.Tables.First(table => table.Name == name);

    /// <summary>A table without files still has its columns.</summary>
    private static string Source(TableSnapshot table)
    {
        string[] files = [.. table.Files, .. table.TailFiles];
        if (files.Length > 0)
        {
            string list = string.Join(", ", files.Select(Text));
            return $"read_parquet([{list}], union_by_name = true, hive_partitioning = false)";
        }

        IEnumerable<string> columns =
            table.Schema.Columns.Select(static column => $"NULL::{column.Type.Sql} AS \"{column.Name}\"");
        return $"(SELECT {string.Join(", ", columns)} WHERE false)";
    }

    private static string Text(string value) => $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";
}
