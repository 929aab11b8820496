using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using Naru.Core;
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

        if (fault is null && receipt is { Rejected: 0, Landing: null })
        {
            WriteAccepted(response, receipt);
            return;
        }

        Answer answer = Answer.Begin();
        if (fault is not null)
        {
            WriteFault(answer.Json, fault);
        }

        WriteCounts(answer.Json, receipt);
        answer.End(response);
    }

    /// <summary>The answer that nearly every request gets.</summary>
    private static void WriteAccepted(HttpResponse response, Receipt receipt)
    {
        Span<byte> body = stackalloc byte[128];
        bool written = Utf8.TryWrite(
            body,
            $$"""{"accepted":{{receipt.Accepted}},"rejected":[],"ids":"{{Text(receipt.Ids)}}"}""",
            out int length);
        Invariant.Hold(written);
        response.ContentLength = length;
        response.BodyWriter.Write(body[..length]);
    }

    /// <summary>An error where nothing can have been accepted.</summary>
    public static void Write(HttpResponse response, CollectFault fault)
    {
        response.StatusCode = fault.Status;
        response.ContentType = ContentType;
        Answer answer = Answer.Begin();
        WriteFault(answer.Json, fault);
        answer.End(response);
    }

    /// <summary>What a sender needs to know of a log before it sends.</summary>
    public static void Write(HttpResponse response, LogDefinition log)
    {
        response.ContentType = ContentType;
        Answer answer = Answer.Begin();
        Utf8JsonWriter json = answer.Json;
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
        answer.End(response);
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

    /// <summary>One JSON object, written whole before it is sent, so that its length is known. This thread's.</summary>
    private sealed class Answer
    {
        [ThreadStatic]
        private static Answer? t_answer;

        private readonly ArrayBufferWriter<byte> _buffer = new();

        private Answer() => Json = new Utf8JsonWriter(_buffer, WriterOptions);

        public Utf8JsonWriter Json { get; }

        public static Answer Begin()
        {
            Answer answer = t_answer ??= new Answer();
            answer._buffer.ResetWrittenCount();
            answer.Json.Reset();
            answer.Json.WriteStartObject();
            return answer;
        }

        public void End(HttpResponse response)
        {
            Json.WriteEndObject();
            Json.Flush();
            response.ContentLength = _buffer.WrittenCount;
            response.BodyWriter.Write(_buffer.WrittenSpan);
        }
    }
}
