using System.Collections.Immutable;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Stream.Tail;

namespace Naru.Stream;

/// <summary>
/// The rows of one table in one cut: decoded columns, and which of their rows are to be landed (a duplicate is decoded
/// but not live). Rows become live in offset order. The last columns are the partition columns.
/// </summary>
internal sealed class TableRows : IDisposable
{
    public TableRows(TableName name, (int LogId, int Version) log, ColumnBatch batch, int partitionColumns)
    {
        Name = name;
        Log = log;
        Batch = batch;
        PartitionColumns = partitionColumns;
    }

    public TableName Name { get; }

    /// <summary>Log number and definition version; zeros for the stream's own tables.</summary>
    public (int LogId, int Version) Log { get; }

    public ColumnBatch Batch { get; }

    public int PartitionColumns { get; }

    public List<int> Live { get; } = [];

    public TailRows Tail { get; } = new();

    /// <summary>
    /// Live rows by partition value, each sorted by event time (else in offset order), as the files of a landing want
    /// them. Keys are the values that Delta writes: `2026-11-21`, or `2026-11-21`, `7`.
    /// </summary>
    public IEnumerable<(ImmutableArray<string> PartitionValues, int[] Rows)> ByPartition()
    {
        int[] rows = [.. Live];
        int ymd = Batch.Columns.Length - PartitionColumns;
        long[] keys = new long[rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            keys[i] = PartitionKey(ymd, rows[i]);
        }

        Array.Sort(keys, rows);
        for (int first = 0; first < rows.Length;)
        {
            int end = first + 1;
            while (end < rows.Length && keys[end] == keys[first])
            {
                end++;
            }

            int[] chosen = rows[first..end];
            SortByEventTime(chosen);
            yield return (PartitionText(keys[first]), chosen);
            first = end;
        }
    }

    public void Dispose() => Batch.Dispose();

    private long PartitionKey(int ymd, int row)
    {
        long key = (long)Batch.Columns[ymd].ValueAt<int>(row) << 8;
        return PartitionColumns == 2 ? key | (uint)Batch.Columns[ymd + 1].ValueAt<int>(row) : key;
    }

    private ImmutableArray<string> PartitionText(long key)
    {
        string day = DateOnly.FromDayNumber((int)(key >> 8) + UnixEpochDayNumber)
            .ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        return PartitionColumns == 2
            ? [day, (key & 0xff).ToString(System.Globalization.CultureInfo.InvariantCulture)]
            : [day];
    }

    private void SortByEventTime(int[] rows)
    {
        int column = Batch.Schema.IndexOf("_event_time");
        if (column < 0)
        {
            Array.Sort(rows);
            return;
        }

        ColumnVector times = Batch.Columns[column];
        long[] keys = new long[rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            keys[i] = times.ValueAt<long>(rows[i]);
        }

        Array.Sort(keys, rows);
    }

    private const int UnixEpochDayNumber = 719162;
}
