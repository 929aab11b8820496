using System.Buffers;
using System.Text.Unicode;
using Naru.Core.Events;

namespace Naru.Collect;

internal enum ScanEnd
{
    /// <summary>The value is whole: <see cref="EventScanner.Position"/> is behind it.</summary>
    Complete,

    /// <summary>The bytes end within the value.</summary>
    NeedMore,

    /// <summary>
    /// The syntax is broken at <see cref="EventScanner.Position"/>: where the value ends cannot be told.
    /// </summary>
    Broken,
}

/// <summary>
/// One pass over one JSON value (RFC 8259, strict), by which collect finds where an event ends and whether it is one
/// JSON object as the stream takes it: valid UTF-8, whole surrogate pairs, no key twice, at most 32 levels and 512
/// properties. Such a fault does not end the pass, so a bad event never costs its neighbours; broken syntax does. No
/// exceptions and nothing allocated: hostile bodies cost no more than good ones.
/// </summary>
internal ref struct EventScanner
{
    public const int DepthMax = 32;
    public const int PropertiesMax = 512;

    /// <summary>What ends a run of plain characters of a string.</summary>
    private static readonly SearchValues<byte> StringStops = SearchValues.Create(
        [(byte)'"', (byte)'\\', .. Enumerable.Range(0, 32).Select(static value => (byte)value)]);

    private readonly ReadOnlySpan<byte> _text;
    private readonly EventKeys _keys;
    private int _at;
    private int _depth;

    /// <summary>Bit d: the container at depth d + 1 is an object.</summary>
    private uint _objects;

    public EventScanner(ReadOnlySpan<byte> text, EventKeys keys)
    {
        _text = text;
        _keys = keys;
        Fault = "";
        BrokenBecause = "";
    }

    /// <summary>Bytes read.</summary>
    public readonly int Position => _at;

    /// <summary>Why the value, though its syntax is whole, is not an event; empty when it is one.</summary>
    public string Fault { get; private set; }

    /// <summary>Set with <see cref="ScanEnd.Broken"/>.</summary>
    public string BrokenBecause { get; private set; }

    /// <summary>Reads one value; white space before it is skipped.</summary>
    public ScanEnd Scan()
    {
        _keys.Clear();
        SkipSpace();
        int start = _at;
        if (_at < _text.Length && _text[_at] != (byte)'{')
        {
            Note("the event is not a JSON object");
        }

        ScanEnd end = ScanValue();
        while (end == ScanEnd.Complete && _depth > 0)
        {
            end = ScanNext();
        }

        if (end == ScanEnd.Complete && !Utf8.IsValid(_text[start.._at]))
        {
            Note("the event is not valid UTF-8");
        }

        return end;
    }

    private void Note(string fault) => Fault = Fault.Length == 0 ? fault : Fault;

    private ScanEnd Break(string because)
    {
        BrokenBecause = because;
        return ScanEnd.Broken;
    }

    private void SkipSpace()
    {
        while (_at < _text.Length && _text[_at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            _at++;
        }
    }

    private readonly bool InObject => _depth <= DepthMax && (_objects >> (_depth - 1) & 1) != 0;

    /// <summary>What follows a value within a container: its end, or a comma and the next value.</summary>
    private ScanEnd ScanNext()
    {
        SkipSpace();
        if (_at == _text.Length)
        {
            return ScanEnd.NeedMore;
        }

        byte next = _text[_at];
        if (_depth > DepthMax)
        {
            return ScanDeep(next);
        }

        if (next == (InObject ? (byte)'}' : (byte)']'))
        {
            Leave();
            return ScanEnd.Complete;
        }

        if (next != (byte)',')
        {
            return Break(InObject ? "expected ',' or '}'" : "expected ',' or ']'");
        }

        _at++;
        return InObject ? ScanProperty() : ScanValue();
    }

    /// <summary>Below the depth limit the event is lost; only its end is looked for: strings and brackets.</summary>
    private ScanEnd ScanDeep(byte next)
    {
        if (next == (byte)'"')
        {
            return ScanString(out _, out _);
        }

        _at++;
        _depth += next is (byte)'{' or (byte)'[' ? 1 : next is (byte)'}' or (byte)']' ? -1 : 0;
        return ScanEnd.Complete;
    }

    private ScanEnd ScanValue()
    {
        SkipSpace();
        if (_at == _text.Length)
        {
            return ScanEnd.NeedMore;
        }

        switch (_text[_at])
        {
            case (byte)'"':
                return ScanString(out _, out _);
            case (byte)'{':
                return Enter(isObject: true);
            case (byte)'[':
                return Enter(isObject: false);
            case (byte)'t':
                return ScanLiteral("true"u8);
            case (byte)'f':
                return ScanLiteral("false"u8);
            case (byte)'n':
                return ScanLiteral("null"u8);
            default:
                return ScanNumber();
        }
    }

    private ScanEnd Enter(bool isObject)
    {
        _at++;
        _depth++;
        if (_depth > DepthMax)
        {
            Note("the event has more than 32 levels");
            return ScanEnd.Complete;
        }

        uint bit = 1u << (_depth - 1);
        _objects = isObject ? _objects | bit : _objects & ~bit;
        SkipSpace();
        if (_at == _text.Length)
        {
            return ScanEnd.NeedMore;
        }

        if (_text[_at] == (isObject ? (byte)'}' : (byte)']'))
        {
            Leave();
            return ScanEnd.Complete;
        }

        return isObject ? ScanProperty() : ScanValue();
    }

    private void Leave()
    {
        if (_depth == 1 && InObject && _keys.Fault(_text) is { } fault)
        {
            Note(fault);
        }

        _at++;
        _depth--;
    }

    private ScanEnd ScanProperty()
    {
        SkipSpace();
        if (_at == _text.Length)
        {
            return ScanEnd.NeedMore;
        }

        if (_text[_at] != (byte)'"')
        {
            return Break("expected a key in quotes");
        }

        int start = _at + 1;
        ScanEnd end = ScanString(out int length, out bool escaped);
        if (end != ScanEnd.Complete)
        {
            return end;
        }

        SkipSpace();
        if (_at == _text.Length)
        {
            return ScanEnd.NeedMore;
        }

        if (_text[_at] != (byte)':')
        {
            return Break("expected ':' after a key");
        }

        _at++;
        SkipSpace();
        if (_depth == 1)
        {
            _keys.Add(new KeyPlace(start, length, escaped, _at), _text);
        }

        return ScanValue();
    }

    /// <param name="length">Bytes between the quotes.</param>
    private ScanEnd ScanString(out int length, out bool escaped)
    {
        int start = ++_at;
        length = 0;
        escaped = false;
        while (true)
        {
            int plain = _text[_at..].IndexOfAny(StringStops);
            if (plain < 0)
            {
                _at = _text.Length;
                return ScanEnd.NeedMore;
            }

            _at += plain;
            byte stop = _text[_at];
            if (stop == (byte)'"')
            {
                length = _at - start;
                _at++;
                return ScanEnd.Complete;
            }

            if (stop != (byte)'\\')
            {
                return Break("control characters in a string must be escaped");
            }

            escaped = true;
            ScanEnd end = ScanEscape();
            if (end != ScanEnd.Complete)
            {
                return end;
            }
        }
    }

    private ScanEnd ScanEscape()
    {
        if (_text.Length - _at < 2)
        {
            return ScanEnd.NeedMore;
        }

        if (_text[_at + 1] != (byte)'u')
        {
            if ("\"\\/bfnrt"u8.IndexOf(_text[_at + 1]) < 0)
            {
                return Break("there is no such escape");
            }

            _at += 2;
            return ScanEnd.Complete;
        }

        ScanEnd end = ScanUnit(_at, out int unit);
        if (end != ScanEnd.Complete)
        {
            return end;
        }

        _at += 6;
        if (unit is < 0xd800 or > 0xdfff)
        {
            return ScanEnd.Complete;
        }

        return ScanLowSurrogate(unit);
    }

    private ScanEnd ScanLowSurrogate(int high)
    {
        ReadOnlySpan<byte> rest = _text[_at..];
        if (high < 0xdc00 && (rest.IsEmpty || (rest[0] == (byte)'\\' && rest.Length == 1)))
        {
            return ScanEnd.NeedMore;
        }

        if (high >= 0xdc00 || !rest.StartsWith("\\u"u8))
        {
            Note("a string has half of a surrogate pair");
            return ScanEnd.Complete;
        }

        ScanEnd end = ScanUnit(_at, out int low);
        if (end == ScanEnd.Complete && low is >= 0xdc00 and <= 0xdfff)
        {
            _at += 6;
        }
        else if (end == ScanEnd.Complete)
        {
            // The second escape is read again as one of its own.
            Note("a string has half of a surrogate pair");
        }

        return end;
    }

    private ScanEnd ScanUnit(int at, out int unit)
    {
        unit = 0;
        for (int i = 2; i < 6; i++)
        {
            if (at + i >= _text.Length)
            {
                return ScanEnd.NeedMore;
            }

            char digit = (char)_text[at + i];
            if (!char.IsAsciiHexDigit(digit))
            {
                _at = at + i;
                return Break("\\u needs four hexadecimal digits");
            }

            unit = (unit << 4) | (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }

        return ScanEnd.Complete;
    }

    private ScanEnd ScanLiteral(ReadOnlySpan<byte> literal)
    {
        ReadOnlySpan<byte> rest = _text[_at..];
        if (rest.StartsWith(literal))
        {
            _at += literal.Length;
            return ScanEnd.Complete;
        }

        return literal.StartsWith(rest) ? ScanEnd.NeedMore : Break("expected a value");
    }

    private ScanEnd ScanNumber()
    {
        int at = _at;
        if (_text[at] == (byte)'-')
        {
            at++;
        }

        int digits = at;
        if (!SkipDigits(ref at))
        {
            return Refuse(at, "expected a value");
        }

        if (at - digits > 1 && _text[digits] == (byte)'0')
        {
            return Refuse(digits, "a number must not start with 0");
        }

        if (at < _text.Length && _text[at] == (byte)'.')
        {
            at++;
            if (!SkipDigits(ref at))
            {
                return Refuse(at, "expected a digit after '.'");
            }
        }

        if (at < _text.Length && _text[at] is (byte)'e' or (byte)'E')
        {
            at++;
            at += at < _text.Length && _text[at] is (byte)'+' or (byte)'-' ? 1 : 0;
            if (!SkipDigits(ref at))
            {
                return Refuse(at, "expected a digit in the exponent");
            }
        }

        _at = at;

        // A number has no closing mark: at the end of the bytes it may go on.
        return at == _text.Length ? ScanEnd.NeedMore : ScanEnd.Complete;
    }

    private ScanEnd Refuse(int at, string because)
    {
        if (at == _text.Length)
        {
            _at = at;
            return ScanEnd.NeedMore;
        }

        _at = at;
        return Break(because);
    }

    private readonly bool SkipDigits(ref int at)
    {
        int start = at;
        while (at < _text.Length && _text[at] is >= (byte)'0' and <= (byte)'9')
        {
            at++;
        }

        return at > start;
    }
}
