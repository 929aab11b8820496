using Naru.Core;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Lake.Columns;

namespace Naru.Stream.Decode;

/// <summary>
/// Decoded rows of one version of a log, in its column groups. Row i of <see cref="Fields"/> and of <see cref="Raw"/>
/// is one event; <see cref="SecureRows"/> says which event a row of <see cref="Secure"/> belongs to. Written by one
/// decoder; disposed by its owner.
/// </summary>
internal sealed unsafe class LogBatch : IDisposable
{
    private const int EventTimeColumn = 3;
    private const int RowsInitial = 1024;

    private readonly int _dayColumn;
    private readonly ColumnVector _secureRows = new(ColumnType.Int32);
    private EventId* _ids;
    private long _idsBytes;

    public LogBatch(DecodePlan plan)
    {
        Plan = plan;
        Fields = new ColumnBatch(plan.FieldsSchema);
        Raw = new ColumnBatch(plan.RawSchema);
        Secure = plan.SecureSchema is null ? null : new ColumnBatch(plan.SecureSchema);
        FieldColumns = [.. plan.Fields.Select(field => (field.Sensitive ? Secure! : Fields).Columns[field.Column])];
        _dayColumn = Fields.Columns.Length - LogTables.PartitionColumns(plan.Log).Length;
        Invariant.Hold(plan.FieldsSchema.Columns[EventTimeColumn].Name == "_event_time");
    }

    public DecodePlan Plan { get; }

    public ColumnBatch Fields { get; }

    public ColumnBatch Raw { get; }

    /// <summary>Null when the log has no sensitive field.</summary>
    public ColumnBatch? Secure { get; }

    public int RowCount => Fields.RowCount;

    public ReadOnlySpan<EventId> Ids => new(_ids, RowCount);

    /// <summary>For each row of <see cref="Secure"/>, its event's row in <see cref="Fields"/>; ascending.</summary>
    public ReadOnlySpan<int> SecureRows => new(_secureRows.Values, _secureRows.Count);

    public ReadOnlySpan<int> Partitions => new(Fields.Columns[LogTables.PartitionColumn].Values, RowCount);

    public ReadOnlySpan<long> Offsets => new(Fields.Columns[LogTables.OffsetColumn].Values, RowCount);

    /// <summary>Derived event times in Unix microseconds.</summary>
    public ReadOnlySpan<long> EventTimes => new(Fields.Columns[EventTimeColumn].Values, RowCount);

    /// <summary>Days since 1970-01-01 of the derived event times in the project's zone.</summary>
    public ReadOnlySpan<int> Days => new(Fields.Columns[_dayColumn].Values, RowCount);

    /// <summary>Hours of the day (0-23); empty unless the log is partitioned by hour.</summary>
    public ReadOnlySpan<int> Hours =>
        Plan.Log.PartitionByHour ? new(Fields.Columns[_dayColumn + 1].Values, RowCount) : [];

    public long MemoryBytes =>
        Fields.MemoryBytes + Raw.MemoryBytes + (Secure?.MemoryBytes ?? 0) + _idsBytes + _secureRows.MemoryBytes;

    /// <summary>The vector of each field of the log, in the definition's order.</summary>
    internal ColumnVector[] FieldColumns { get; }

    public void Dispose()
    {
        Fields.Dispose();
        Raw.Dispose();
        Secure?.Dispose();
        _secureRows.Dispose();
        ColumnMemory.Return((byte*)_ids, _idsBytes);
        _ids = null;
        _idsBytes = 0;
    }

    /// <summary>The row's columns are all written.</summary>
    internal void EndRow(EventId id, bool secure)
    {
        if ((long)RowCount * EventId.SizeBytes == _idsBytes)
        {
            GrowIds();
        }

        _ids[RowCount] = id;
        if (secure)
        {
            _secureRows.AppendInt32(RowCount);
            Secure!.EndRow();
        }

        Raw.EndRow();
        Fields.EndRow();
    }

    /// <summary>Takes back what was written of a row that turned out broken.</summary>
    internal void AbandonRow()
    {
        Fields.AbandonRow();
        Raw.AbandonRow();
        Secure?.AbandonRow();
    }

    private void GrowIds()
    {
        byte* larger = ColumnMemory.Rent(Math.Max(RowsInitial * EventId.SizeBytes, _idsBytes * 2), out long bytes);
        Buffer.MemoryCopy(_ids, larger, bytes, _idsBytes);
        ColumnMemory.Return((byte*)_ids, _idsBytes);
        _ids = (EventId*)larger;
        _idsBytes = bytes;
    }
}
