using Naru.Core;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Lake.Columns;

namespace Naru.Stream.Decode;

/// <summary>
/// Decoded rows of one version of a log, in its column groups. Row i of <see cref="Fields"/> and of <see cref="Raw"/> is
/// one event; <see cref="SecureRows"/> says which event a row of <see cref="Secure"/> belongs to. Written by one decoder;
/// disposed by its owner.
/// </summary>
internal sealed class LogBatch : IDisposable
{
    private const int EventTimeColumn = 3;
    private const int RowsInitial = 1024;

    private readonly int _dayColumn;
    private EventId[] _ids = new EventId[RowsInitial];
    private int[] _secureRows = [];

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

    public ReadOnlySpan<EventId> Ids => _ids.AsSpan(0, RowCount);

    /// <summary>For each row of <see cref="Secure"/>, its event's row in <see cref="Fields"/>; ascending.</summary>
    public ReadOnlySpan<int> SecureRows => _secureRows.AsSpan(0, Secure?.RowCount ?? 0);

    public unsafe ReadOnlySpan<int> Partitions => new(Fields.Columns[LogTables.PartitionColumn].Values, RowCount);

    public unsafe ReadOnlySpan<long> Offsets => new(Fields.Columns[LogTables.OffsetColumn].Values, RowCount);

    /// <summary>Derived event times in Unix microseconds.</summary>
    public unsafe ReadOnlySpan<long> EventTimes => new(Fields.Columns[EventTimeColumn].Values, RowCount);

    /// <summary>Days since 1970-01-01 of the derived event times in the project's zone.</summary>
    public unsafe ReadOnlySpan<int> Days => new(Fields.Columns[_dayColumn].Values, RowCount);

    /// <summary>Hours of the day (0-23); empty unless the log is partitioned by hour.</summary>
    public unsafe ReadOnlySpan<int> Hours =>
        Plan.Log.PartitionByHour ? new(Fields.Columns[_dayColumn + 1].Values, RowCount) : [];

    public long MemoryBytes =>
        Fields.MemoryBytes + Raw.MemoryBytes + (Secure?.MemoryBytes ?? 0)
        + ((long)_ids.Length * EventId.SizeBytes) + (_secureRows.Length * sizeof(int));

    /// <summary>The vector of each field of the log, in the definition's order.</summary>
    internal ColumnVector[] FieldColumns { get; }

    public void Dispose()
    {
        Fields.Dispose();
        Raw.Dispose();
        Secure?.Dispose();
    }

    /// <summary>The row's columns are all written.</summary>
    internal void EndRow(EventId id, bool secure)
    {
        int row = RowCount;
        if (row == _ids.Length)
        {
            Array.Resize(ref _ids, row * 2);
        }

        _ids[row] = id;
        if (secure)
        {
            int secureRow = Secure!.RowCount;
            if (secureRow == _secureRows.Length)
            {
                Array.Resize(ref _secureRows, Math.Max(RowsInitial, secureRow * 2));
            }

            _secureRows[secureRow] = row;
            Secure.EndRow();
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
}
