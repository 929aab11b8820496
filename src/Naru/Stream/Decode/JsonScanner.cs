using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Naru.Stream.Decode;

/// <summary>
/// Walks the members of one JSON object (RFC 8259, strict) in valid UTF-8: strings are searched 32 bytes at a time, a
/// key that is expected is compared instead of searched, nested values are checked and passed over. It throws for no
/// input. A call that returns false leaves <see cref="At"/> where the text breaks the grammar.
/// </summary>
internal ref struct JsonScanner
{
    private readonly ref byte _text;
    private readonly int _length;
    private int _at;

    public JsonScanner(ReadOnlySpan<byte> text)
    {
        _text = ref MemoryMarshal.GetReference(text);
        _length = text.Length;
        _at = 0;
    }

    /// <summary>Position of the next byte; behind a false result, of the mistake.</summary>
    public readonly int At => _at;

    /// <summary>Position of the opening brace.</summary>
    public int Start { get; private set; }

    /// <summary>The mistake is an escape of half a surrogate pair: grammar, but no text.</summary>
    public bool LoneSurrogate { get; private set; }

    /// <summary>White space and the opening brace; <paramref name="empty"/> when the closing one follows.</summary>
    public bool TakeOpening(out bool empty)
    {
        empty = false;
        SkipSpace();
        Start = _at;
        if (!Take((byte)'{'))
        {
            return false;
        }

        SkipSpace();
        empty = Take((byte)'}');
        return true;
    }

    /// <summary>The key as given, with its quotes, and the colon; false when something else stands here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTakeKey(byte[] quoted, ref JsonMember member)
    {
        int end = _at + quoted.Length;
        if (end >= _length
            || !MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref _text, _at), quoted.Length).SequenceEqual(quoted))
        {
            return false;
        }

        int start = _at;
        _at = end;
        if (!TakeColon())
        {
            _at = start;
            return false;
        }

        member.KeyStart = start + 1;
        member.KeyEnd = end - 1;
        member.KeyEscaped = false;
        return true;
    }

    /// <summary>A key and its colon.</summary>
    public bool TakeKey(ref JsonMember member)
    {
        if (!Take((byte)'"'))
        {
            return false;
        }

        member.KeyStart = _at;
        if (!TakeString(out member.KeyEscaped))
        {
            return false;
        }

        member.KeyEnd = _at - 1;
        return TakeColon();
    }

    /// <summary>A value of any kind, checked to its end.</summary>
    public bool TakeValue(ref JsonMember member)
    {
        member.Start = _at;
        member.Escaped = false;
        if (_at >= _length)
        {
            return false;
        }

        bool taken;
        switch (Unsafe.Add(ref _text, _at))
        {
            case (byte)'"':
                member.Kind = JsonKind.String;
                member.Start = ++_at;
                taken = TakeString(out member.Escaped);
                member.End = _at - 1;
                return taken;
            case (byte)'{':
                member.Kind = JsonKind.Object;
                taken = TakeNested();
                break;
            case (byte)'[':
                member.Kind = JsonKind.Array;
                taken = TakeNested();
                break;
            default:
                taken = TakeScalar(out member.Kind);
                break;
        }

        member.End = _at;
        return taken;
    }

    /// <summary>A comma with another member behind it, or the closing brace: <paramref name="last"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TakeSeparator(out bool last)
    {
        SkipSpace();
        last = Take((byte)'}');
        if (last)
        {
            return true;
        }

        if (!Take((byte)','))
        {
            return false;
        }

        SkipSpace();
        return true;
    }

    /// <summary>Whether nothing but white space is left.</summary>
    public bool TakeEnd()
    {
        SkipSpace();
        return _at == _length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Take(byte expected)
    {
        if (_at < _length && Unsafe.Add(ref _text, _at) == expected)
        {
            _at++;
            return true;
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TakeColon()
    {
        SkipSpace();
        if (!Take((byte)':'))
        {
            return false;
        }

        SkipSpace();
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SkipSpace()
    {
        while (_at < _length && Unsafe.Add(ref _text, _at) is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
        {
            _at++;
        }
    }

    /// <summary>From behind the opening quote to behind the closing one; escapes are checked.</summary>
    private bool TakeString(out bool escaped)
    {
        escaped = false;
        while (true)
        {
            _at = FindStop(_at);
            if (_at == _length)
            {
                return false;
            }

            byte stop = Unsafe.Add(ref _text, _at);
            if (stop == (byte)'"')
            {
                _at++;
                return true;
            }

            if (stop != (byte)'\\')
            {
                return false;
            }

            escaped = true;
            int taken = JsonText.TakeEscape(Rest(), out bool loneSurrogate);
            LoneSurrogate |= loneSurrogate;
            if (taken == 0)
            {
                return false;
            }

            _at += taken;
        }
    }

    /// <summary>The next quote, backslash or control character, or the end of the text.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly int FindStop(int at)
    {
        while (at <= _length - Vector256<byte>.Count)
        {
            uint stops = Stops(at);
            if (stops != 0)
            {
                return at + BitOperations.TrailingZeroCount(stops);
            }

            at += Vector256<byte>.Count;
        }

        return FindLastStop(at);
    }

    private readonly int FindLastStop(int at)
    {
        int last = _length - Vector256<byte>.Count;
        if (last >= 0 && at < _length)
        {
            // The last 32 bytes of the text again, without those before the place.
            uint stops = Stops(last) >> (at - last);
            return stops != 0 ? at + BitOperations.TrailingZeroCount(stops) : _length;
        }

        while (at < _length && Unsafe.Add(ref _text, at) is not ((byte)'"' or (byte)'\\' or < 0x20))
        {
            at++;
        }

        return at;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly uint Stops(int at)
    {
        Vector256<byte> bytes = Vector256.LoadUnsafe(ref _text, (nuint)at);
        Vector256<byte> stops = Vector256.Equals(bytes, Vector256.Create((byte)'"'))
            | Vector256.Equals(bytes, Vector256.Create((byte)'\\'))
            | Vector256.Equals(Vector256.Min(bytes, Vector256.Create((byte)0x1f)), bytes);
        return stops.ExtractMostSignificantBits();
    }

    private bool TakeScalar(out JsonKind kind)
    {
        switch (Unsafe.Add(ref _text, _at))
        {
            case (byte)'t':
                kind = JsonKind.True;
                return TakeWord("true"u8);
            case (byte)'f':
                kind = JsonKind.False;
                return TakeWord("false"u8);
            case (byte)'n':
                kind = JsonKind.Null;
                return TakeWord("null"u8);
            default:
                kind = JsonKind.Number;
                return TakeNumber();
        }
    }

    private bool TakeWord(ReadOnlySpan<byte> word)
    {
        if (!Rest().StartsWith(word))
        {
            return false;
        }

        _at += word.Length;
        return true;
    }

    /// <summary>-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?; what may follow it, its container says.</summary>
    private bool TakeNumber()
    {
        Take((byte)'-');
        bool leadingZero = _at < _length && Unsafe.Add(ref _text, _at) == (byte)'0';
        int digits = TakeDigits();
        if (digits == 0 || (leadingZero && digits > 1))
        {
            return false;
        }

        if (Take((byte)'.') && TakeDigits() == 0)
        {
            return false;
        }

        if (_at < _length && (Unsafe.Add(ref _text, _at) | 0x20) == 'e')
        {
            _at++;
            if (!Take((byte)'+'))
            {
                Take((byte)'-');
            }

            return TakeDigits() > 0;
        }

        return true;
    }

    private int TakeDigits()
    {
        int first = _at;
        while (_at < _length && (uint)(Unsafe.Add(ref _text, _at) - '0') <= 9)
        {
            _at++;
        }

        return _at - first;
    }

    /// <summary>An object or array that is a member's value, to behind its end.</summary>
    private bool TakeNested()
    {
        // Bit d of the set: level d is an object. The event itself is level 1.
        ulong objects = 0;
        int depth = 1;
        while (true)
        {
            if (!TakeOneNested(ref objects, ref depth, out bool opened))
            {
                return false;
            }

            while (!opened)
            {
                if (depth == 1)
                {
                    return true;
                }

                SkipSpace();
                bool isObject = (objects & (1UL << depth)) != 0;
                if (Take((byte)','))
                {
                    break;
                }

                if (!Take(isObject ? (byte)'}' : (byte)']'))
                {
                    return false;
                }

                depth--;
            }

            SkipSpace();
            if ((objects & (1UL << depth)) != 0 && !TakeNestedKey())
            {
                return false;
            }
        }
    }

    /// <summary>A scalar, an empty container, or the opening of one that has something in it.</summary>
    private bool TakeOneNested(ref ulong objects, ref int depth, out bool opened)
    {
        opened = false;
        if (_at >= _length)
        {
            return false;
        }

        byte first = Unsafe.Add(ref _text, _at);
        if (first == (byte)'"')
        {
            _at++;
            return TakeString(out _);
        }

        if (first is not ((byte)'{' or (byte)'['))
        {
            return TakeScalar(out _);
        }

        if (depth == EventDecoder.DepthMax)
        {
            return false;
        }

        _at++;
        SkipSpace();
        if (Take(first == (byte)'{' ? (byte)'}' : (byte)']'))
        {
            return true;
        }

        depth++;
        objects = first == (byte)'{' ? objects | (1UL << depth) : objects & ~(1UL << depth);
        opened = true;
        return true;
    }

    private bool TakeNestedKey() => Take((byte)'"') && TakeString(out _) && TakeColon();

    private readonly ReadOnlySpan<byte> Rest() =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref _text, _at), _length - _at);
}
