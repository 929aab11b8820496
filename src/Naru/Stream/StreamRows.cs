using System.Buffers;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Lake.Columns;
using Naru.Stream.Aggregate;
using Naru.Stream.Landing;

namespace Naru.Stream;

/// <summary>Rows of the stream's own tables in one cut: `rejected` (fields and secure), `replays`, `volume`.</summary>
internal sealed class StreamRows(TimeZoneInfo timeZone, Cut cut)
{
    private TableRows? _rejected;
    private TableRows? _secure;
    private TableRows? _replays;
    private TableRows? _late;
    private (long Hour, int Day) _lastDay = (long.MinValue, 0);

    public void AddRejected(in RejectedEvent rejected)
    {
        _rejected ??= cut.AddTable(StreamTables.Rejected, StreamTables.RejectedSchema);
        _secure ??= cut.AddTable(StreamTables.RejectedSecure, StreamTables.RejectedSecureSchema);
        int day = DayOf(rejected.ReceivedMicroseconds);
        AddFields(_rejected, rejected, day);
        AddRaw(_secure, rejected, day);
    }

    public void AddReplay(
        (int Partition, long Offset) replay, in RecordOrigin origin, RecordOutcome outcome, long replayedMicroseconds)
    {
        _replays ??= cut.AddTable(StreamTables.Replays, StreamTables.ReplaysSchema);
        ColumnVector[] columns = _replays.Batch.Columns;
        columns[0].AppendInt32(replay.Partition);
        columns[1].AppendInt64(replay.Offset);
        columns[2].AppendInt32(origin.Partition);
        columns[3].AppendInt64(origin.Offset);
        columns[4].AppendString(outcome switch
        {
            RecordOutcome.Landed => "landed"u8,
            RecordOutcome.Duplicate => "duplicate"u8,
            _ => "rejected"u8,
        });
        columns[5].AppendInt64(replayedMicroseconds);
        columns[6].AppendInt32(DayOf(replayedMicroseconds));
        EndRow(_replays);
    }

    public void AddLate(RunningAggregate aggregate, string log, InputRows input, in LateRow late)
    {
        _late ??= cut.AddTable(StreamTables.Late, StreamTables.LateSchema);
        ColumnVector[] columns = _late.Batch.Columns;
        AppendText(columns[0], aggregate.Plan.Name);
        AppendText(columns[1], log);
        columns[2].AppendString(input.Ids.Utf8At(late.Row));
        columns[3].AppendInt64(late.Time);
        columns[4].AppendInt64(late.From);
        columns[5].AppendInt64(late.To);
        columns[6].AppendInt64(late.Watermark);
        columns[7].AppendInt32(DayOf(late.Time));
        EndRow(_late);
    }

    public void AddVolume(TableRows rows, ImmutableArray<VolumeCount> counts, long landing)
    {
        foreach (VolumeCount count in counts)
        {
            ColumnVector[] columns = rows.Batch.Columns;
            long minute = count.Minute * 60_000_000;
            AppendText(columns[0], count.Log);
            columns[1].AppendInt64(minute);
            columns[2].AppendInt64(count.Received);
            columns[3].AppendInt64(count.Replayed);
            columns[4].AppendInt64(count.Landed);
            columns[5].AppendInt64(count.Duplicate);
            columns[6].AppendInt64(count.Rejected);
            columns[7].AppendInt64(count.Late);
            columns[8].AppendInt64(landing);
            columns[9].AppendInt32(DayOf(minute));
            EndRow(rows);
        }
    }

    public void AddSuspects(TableRows rows, TimeSuspects suspects, long receivedUntil)
    {
        foreach ((string log, string sender, TimeSuspects.Skew skew) in suspects.All())
        {
            ColumnVector[] columns = rows.Batch.Columns;
            AppendText(columns[0], log);
            AppendText(columns[1], sender);
            columns[2].AppendInt64(skew.Events);
            columns[3].AppendInt64(skew.MinSeconds);
            columns[4].AppendInt64(skew.MaxSeconds);
            columns[5].AppendInt64(receivedUntil);
            columns[6].AppendInt32(DayOf(receivedUntil));
            EndRow(rows);
        }
    }

