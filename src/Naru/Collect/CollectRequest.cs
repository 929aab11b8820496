using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using Naru.Access;
using Naru.Core.Topics;

namespace Naru.Collect;

internal enum BodyForm
{
    /// <summary>The body's first bytes tell: see docs/collect-api.md.</summary>
    Sniffed,

    /// <summary>The content type says one event a line.</summary>
    Lines,
}

/// <summary>What the headers and parameters of one request say, checked.</summary>
internal sealed record CollectRequest
{
    /// <summary>Leaves room for every event that a body can hold.</summary>
    private const int PositionMax = 2_000_000_000;

    public required BodyCoding Coding { get; init; }

    public required BodyForm Form { get; init; }

    public required bool Validate { get; init; }

    public required bool AckLake { get; init; }

    /// <summary>Flags, key and first index; log, version and time are filled in by the endpoint.</summary>
    public required BatchHeader Header { get; init; }

    public required ReadOnlyMemory<byte> Sender { get; init; }

    public bool HasBatchName => (Header.Flags & BatchFlags.ServerKey) == 0;

    /// <summary>Null, with the fault, when something is wrong.</summary>
    public static CollectRequest? Read(HttpRequest http, Principal principal, ServerKeys keys, out CollectFault? fault)
    {
        IHeaderDictionary headers = http.Headers;
        if (!TryCoding(headers.ContentEncoding, out BodyCoding coding, out fault)
            || !TryForm(http.ContentType, out BodyForm form, out fault)
            || !TryText(headers, CollectHeaders.Source, out string source, out fault)
            || !TryText(headers, CollectHeaders.Batch, out string batch, out fault)
            || !TrySwitch(headers[CollectHeaders.History], CollectHeaders.History, out bool history, out fault)
            || !TryFirst(headers, batch, out int first, out BatchFlags lines, out fault)
            || !TryQuery(http, out bool validate, out bool lake, out fault)
            || !TrySender(principal.Name, source, out ReadOnlyMemory<byte> sender, out fault))
        {
            return null;
        }

        (ulong high, ulong low) = batch.Length == 0 ? keys.Next() : BatchKey.Of(batch);
        return new CollectRequest
        {
            Coding = coding,
            Form = form,
            Validate = validate,
            AckLake = lake,
            Sender = sender,
            Header = new BatchHeader
            {
                Flags = (batch.Length == 0 ? BatchFlags.ServerKey : BatchFlags.None) | lines
                    | (history ? BatchFlags.History : BatchFlags.None),
                KeyHigh = high,
                KeyLow = low,
                FirstIndex = first,
            },
        };
    }

    private static bool TryCoding(StringValues values, out BodyCoding coding, out CollectFault? fault)
    {
        fault = null;
        coding = BodyCoding.Identity;
        if (values.Count == 0)
        {
            return true;
        }

        string value = values.ToString();
        BodyCoding? known = value.Trim().ToLowerInvariant() switch
        {
            "" or "identity" => BodyCoding.Identity,
            "gzip" or "x-gzip" => BodyCoding.Gzip,
            "br" => BodyCoding.Brotli,
            "deflate" => BodyCoding.Deflate,
            _ => null,
        };
        coding = known ?? BodyCoding.Identity;
        fault = known is null
            ? new CollectFault(
                StatusCodes.Status415UnsupportedMediaType, "unsupported_encoding",
                $"Content-Encoding '{Shown(value)}' is not understood", "use one of gzip, br, deflate, or none")
            : null;
        return known is not null;
    }

    private static bool TryForm(string? contentType, out BodyForm form, out CollectFault? fault)
    {
        ReadOnlySpan<char> type = contentType;
        int parameters = type.IndexOf(';');
        type = (parameters < 0 ? type : type[..parameters]).Trim();
        fault = null;
        form = BodyForm.Sniffed;
        if (type.IsEmpty || Is(type, "application/json"))
        {
            return true;
        }

        if (Is(type, "application/x-ndjson") || Is(type, "application/ndjson") || Is(type, "application/jsonl")
            || Is(type, "application/x-jsonlines"))
        {
            form = BodyForm.Lines;
            return true;
        }

        // text/plain: browsers send it across origins without asking first. The form type: curl's default.
        if (Is(type, "text/plain") || Is(type, "text/json") || Is(type, "application/octet-stream")
            || Is(type, "application/x-www-form-urlencoded"))
        {
            return true;
        }

        fault = new CollectFault(
            StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type",
            $"Content-Type '{Shown(type.ToString())}' is not understood",
            "use application/json, or application/x-ndjson for one event a line");
        return false;

        static bool Is(ReadOnlySpan<char> type, string known) =>
            type.Equals(known, StringComparison.OrdinalIgnoreCase);
    }

