using Naru.Core;
using Naru.Lake.Columns;

namespace Naru.Stream.Decode;

/// <summary>
/// The payload of the raw group: the event's bytes without its sensitive members and their commas. Members are given in
/// order; the object's own bounds at the end.
/// </summary>
internal sealed class PayloadCutter
{
    private readonly List<(int From, int To)> _cuts = [];
    private byte[] _kept = [];
    private int _start;
    private int _end;
    private int _lastMemberEnd;
    private bool _keptAny;

    public void Clear()
    {
        _cuts.Clear();
        _keptAny = false;
        _start = _end = 0;
    }

    /// <param name="keyStart">Of the key's quote.</param>
    /// <param name="valueEnd">After the value.</param>
    /// <param name="sensitive">Leave it out.</param>
    public void Member(int keyStart, int valueEnd, bool sensitive)
    {
        if (sensitive)
        {
            // A member that follows a kept one takes the comma before it along, else the comma after it goes.
            _cuts.Add((_keptAny ? _lastMemberEnd : keyStart, valueEnd));
        }
        else if (!_keptAny)
        {
            if (_cuts.Count > 0)
            {
                (int from, _) = _cuts[0];
                _cuts.Clear();
                _cuts.Add((from, keyStart));
            }

            _keptAny = true;
        }

        _lastMemberEnd = valueEnd;
    }

    public void End(int start, int end)
    {
        _start = start;
        _end = end;
        if (!_keptAny && _cuts.Count > 1)
        {
            (int from, _) = _cuts[0];
            (_, int to) = _cuts[^1];
            _cuts.Clear();
            _cuts.Add((from, to));
        }
    }

    public void AppendTo(ColumnVector column, ReadOnlySpan<byte> record)
    {
        Invariant.Hold(_end > _start);
        if (_cuts.Count == 0)
        {
            column.AppendString(record[_start.._end]);
            return;
        }

        if (_kept.Length < record.Length)
        {
            _kept = new byte[Math.Max(record.Length, 4096)];
        }

        int length = 0;
        int from = _start;
        foreach ((int cutFrom, int cutTo) in _cuts)
        {
            record[from..cutFrom].CopyTo(_kept.AsSpan(length));
            length += cutFrom - from;
            from = cutTo;
        }

        record[from.._end].CopyTo(_kept.AsSpan(length));
        column.AppendString(_kept.AsSpan(0, length + _end - from));
    }
}
