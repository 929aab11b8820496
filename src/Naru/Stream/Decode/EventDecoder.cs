using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Lake.Columns;

namespace Naru.Stream.Decode;

/// <summary>
/// Turns the bytes of one event into one row of a <see cref="LogBatch"/>, or into a <see cref="Rejection"/>: one pass
/// that tokenises, checks and converts. It throws for no input, and what it accepts every later stage can hold.
///
/// Rules that the definition does not state:
/// - one JSON object of at most 512 members and 32 levels, no key twice, valid UTF-8, no lone surrogate, nothing after
///   it;
/// - null is an absent value; keys are compared unescaped;
/// - whole numbers and decimals convert exactly or not at all (`1.0` and `1e3` are whole numbers); a string holds a
///   number when all of it is one, and a boolean when it says true or false in any letter case;
/// - NaN and infinities are no numbers; a double beyond its range is `out_of_range`;
/// - the client's id is a string or a number; an empty one is none.
///
/// One thread uses one decoder. Nothing is allocated per accepted event.
/// </summary>
internal sealed partial class EventDecoder
{
    public const int MembersMax = 512;
    public const int DepthMax = 32;

    private readonly PayloadCutter _cutter = new();
    private readonly UnknownKeys _unknown = new();
    private int[] _keySeen = [];
    private int[] _valueSeen = [];
    private int _generation;

    private DecodePlan _plan = null!;
    private LogBatch? _target;
    private EventIdentity _identity;
    private int _senderRow;

    private long? _created;
    private long? _sent;
    private int _idRank;
    private bool _secureSeen;

    private RejectReason _reason;
    private string _path = "";
    private string _message = "";

    /// <summary>Chooses where the rows of this batch go. The batch must be of the target's log and version.</summary>
    public void Begin(LogBatch target, in TopicBatch batch)
    {
        Invariant.Hold(target.Plan.Log.Id == batch.Header.LogId && target.Plan.Log.Version == batch.Header.LogVersion);
        Use(target.Plan, target);
        _identity = EventIdentity.Of(batch.Sender, target.Plan.LogNameUtf8);
        _senderRow = -1;
    }

    /// <summary>Appends one row to the target, or says why not and leaves it as it was.</summary>
    /// <param name="batch">The one given to <see cref="Begin"/>.</param>
    /// <param name="position">Of the record in the batch; its offset is the batch's base offset plus this.</param>
    /// <param name="record">The record's bytes.</param>
    /// <param name="rejection">Set when the result is false.</param>
    public bool TryDecode(in TopicBatch batch, int position, ReadOnlySpan<byte> record, out Rejection rejection)
    {
        LogBatch target = _target!;
        bool whole = Scan(record);
        if (whole && _reason == RejectReason.None)
        {
            FindMissing();
        }

        EventId id = Identify(batch, position, record, whole);
        if (_reason != RejectReason.None)
        {
            target.AbandonRow();
            rejection = new Rejection(_reason, _path, _message, id);
            return false;
        }

        Finish(target, batch, position, record, id);
        rejection = default;
        return true;
    }

    /// <summary>Judges an event as <see cref="TryDecode"/> would, without keeping anything of it.</summary>
    public bool TryCheck(DecodePlan plan, ReadOnlySpan<byte> record, out Rejection rejection)
    {
        Use(plan, null);
        if (Scan(record) && _reason == RejectReason.None)
        {
            FindMissing();
        }

        bool accepted = _reason == RejectReason.None;
        rejection = accepted ? default : new Rejection(_reason, _path, _message, default);
        return accepted;
    }

    private void Use(DecodePlan plan, LogBatch? target)
    {
        if (!ReferenceEquals(_plan, plan))
        {
            _plan = plan;
            _keySeen = new int[plan.KeyPlans.Length];
            _valueSeen = new int[plan.Fields.Length];
            _nextKey = new int[plan.KeyPlans.Length + 1];
            Array.Fill(_nextKey, -1);
            _generation = 0;
        }

        _target = target;
    }

    private void Reset()
    {
        if (_generation == int.MaxValue)
        {
            Array.Clear(_keySeen);
            Array.Clear(_valueSeen);
            _generation = 0;
        }

        _generation++;
        _created = null;
        _sent = null;
        _idRank = int.MaxValue;
        _secureSeen = false;
        _reason = RejectReason.None;
        _cutter.Clear();
        _unknown.Clear();
    }