    private static void AddFields(TableRows rows, in RejectedEvent rejected, int day)
    {
        ColumnVector[] columns = rows.Batch.Columns;
        columns[0].AppendInt32(rejected.Partition);
        columns[1].AppendInt64(rejected.Offset);
        AppendId(columns[2], rejected.Id);
        columns[3].AppendInt64(rejected.ReceivedMicroseconds);
        columns[4].AppendInt32(rejected.LogVersion);
        AppendUtf8(columns[5], rejected.Sender);
        AppendTextOrNull(columns[6], rejected.Log);
        AppendText(columns[7], rejected.Reason.Text());
        AppendTextOrNull(columns[8], rejected.Path);
        AppendTextOrNull(columns[9], rejected.Message);
        columns[10].AppendInt32(rejected.Bytes.Length);
        if (rejected.Origin is { } origin)
        {
            columns[11].AppendInt32(origin.Partition);
            columns[12].AppendInt64(origin.Offset);
        }
        else
        {
            columns[11].AppendNull();
            columns[12].AppendNull();
        }

        columns[13].AppendInt32(day);
        EndRow(rows);
    }

    private static void AddRaw(TableRows rows, in RejectedEvent rejected, int day)
    {
        ColumnVector[] columns = rows.Batch.Columns;
        columns[0].AppendInt32(rejected.Partition);
        columns[1].AppendInt64(rejected.Offset);
        if (Utf8.IsValid(rejected.Bytes))
        {
            columns[2].AppendString("utf8"u8);
            columns[3].AppendString(rejected.Bytes);
        }
        else
        {
            byte[] text = ArrayPool<byte>.Shared.Rent(Base64.GetMaxEncodedToUtf8Length(rejected.Bytes.Length));
            Base64.EncodeToUtf8(rejected.Bytes, text, out _, out int written);
            columns[2].AppendString("base64"u8);
            columns[3].AppendString(text.AsSpan(0, written));
            ArrayPool<byte>.Shared.Return(text);
        }

        columns[4].AppendInt32(day);
        EndRow(rows);
    }

    private static void EndRow(TableRows rows)
    {
        rows.Live.Add(rows.Batch.RowCount);
        rows.Batch.EndRow();
    }

    private static void AppendId(ColumnVector column, EventId? id)
    {
        if (id is not { } known)
        {
            column.AppendNull();
            return;
        }

        Span<byte> text = stackalloc byte[EventId.TextLength];
        known.Format(text);
        column.AppendString(text);
    }

    private static void AppendUtf8(ColumnVector column, ReadOnlySpan<byte> utf8) =>
        column.AppendString(Utf8.IsValid(utf8) ? utf8 : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(utf8)));

    private static void AppendText(ColumnVector column, string text) =>
        column.AppendString(Encoding.UTF8.GetBytes(text));

    private static void AppendTextOrNull(ColumnVector column, string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            column.AppendNull();
        }
        else
        {
            AppendText(column, text);
        }
    }

    /// <summary>
    /// Days since 1970-01-01 in the project's zone; zones change their offset on whole quarter hours.
    /// </summary>
    private int DayOf(long microseconds)
    {
        long quarter = Math.DivRem(microseconds, 900_000_000).Quotient;
        if (_lastDay.Hour != quarter)
        {
            DateTimeOffset instant = DateTimeOffset.FromUnixTimeMilliseconds(quarter * 900_000);
            DateTime local = TimeZoneInfo.ConvertTime(instant, timeZone).DateTime;
            _lastDay = (quarter,
                DateOnly.FromDateTime(local).DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber);
        }

        return _lastDay.Day;
    }
}

/// <summary>One event that is kept among the rejected.</summary>
internal readonly ref struct RejectedEvent
{
    public required int Partition { get; init; }

    public required long Offset { get; init; }

    /// <summary>Null where the event is too broken to have one.</summary>
    public EventId? Id { get; init; }

    /// <summary>Full name; null where the event named no log.</summary>
    public string? Log { get; init; }

    public required int LogVersion { get; init; }

    public required long ReceivedMicroseconds { get; init; }

    public required ReadOnlySpan<byte> Sender { get; init; }

    public required RejectReason Reason { get; init; }

    public string? Path { get; init; }

    public string? Message { get; init; }

    public required ReadOnlySpan<byte> Bytes { get; init; }

    public RecordOrigin? Origin { get; init; }
}
