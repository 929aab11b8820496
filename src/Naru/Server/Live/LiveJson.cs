using System.Text;
using System.Text.Json;
using Naru.Aggregates;
using Naru.Core.Windows;
using Naru.Lake.Columns;
using Naru.Query.Results;
using Naru.Stream.Aggregate;

namespace Naru.Server.Live;

/// <summary>One row of an answer: where its JSON stands, and where the JSON of what it is known by.</summary>
internal readonly record struct LiveJsonRow(int First, int Length, string Id);

/// <param name="IsFinal">The window is closed.</param>
/// <param name="Revision">How often it was revised since.</param>
internal readonly record struct LiveWindowState(bool IsFinal, int Revision);

/// <summary>
/// Writes an answer of the live API. Values have the forms that `/v1/sql` gives them. Used by one thread, again and
/// again.
/// </summary>
internal sealed class LiveJson
{
    private readonly OutputBuffer _output = new();
    private readonly OutputBuffer _id = new();
    private readonly ColumnCells _cells;
    private readonly ColumnCells _idCells;
    private AggregatePlan? _plan;
    private byte[][] _names = [];
    private int[] _idColumns = [];
    private int _rows;

    public LiveJson(TimeZoneInfo zone)
    {
        ZoneClock clock = new(zone);
        _cells = new ColumnCells(_output, clock);
        _idCells = new ColumnCells(_id, clock);
    }

    public ReadOnlySpan<byte> Written => _output.Written;

    /// <summary>Begins an answer: everything up to its rows.</summary>
    /// <param name="status">Of the aggregate, at the moment of the rows.</param>
    /// <param name="question">What was asked.</param>
    /// <param name="now">Unix microseconds.</param>
    public void Begin(LiveStatus status, LiveQuestion question, long now)
    {
        Use(status.Plan);
        _output.Clear();
        _rows = 0;
        _output.Append("{\"aggregate\":"u8);
        JsonText.Append(_output, Encoding.UTF8.GetBytes(status.Plan.Name));
        WriteState(status, now);
        if (question.IsMerged)
        {
            _output.Append(",\"merged\":true"u8);
        }

        _output.Append(",\"rows\":["u8);
    }

    /// <summary>Begins what changed of an answer.</summary>
    public void BeginChange(LiveStatus status, long now)
    {
        Use(status.Plan);
        _output.Clear();
        _rows = 0;
        _output.Append("{\"aggregate\":"u8);
        JsonText.Append(_output, Encoding.UTF8.GetBytes(status.Plan.Name));
        WriteState(status, now);
        _output.Append(",\"rows\":["u8);
    }

    /// <summary>A row in the columns of the select list, and how its window stands, where it is of one.</summary>
    public LiveJsonRow Row(ColumnBatch rows, int row, LiveWindowState? window, bool withId)
    {
        if (_rows++ > 0)
        {
            _output.Append((byte)',');
        }

        int first = _output.Length;
        for (int i = 0; i < _names.Length; i++)
        {
            _output.Append(i == 0 ? (byte)'{' : (byte)',');
            _output.Append(_names[i]);
            _cells.WriteJson(rows.Columns[i], row);
        }

        if (window is { } of)
        {
            _output.Append(of.IsFinal ? ",\"_final\":true,\"_revision\":"u8 : ",\"_final\":false,\"_revision\":"u8);
            _output.AppendNumber(of.Revision);
        }

        _output.Append((byte)'}');
        return new LiveJsonRow(first, _output.Length - first, withId ? Id(rows, row) : "");
    }

    /// <summary>A row as it was written before.</summary>
    public void Row(ReadOnlySpan<byte> json)
    {
        if (_rows++ > 0)
        {
            _output.Append((byte)',');
        }

        _output.Append(json);
    }

    public void End(bool isTruncated)
    {
        _output.Append(isTruncated ? "],\"truncated\":true}"u8 : "],\"truncated\":false}"u8);
    }

    /// <summary>Ends what changed, with the keys of rows that are no more.</summary>
    public void EndChange(IEnumerable<string> gone)
    {
        _output.Append("],\"gone\":["u8);
        int count = 0;
        foreach (string id in gone)
        {
            if (count++ > 0)
            {
                _output.Append((byte)',');
            }

            _output.Append(Encoding.UTF8.GetBytes(id));
        }

        _output.Append("]}"u8);
    }

    private void WriteState(LiveStatus status, long now)
    {
        _output.Append(",\"as_of\":"u8);
        WriteTime(status.AsOf);
        _output.Append(",\"watermark\":"u8);
        WriteTime(status.Watermark);
        _output.Append(",\"age_seconds\":"u8);
        if (status.AsOf == long.MinValue)
        {
            _output.Append("null"u8);
        }
        else
        {
            _output.AppendNumber(Math.Max(0, now - status.AsOf) / 100_000 / 10.0);
        }

        _output.Append(status.IsBuilding ? ",\"building\":true"u8 : ",\"building\":false"u8);
    }

    private void WriteTime(long microseconds)
    {
        if (microseconds == long.MinValue)
        {
            _output.Append("null"u8);
        }
        else
        {
            _cells.WriteTime(microseconds);
        }
    }

    private string Id(ColumnBatch rows, int row)
    {
        _id.Clear();
        for (int i = 0; i < _idColumns.Length; i++)
        {
            _id.Append(i == 0 ? (byte)'{' : (byte)',');
            _id.Append(_names[_idColumns[i]]);
            _idCells.WriteJson(rows.Columns[_idColumns[i]], row);
        }

        _id.Append(_idColumns.Length == 0 ? "{}"u8 : "}"u8);
        return Encoding.UTF8.GetString(_id.Written);
    }

    private void Use(AggregatePlan plan)
    {
        if (ReferenceEquals(plan, _plan))
        {
            return;
        }

        _plan = plan;
        _names =
        [
            .. plan.Outputs.Select(static output =>
                Encoding.UTF8.GetBytes($"\"{JsonEncodedText.Encode(output.Name)}\":")),
        ];

        // Of sessions the start may change when an earlier event arrives: such a row is another one.
        _idColumns =
        [
            .. Enumerable.Range(0, plan.Outputs.Length).Where(i => plan.Outputs[i].Base >= 0
                && plan.Outputs[i].Base < 2 + plan.Keys.Length
                && (plan.Outputs[i].Base != 1 || plan.Window.Kind == WindowKind.Session)),
        ];
    }
}