    private static bool TryText(IHeaderDictionary headers, string name, out string text, out CollectFault? fault)
    {
        fault = null;
        text = "";
        if (!headers.TryGetValue(name, out StringValues values))
        {
            return true;
        }

        text = values.Count == 1 ? values[0] ?? "" : "";
        bool printable = text.Length > 0;
        foreach (char letter in text)
        {
            printable &= !char.IsControl(letter) && letter != '�';
        }

        if (printable && Encoding.UTF8.GetByteCount(text) <= CollectHeaders.TextBytesMax)
        {
            return true;
        }

        fault = CollectFault.BadHeader(
            name, "must be there once, printable, with 1 to 200 bytes", "use a short plain name, or leave it out");
        return false;
    }

    private static bool TrySwitch(StringValues values, string name, out bool value, out CollectFault? fault)
    {
        fault = null;
        value = false;
        if (values.Count == 0)
        {
            return true;
        }

        if (values.Count == 1 && bool.TryParse(values[0], out value))
        {
            return true;
        }

        fault = CollectFault.BadHeader(name, $"is '{Shown(values.ToString())}'", "use true or false");
        return false;
    }

    private static bool TryFirst(
        IHeaderDictionary headers, string batch, out int first, out BatchFlags flags, out CollectFault? fault)
    {
        fault = null;
        first = 0;
        flags = BatchFlags.None;
        bool isLine = headers.TryGetValue(CollectHeaders.FirstLine, out StringValues line);
        bool isIndex = headers.TryGetValue(CollectHeaders.FirstIndex, out StringValues index);
        if (!isLine && !isIndex)
        {
            return true;
        }

        string name = isLine ? CollectHeaders.FirstLine : CollectHeaders.FirstIndex;
        if (isLine && isIndex)
        {
            fault = CollectFault.BadHeader(
                name, $"does not go with {CollectHeaders.FirstIndex}", "send one of the two");
        }
        else if (batch.Length == 0)
        {
            fault = CollectFault.BadHeader(
                name, $"needs {CollectHeaders.Batch}", "name the batch or the file that the position is in");
        }
        else if (!TryPosition((isLine ? line : index).ToString(), out first))
        {
            fault = CollectFault.BadHeader(name, "is no position", $"use a whole number from 0 to {PositionMax}");
        }

        flags = isLine ? BatchFlags.FileLines : BatchFlags.None;
        return fault is null;
    }

    private static bool TryPosition(string text, out int position) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out position) && position <= PositionMax;

    private static bool TryQuery(HttpRequest http, out bool validate, out bool lake, out CollectFault? fault)
    {
        fault = null;
        validate = false;
        lake = false;
        if (!http.QueryString.HasValue)
        {
            return true;
        }

        foreach ((string name, StringValues values) in http.Query)
        {
            string value = values.ToString();
            fault ??= name switch
            {
                "validate" when bool.TryParse(value, out validate) => null,
                "validate" => CollectFault.BadParameter(name, $"is '{Shown(value)}'", "use true or false"),
                "ack" when value is "durable" or "lake" => null,
                "ack" => CollectFault.BadParameter(name, $"is '{Shown(value)}'", "use durable or lake"),
                _ => CollectFault.BadParameter(Shown(name), "is not known", "known: ack, validate"),
            };
            lake |= name == "ack" && value == "lake";
        }

        return fault is null;
    }

    private static bool TrySender(
        string principal, string source, out ReadOnlyMemory<byte> sender, out CollectFault? fault)
    {
        sender = Encoding.UTF8.GetBytes(source.Length == 0 ? principal : $"{principal}/{source}");
        fault = sender.Length <= TopicLimits.SenderBytesMax
            ? null
            : CollectFault.BadHeader(
                CollectHeaders.Source, "is too long beside the key's source name", "use a shorter name");
        return fault is null;
    }

    /// <summary>Of what the client sent, as much as an answer may repeat.</summary>
    private static string Shown(string text)
    {
        const int ShownMax = 60;
        return text.Length <= ShownMax ? text : $"{text[..ShownMax]}...";
    }
}