    /// <summary>The first mistake found is the one that is told.</summary>
    private void Fail(RejectReason reason, string path, string message)
    {
        if (_reason == RejectReason.None)
        {
            (_reason, _path, _message) = (reason, path, message);
        }
    }

    /// <summary>The event as a whole is no event: overrides what was found in its members.</summary>
    private bool FailWhole(string message)
    {
        (_reason, _path, _message) = (RejectReason.Malformed, "", message);
        return false;
    }

    private void FindMissing()
    {
        foreach (FieldPlan field in _plan.Fields)
        {
            if (field.Field.Required && _valueSeen[field.Index] != _generation)
            {
                Fail(RejectReason.MissingField, field.Field.Key, "required, but not there");
                return;
            }
        }
    }

    private EventId Identify(in TopicBatch batch, int position, ReadOnlySpan<byte> record, bool whole)
    {
        if (!batch.Origins.IsEmpty)
        {
            return batch.Origins[position].Id;
        }

        long created = whole && _created is { } microseconds ? microseconds / 1000 : 0;
        BatchHeader header = batch.Header;
        if (whole && _idRank != int.MaxValue)
        {
            return _identity.ByClientId(created, _clientId.AsSpan(0, _clientIdLength));
        }

        int index = batch.IndexOf(position);
        return (header.Flags & BatchFlags.FileLines) != 0
            ? _identity.ByLine(created, header.KeyHigh, header.KeyLow, index, record)
            : _identity.ByIndex(created, header.KeyHigh, header.KeyLow, index);
    }

    private void Finish(LogBatch target, in TopicBatch batch, int position, ReadOnlySpan<byte> record, EventId id)
    {
        long received = batch.Origins.IsEmpty
            ? batch.Header.ReceivedMicroseconds
            : batch.Origins[position].ReceivedMicroseconds;
        EventTime time = EventTime.Derive(received, _created, _sent, _plan.Bounds);
        int day = _plan.Zone.DayAt(time.Microseconds, out int hour);
        long offset = batch.BaseOffset + position;

        AppendSystemColumns(target.Fields.Columns, batch, id, time);
        AppendKey(target.Fields.Columns, batch.Partition, offset);
        target.Fields.Columns[4].AppendInt64(received);
        AppendMissing(target);
        AppendDay(target.Fields.Columns, day, hour);

        AppendKey(target.Raw.Columns, batch.Partition, offset);
        _cutter.AppendTo(target.Raw.Columns[2], record);
        AppendDay(target.Raw.Columns, day, hour);

        if (_secureSeen)
        {
            AppendKey(target.Secure!.Columns, batch.Partition, offset);
            AppendDay(target.Secure.Columns, day, hour);
        }

        target.EndRow(id, _secureSeen);
    }

    private void AppendSystemColumns(ColumnVector[] columns, in TopicBatch batch, EventId id, EventTime time)
    {
        Span<byte> text = stackalloc byte[EventId.TextLength];
        id.Format(text);
        columns[2].AppendString(text);
        columns[3].AppendInt64(time.Microseconds);
        columns[5].AppendInt32(batch.Header.LogVersion);
        if (_senderRow < 0)
        {
            _senderRow = columns[6].Count;
            columns[6].AppendString(batch.Sender);
        }
        else
        {
            columns[6].AppendCopy(_senderRow);
        }

        columns[7].AppendString(time.Source.Utf8());
        AppendTime(columns[8], _created);
        AppendTime(columns[9], _sent);
    }

    private static void AppendTime(ColumnVector column, long? time)
    {
        if (time is { } known)
        {
            column.AppendInt64(known);
        }
        else
        {
            column.AppendNull();
        }
    }

    private static void AppendKey(ColumnVector[] columns, int partition, long offset)
    {
        columns[0].AppendInt32(partition);
        columns[1].AppendInt64(offset);
    }

    private void AppendDay(ColumnVector[] columns, int day, int hour)
    {
        if (_plan.Log.PartitionByHour)
        {
            columns[^2].AppendInt32(day);
            columns[^1].AppendInt32(hour);
        }
        else
        {
            columns[^1].AppendInt32(day);
        }
    }

    /// <summary>Absent values; a row of the secure group exists only when one of its values does.</summary>
    private void AppendMissing(LogBatch target)
    {
        ColumnVector[] columns = target.FieldColumns;
        int[] seen = _valueSeen;
        for (int i = 0; i < seen.Length; i++)
        {
            if (seen[i] != _generation && (_secureSeen || !_plan.Fields[i].Sensitive))
            {
                columns[i].AppendNull();
            }
        }
    }
}
