using System.Text;
using System.Text.Json;

namespace Naru.Tests.Stream;

/// <summary>What an event is, by the framework's own reader and the rules that it does not hold.</summary>
internal static class JsonReference
{
    /// <summary>Unescaped keys with the raw text of their values; null when it is malformed.</summary>
    public static Dictionary<string, string>? Read(byte[] record)
    {
        try
        {
            string text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(record);
            return text.StartsWith('\ufeff') ? null : ReadObject(record);
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private static Dictionary<string, string>? ReadObject(byte[] record)
    {
        Utf8JsonReader reader = new(record, new JsonReaderOptions { MaxDepth = 32 });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return null;
        }

        Dictionary<string, string> members = new(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // Throws for half of a surrogate pair.
            string key = reader.GetString()!;
            reader.Read();
            int start = (int)reader.TokenStartIndex;
            ReadTexts(ref reader);
            if (!members.TryAdd(key, Encoding.UTF8.GetString(record.AsSpan(start, (int)reader.BytesConsumed - start))))
            {
                return null;
            }
        }

        reader.Read();
        return members.Count > 512 ? null : members;
    }

    private static void ReadTexts(ref Utf8JsonReader reader)
    {
        int depth = reader.CurrentDepth;
        bool nested = reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray;
        do
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
            {
                reader.GetString();
            }
        }
        while (nested && reader.Read() && reader.CurrentDepth > depth);
    }
}
