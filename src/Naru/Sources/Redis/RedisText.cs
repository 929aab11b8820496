using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Naru.Redis;

namespace Naru.Sources.Redis;

/// <summary>
/// Writes keys and values as text: a string as it is, every other value as JSON. Where anything of a key or its value
/// is no UTF-8, all of both is escaped: `\xHH` for a byte that is not, `\\` for a backslash. So the text tells the
/// bytes again.
/// </summary>
internal sealed class RedisText
{
    /// <summary>What cannot stand in a JSON text.</summary>
    private static readonly SearchValues<byte> Special = SearchValues.Create(
    [
        .. Enumerable.Range(0, 32).Select(static control => (byte)control), (byte)'"', (byte)'\\',
    ]);

    private readonly ArrayBufferWriter<byte> _out = new();
    private readonly ArrayBufferWriter<byte> _escaped = new();
    private int[] _order = [];

    /// <summary>Whether the key and its value need escapes.</summary>
    public static bool NeedsEscapes(ReadOnlySpan<byte> key, RedisValue value)
    {
        if (!Utf8.IsValid(key))
        {
            return true;
        }

        for (int i = 0; i < value.Parts; i++)
        {
            if (!Utf8.IsValid(value[i]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>There until the next call.</summary>
    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> text, bool escapes)
    {
        if (!escapes)
        {
            return text;
        }

        _escaped.ResetWrittenCount();
        while (text.Length > 0)
        {
            OperationStatus status = Rune.DecodeFromUtf8(text, out _, out int length);
            if (status != OperationStatus.Done)
            {
                foreach (byte each in text[..length])
                {
                    Span<byte> room = _escaped.GetSpan(4);
                    room[0] = (byte)'\\';
                    room[1] = (byte)'x';
                    Utf8Formatter.TryFormat(each, room[2..], out _, new StandardFormat('x', 2));
                    _escaped.Advance(4);
                }
            }
            else if (text[0] == '\\')
            {
                _escaped.Write("\\\\"u8);
            }
            else
            {
                _escaped.Write(text[..length]);
            }

            text = text[length..];
        }

        return _escaped.WrittenSpan;
    }

    /// <summary>There until the next call.</summary>
    public ReadOnlySpan<byte> Of(RedisValue value, bool escapes)
    {
        if (value.Shape == RedisShape.String)
        {
            return Of(value[0], escapes);
        }

        _out.ResetWrittenCount();
        switch (value.Shape)
        {
            case RedisShape.Hash:
                Pairs(value, (0, value.Parts), escapes);
                break;
            case RedisShape.SortedSet:
                Scored(value, escapes);
                break;
            case RedisShape.Stream:
                Stream(value, escapes);
                break;
            default:
                Elements(value, escapes);
                break;
        }

        return _out.WrittenSpan;
    }

    /// <summary>A set has no order of its own, and gets that of its bytes.</summary>
    private void Elements(RedisValue value, bool escapes)
    {
        Span<int> order = Order(value.Parts);
        if (value.Shape == RedisShape.Set)
        {
            order.Sort((a, b) => value[a].SequenceCompareTo(value[b]));
        }

        _out.Write("["u8);
        for (int i = 0; i < order.Length; i++)
        {
            Comma(i);
            Quoted(value[order[i]], escapes);
        }

        _out.Write("]"u8);
    }

    /// <summary>By name. One that is there again, as a stream may have it, is a list of its values.</summary>
    private void Pairs(RedisValue value, (int First, int End) parts, bool escapes)
    {
        int first = parts.First;
        Span<int> order = Order((parts.End - first) / 2);
        order.Sort((a, b) => value[first + (2 * a)].SequenceCompareTo(value[first + (2 * b)]) is var names && names != 0
            ? names : a.CompareTo(b));
        _out.Write("{"u8);
        for (int i = 0; i < order.Length;)
        {
            Comma(i);
            ReadOnlySpan<byte> name = value[first + (2 * order[i])];
            Quoted(name, escapes);
            _out.Write(":"u8);
            int same = i + 1;
            while (same < order.Length && value[first + (2 * order[same])].SequenceEqual(name))
            {
                same++;
            }

            bool isList = same > i + 1;
            _out.Write(isList ? "["u8 : ""u8);
            for (int begin = i; i < same; i++)
            {
                Comma(i - begin);
                Quoted(value[first + (2 * order[i]) + 1], escapes);
            }

            _out.Write(isList ? "]"u8 : ""u8);
        }

        _out.Write("}"u8);
    }

    /// <summary>By score, then by the member's bytes, as Redis orders them.</summary>
    private void Scored(RedisValue value, bool escapes)
    {
        Span<int> order = Order(value.Parts);
        order.Sort((a, b) => value.Scores[a].CompareTo(value.Scores[b]) is var scores && scores != 0
            ? scores : value[a].SequenceCompareTo(value[b]));
        _out.Write("{"u8);
        for (int i = 0; i < order.Length; i++)
        {
            Comma(i);
            Quoted(value[order[i]], escapes);
            _out.Write(":"u8);
            double score = value.Scores[order[i]];
            Span<byte> room = _out.GetSpan(32);
            if (double.IsFinite(score))
            {
                score.TryFormat(room, out int written, "R", CultureInfo.InvariantCulture);
                _out.Advance(written);
            }
            else
            {
                // JSON has no such numbers.
                _out.Write(score > 0 ? "\"inf\""u8 : score < 0 ? "\"-inf\""u8 : "\"nan\""u8);
            }
        }

        _out.Write("}"u8);
    }

    private void Stream(RedisValue value, bool escapes)
    {
        _out.Write("["u8);
        for (int i = 0; i < value.Entries.Count; i++)
        {
            Comma(i);
            RedisEntry entry = value.Entries[i];
            _out.Write("{\"id\":\""u8);
            Number(entry.Milliseconds);
            _out.Write("-"u8);
            Number(entry.Sequence);
            _out.Write("\",\"fields\":"u8);
            Pairs(value, value.PartsOf(i), escapes);
            _out.Write("}"u8);
        }

        _out.Write("]"u8);
    }

    private Span<int> Order(int count)
    {
        if (_order.Length < count)
        {
            _order = new int[Math.Max(count, _order.Length * 2)];
        }

        for (int i = 0; i < count; i++)
        {
            _order[i] = i;
        }

        return _order.AsSpan(0, count);
    }

    private void Comma(int before)
    {
        if (before > 0)
        {
            _out.Write(","u8);
        }
    }

    private void Number(ulong number)
    {
        Utf8Formatter.TryFormat(number, _out.GetSpan(20), out int written);
        _out.Advance(written);
    }

    private void Quoted(ReadOnlySpan<byte> text, bool escapes)
    {
        ReadOnlySpan<byte> left = Of(text, escapes);
        _out.Write("\""u8);
        while (left.Length > 0)
        {
            int plain = left.IndexOfAny(Special);
            if (plain < 0)
            {
                _out.Write(left);
                break;
            }

            _out.Write(left[..plain]);
            byte each = left[plain];
            if (each is (byte)'"' or (byte)'\\')
            {
                _out.Write([(byte)'\\', each]);
            }
            else
            {
                _out.Write("\\u00"u8);
                Utf8Formatter.TryFormat(each, _out.GetSpan(2), out _, new StandardFormat('x', 2));
                _out.Advance(2);
            }

            left = left[(plain + 1)..];
        }

        _out.Write("\""u8);
    }
}
