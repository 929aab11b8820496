using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Naru.Core.Events;
using Naru.Definitions;

namespace Naru.Collect;

/// <summary>Writes answers into the response's pipe: no reflection, no strings built.</summary>
internal static class CollectAnswer
{
    private const string ContentType = "application/json; charset=utf-8";

    private static readonly JsonWriterOptions WriterOptions = new()
    {
        // Answers are JSON for machines and terminals, never pasted into a page.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly byte[][] OneAccepted =
    [
        .. Enum.GetValues<IdSource>().Select(static ids =>
            System.Text.Encoding.UTF8.GetBytes($$"""{"accepted":1,"rejected":[],"ids":"{{Text(ids)}}"}""")),
    ];

    public static string Text(IdSource ids) => ids switch
    {
        IdSource.Batch => "batch",
        IdSource.Own => "own",
        IdSource.Server => "server",
        _ => "own_or_server",
    };

    /// <summary>Writes status, headers and body; the server flushes them when the request ends.</summary>
    public static void Write(HttpResponse response, Receipt receipt)
    {
        CollectFault? fault = receipt.Fault;
        response.StatusCode = fault?.Status ?? StatusCodes.Status200OK;
        response.ContentType = ContentType;
        if (fault is { RetryAfterSeconds: > 0 })
        {
            response.Headers.RetryAfter = fault.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        }

        if (fault is null && receipt is { Accepted: 1, Rejected: 0, Landing: null })
        {
            byte[] body = OneAccepted[(int)receipt.Ids];
            response.ContentLength = body.Length;
            response.BodyWriter.Write(body);
            return;
        }

        using Utf8JsonWriter json = new(response.BodyWriter, WriterOptions);
        json.WriteStartObject();
        if (fault is not null)
        {
            WriteFault(json, fault);
        }

        WriteCounts(json, receipt);
        json.WriteEndObject();
        json.Flush();
    }

    /// <summary>An error where nothing can have been accepted.</summary>
    public static void Write(HttpResponse response, CollectFault fault)
    {
        response.StatusCode = fault.Status;
        response.ContentType = ContentType;
        using Utf8JsonWriter json = new(response.BodyWriter, WriterOptions);
        json.WriteStartObject();
        WriteFault(json, fault);
        json.WriteEndObject();
        json.Flush();
    }

    /// <summary>What a sender needs to know of a log before it sends.</summary>
    public static void Write(HttpResponse response, LogDefinition log)
    {
        response.ContentType = ContentType;
        using Utf8JsonWriter json = new(response.BodyWriter, WriterOptions);
        json.WriteStartObject();
        json.WriteString("log"u8, log.FullName);
        json.WriteNumber("version"u8, log.Version);
        json.WriteString("description"u8, log.Description);
        json.WriteString("time"u8, log.TimeKey);
        json.WriteString("sent"u8, log.SentKey);
        json.WriteStartArray("id"u8);
        foreach (string key in log.IdKeys)
        {
            json.WriteStringValue(key);
        }

        json.WriteEndArray();
        WriteBound(json, "max_past"u8, log.MaxPast);
        WriteBound(json, "max_future"u8, log.MaxFuture);
        json.WriteStartArray("fields"u8);
        foreach (FieldDefinition field in log.Fields)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, field.Name);
            json.WriteString("key"u8, field.Key);
            json.WriteString("type"u8, FieldTypes.Name(field.Type));
            json.WriteBoolean("required"u8, field.Required);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
    }

    private static void WriteBound(Utf8JsonWriter json, ReadOnlySpan<byte> name, TimeSpan? bound) =>
        json.WriteString(name, bound is { } known ? Core.Text.DurationText.Format(known) : "unlimited");

    private static void WriteFault(Utf8JsonWriter json, CollectFault fault)
    {
        json.WriteStartObject("error"u8);
        json.WriteString("code"u8, fault.Code);
        json.WriteString("message"u8, fault.Message);
        json.WriteString("hint"u8, fault.Hint);
        json.WriteEndObject();
    }

    private static void WriteCounts(Utf8JsonWriter json, Receipt receipt)
    {
        json.WriteNumber("accepted"u8, receipt.Accepted);
        json.WriteStartArray("rejected"u8);
        foreach (RejectedEvent rejected in receipt.Listed)
        {
            json.WriteStartObject();
            json.WriteNumber("index"u8, rejected.Index);
            json.WriteString("reason"u8, rejected.Reason.Text());
            if (rejected.Path.Length > 0)
            {
                json.WriteString("path"u8, rejected.Path);
            }

            json.WriteString("message"u8, rejected.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (receipt.Rejected > receipt.Listed.Count)
        {
            json.WriteNumber("rejected_count"u8, receipt.Rejected);
        }

        if (receipt.Accepted > 0)
        {
            json.WriteString("ids"u8, Text(receipt.Ids));
        }

        if (receipt.Landing is { } landing)
        {
            json.WriteStartObject("lake"u8);
            json.WriteNumber("landed"u8, landing.Landed);
            json.WriteNumber("duplicate"u8, landing.Duplicate);
            json.WriteNumber("rejected"u8, landing.Rejected);
            json.WriteEndObject();
        }
    }
}
