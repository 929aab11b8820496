using System.Text;
using Naru.Core;
using Naru.Core.Events;

namespace Naru.Stream.Decode;

/// <summary>What becomes of one member: its roles (time, sent, id), its fields, its place in the raw payload.</summary>
internal sealed partial class EventDecoder
{
    private const string LoneSurrogate = "a string holds half of a surrogate pair";
    private const int PathCharactersMax = 100;

    private byte[] _keyText = new byte[256];
    private byte[] _valueText = new byte[4096];
    private byte[] _clientId = new byte[256];
    private int _clientIdLength;

    private ReadOnlySpan<byte> KeyText(ReadOnlySpan<byte> record, in JsonMember member)
    {
        ReadOnlySpan<byte> key = record[member.KeyStart..member.KeyEnd];
        return member.KeyEscaped ? Unescape(key, ref _keyText) : key;
    }

    /// <summary>False when the event as a whole is refused.</summary>
    /// <param name="record">The event.</param>
    /// <param name="member">One member of it.</param>
    /// <param name="index">Of its key among the plan's, or -1.</param>
    private bool Take(ReadOnlySpan<byte> record, in JsonMember member, int index)
    {
        if (index < 0)
        {
            _cutter.Member(member.KeyStart - 1, member.RawEnd, sensitive: false);
            return TakeUnknown(KeyText(record, member));
        }

        if (_keySeen[index] == _generation)
        {
            return FailWhole($"key \"{_plan.KeyPlans[index].Name}\" stands twice in it");
        }

        _keySeen[index] = _generation;
        KeyPlan plan = _plan.KeyPlans[index];
        _cutter.Member(member.KeyStart - 1, member.RawEnd, plan.Sensitive);
        if (member.Kind == JsonKind.Null)
        {
            return true;
        }

        if (plan.HasRole)
        {
            TakeRoles(record, member, plan);
        }

        foreach (FieldPlan field in plan.Fields)
        {
            if (_reason == RejectReason.None)
            {
                TakeField(record, member, field);
            }
        }

        return true;
    }

    private bool TakeUnknown(ReadOnlySpan<byte> key)
    {
        if (!_unknown.TryAdd(key))
        {
            return FailWhole($"key \"{Shorten(key)}\" stands twice in it");
        }

        if (!_plan.Log.KeepUnknownFields && _reason == RejectReason.None)
        {
            Fail(RejectReason.UnknownField, Shorten(key), "not a field of this log, which rejects unknown fields");
        }

        return true;
    }

    private void TakeRoles(ReadOnlySpan<byte> record, in JsonMember member, KeyPlan plan)
    {
        if (plan.IsTime)
        {
            _created = TakeTime(record, member, plan);
        }

        if (plan.IsSent)
        {
            _sent = TakeTime(record, member, plan);
        }

        if (plan.IdRank >= 0 && plan.IdRank < _idRank)
        {
            TakeClientId(record, member, plan);
        }
    }

    private long? TakeTime(ReadOnlySpan<byte> record, in JsonMember member, KeyPlan plan)
    {
        if (TryReadTime(record, member, out long microseconds))
        {
            return microseconds;
        }

        Fail(RejectReason.BadTime, plan.Name, TimeMessage(member.Kind));
        return null;
    }

    private bool TryReadTime(ReadOnlySpan<byte> record, in JsonMember member, out long microseconds)
    {
        microseconds = 0;
        return member.Kind switch
        {
            JsonKind.Number => TimeText.TryParseNumber(record[member.Start..member.End], out microseconds),
            JsonKind.String => TimeText.TryParse(Text(record, member), _plan.Zone, out microseconds),
            _ => false,
        };
    }

    private static string TimeMessage(JsonKind kind) => kind is JsonKind.Number or JsonKind.String
        ? "no time that can be read; ISO 8601, or seconds, milliseconds or microseconds since 1970"
        : $"expected a time, found {Name(kind)}";

    private void TakeClientId(ReadOnlySpan<byte> record, in JsonMember member, KeyPlan plan)
    {
        if (member.Kind is not (JsonKind.String or JsonKind.Number))
        {
            string found = Name(member.Kind);
            Fail(RejectReason.WrongType, plan.Name, $"expected an id (a string or a number), found {found}");
            return;
        }

        ReadOnlySpan<byte> id = Text(record, member);
        if (id.IsEmpty)
        {
            return;
        }

        if (_clientId.Length < id.Length)
        {
            _clientId = new byte[id.Length * 2];
        }

        id.CopyTo(_clientId);
        _clientIdLength = id.Length;
        _idRank = plan.IdRank;
    }

    /// <summary>A string's text without escapes, or a number's; valid until the next call.</summary>
    private ReadOnlySpan<byte> Text(ReadOnlySpan<byte> record, in JsonMember member)
    {
        ReadOnlySpan<byte> text = record[member.Start..member.End];
        return member.Escaped ? Unescape(text, ref _valueText) : text;
    }

    private static ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> text, ref byte[] buffer)
    {
        if (buffer.Length < text.Length)
        {
            buffer = new byte[text.Length * 2];
        }

        int length = JsonText.Unescape(text, buffer);

        // The scan refused every event with a broken escape.
        Invariant.Hold(length >= 0);
        return buffer.AsSpan(0, length);
    }

    private static string Shorten(ReadOnlySpan<byte> key)
    {
        string text = Encoding.UTF8.GetString(key[..Math.Min(key.Length, PathCharactersMax * 4)]);
        StringBuilder shown = new();
        foreach (char unit in text.AsSpan(0, Math.Min(text.Length, PathCharactersMax)))
        {
            shown.Append(char.IsControl(unit) || char.IsSurrogate(unit) ? '?' : unit);
        }

        return shown.ToString();
    }

    private static string Name(JsonKind kind) => kind switch
    {
        JsonKind.Null => "null",
        JsonKind.False or JsonKind.True => "a boolean",
        JsonKind.Number => "a number",
        JsonKind.String => "a string",
        JsonKind.Object => "an object",
        _ => "an array",
    };
}
