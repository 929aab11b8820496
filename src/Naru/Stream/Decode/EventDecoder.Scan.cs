using System.Text.Json;
using System.Text.Unicode;

namespace Naru.Stream.Decode;

/// <summary>Finds the members of an event with the framework's reader.</summary>
internal sealed partial class EventDecoder
{
    private static readonly JsonReaderOptions ReaderOptions = new()
    {
        MaxDepth = DepthMax,
        CommentHandling = JsonCommentHandling.Disallow,
        AllowTrailingCommas = false,
    };

    /// <summary>Gives every member to <see cref="Take"/>. False when the record is not one JSON object.</summary>
    private bool Scan(ReadOnlySpan<byte> record)
    {
        Reset();
        if (!Utf8.IsValid(record))
        {
            return FailWhole("not valid UTF-8");
        }

        try
        {
            return ScanObject(record);
        }
        catch (JsonException exception)
        {
            return FailWhole(
                $"not valid JSON at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}");
        }
    }

    private bool ScanObject(ReadOnlySpan<byte> record)
    {
        Utf8JsonReader reader = new(record, ReaderOptions);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            reader.Read();
            return FailWhole("not a JSON object");
        }

        int start = (int)reader.TokenStartIndex;
        JsonMember member = default;
        int members = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            member.KeyStart = (int)reader.TokenStartIndex + 1;
            member.KeyEnd = member.KeyStart + reader.ValueSpan.Length;
            member.KeyEscaped = reader.ValueIsEscaped;
            if ((member.KeyEscaped && !JsonText.EscapesAreValid(reader.ValueSpan)) || !ReadValue(ref reader, ref member))
            {
                return FailWhole(LoneSurrogate);
            }

            if (++members > MembersMax)
            {
                return FailWhole($"more than {MembersMax} keys");
            }

            if (!Take(record, member))
            {
                return false;
            }
        }

        _cutter.End(start, (int)reader.BytesConsumed);

        // Anything but white space after the object throws.
        reader.Read();
        return true;
    }

    /// <summary>False when a string within holds half of a surrogate pair.</summary>
    private static bool ReadValue(ref Utf8JsonReader reader, ref JsonMember member)
    {
        reader.Read();
        member.Start = (int)reader.TokenStartIndex;
        member.Escaped = false;
        bool valid = true;
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                member.Kind = JsonKind.String;
                member.Start++;
                member.End = member.Start + reader.ValueSpan.Length;
                member.Escaped = reader.ValueIsEscaped;
                return !member.Escaped || JsonText.EscapesAreValid(reader.ValueSpan);
            case JsonTokenType.StartObject or JsonTokenType.StartArray:
                member.Kind = reader.TokenType == JsonTokenType.StartObject ? JsonKind.Object : JsonKind.Array;
                int depth = reader.CurrentDepth;
                while (reader.Read() && reader.CurrentDepth > depth)
                {
                    valid &= !reader.ValueIsEscaped || JsonText.EscapesAreValid(reader.ValueSpan);
                }

                break;
            default:
                member.Kind = reader.TokenType switch
                {
                    JsonTokenType.Number => JsonKind.Number,
                    JsonTokenType.True => JsonKind.True,
                    JsonTokenType.False => JsonKind.False,
                    _ => JsonKind.Null,
                };
                break;
        }

        member.End = (int)reader.BytesConsumed;
        return valid;
    }
}
