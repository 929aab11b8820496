using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Encodings.Web;
using System.Text.Json;
using Naru.Query.Results;
using Naru.Query.Worker;

namespace Naru.Query.Trino;

/// <summary>
/// The protocol's JSON, written by hand: rows come as bytes and go out as they are, behind everything else. What a
/// client may need is always there: Python's reads `typeSignature.arguments`, Redash `failureInfo.message`, Presto's
/// `infoUri` from the first answer on.
/// </summary>
internal static class TrinoJson
{
    private static readonly JsonWriterOptions Options = new()
    {
        // The rows come between the last property and the end; Korean stays Korean.
        SkipValidation = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static ResultColumn Column(string name, TrinoType type) => new(name, type.Name, type.Signature());

    /// <summary>Writes an answer; a client that reads slowly is waited for piece by piece.</summary>
    /// <param name="body">Where it goes.</param>
    /// <param name="query">Of which.</param>
    /// <param name="answer">What is told; its page, if any, is held.</param>
    /// <param name="server">Scheme and host as the client wrote them.</param>
    /// <param name="cancellationToken">The client is gone.</param>
    public static async Task WriteAsync(
        PipeWriter body, TrinoQuery query, TrinoAnswer answer, string server, CancellationToken cancellationToken)
    {
        WriteHead(body, query, answer, server);
        if (answer.Page is { } page)
        {
            body.Write(",\"data\":["u8);
            int comma = 1;
            foreach (ArraySegment<byte> piece in page.Pieces)
            {
                await body.WriteAsync(piece.AsMemory(comma), cancellationToken).ConfigureAwait(false);
                comma = 0;
            }

            body.Write("]"u8);
        }

        body.Write("}\n"u8);
        await body.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private static void WriteHead(PipeWriter body, TrinoQuery query, TrinoAnswer answer, string server)
    {
        using Utf8JsonWriter json = new(body, Options);
        json.WriteStartObject();
        json.WriteString("id"u8, query.Id);
        json.WriteString("infoUri"u8, $"{server}/v1/query/{query.Id}");
        if (!answer.IsLast)
        {
            string stage = answer.State == TrinoState.Queued ? "queued" : "executing";
            string next = string.Create(
                CultureInfo.InvariantCulture,
                $"{server}/v1/statement/{stage}/{query.Id}/{query.Slug}/{answer.Token + 1}");
            json.WriteString("nextUri"u8, next);
            if (answer.State == TrinoState.Running)
            {
                json.WriteString("partialCancelUri"u8, next);
            }
        }

        if (answer.Columns is { } columns && answer.Error is null)
        {
            WriteColumns(json, columns);
        }

        WriteStats(json, answer);
        if (answer.Error is { } error)
        {
            WriteError(json, error);
        }

        json.WriteStartArray("warnings"u8);
        json.WriteEndArray();
        if (answer.UpdateType is { } update)
        {
            json.WriteString("updateType"u8, update);
        }
    }

    public static string StateName(TrinoState state) => state switch
    {
        TrinoState.Queued => "QUEUED",
        TrinoState.Running => "RUNNING",
        TrinoState.Finished => "FINISHED",
        _ => "FAILED",
    };

    public static string StateName(QueryState state) => state switch
    {
        QueryState.Waiting => "QUEUED",
        QueryState.Running => "RUNNING",
        QueryState.Finished => "FINISHED",
        _ => "FAILED",
    };

    public static void WriteError(Utf8JsonWriter json, TrinoError error)
    {
        json.WriteStartObject("error"u8);
        json.WriteString("message"u8, error.Message);
        json.WriteNumber("errorCode"u8, error.Code.Code);
        json.WriteString("errorName"u8, error.Code.Name);
        json.WriteString("errorType"u8, error.Code.Type);
        WriteLocation(json, error);
        WriteFailure(json, error);
        json.WriteEndObject();
    }

    public static void WriteFailure(Utf8JsonWriter json, TrinoError error)
    {
        json.WriteStartObject("failureInfo"u8);
        json.WriteString("type"u8, "io.trino.spi.TrinoException"u8);
        json.WriteString("message"u8, error.Message);
        json.WriteStartArray("suppressed"u8);
        json.WriteEndArray();
        json.WriteStartArray("stack"u8);
        json.WriteEndArray();
        WriteCode(json, error.Code);
        WriteLocation(json, error);
        json.WriteEndObject();
    }

    public static void WriteCode(Utf8JsonWriter json, TrinoErrorCode code)
    {
        json.WriteStartObject("errorInfo"u8);
        json.WriteNumber("code"u8, code.Code);
        json.WriteString("name"u8, code.Name);
        json.WriteString("type"u8, code.Type);
        json.WriteEndObject();
    }

    private static void WriteLocation(Utf8JsonWriter json, TrinoError error)
    {
        if (error.Line is int line && error.Column is int column)
        {
            json.WriteStartObject("errorLocation"u8);
            json.WriteNumber("lineNumber"u8, line);
            json.WriteNumber("columnNumber"u8, column);
            json.WriteEndObject();
        }
    }

    private static void WriteColumns(Utf8JsonWriter json, IReadOnlyList<ResultColumn> columns)
    {
        json.WriteStartArray("columns"u8);
        foreach (ResultColumn column in columns)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, column.Name);
            json.WriteString("type"u8, column.Type);
            json.WritePropertyName("typeSignature"u8);
            json.WriteRawValue(column.Signature!, skipInputValidation: false);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Splits are Trino's pieces of work: here there is one, which is queued, runs, or is done.</summary>
    private static void WriteStats(Utf8JsonWriter json, TrinoAnswer answer)
    {
        TrinoStats stats = answer.Stats;
        long running = stats.ElapsedMilliseconds - stats.QueuedMilliseconds;
        json.WriteStartObject("stats"u8);
        json.WriteString("state"u8, StateName(answer.State));
        json.WriteBoolean("queued"u8, answer.State == TrinoState.Queued);
        json.WriteBoolean("scheduled"u8, answer.State != TrinoState.Queued);
        if (answer.State == TrinoState.Finished)
        {
            json.WriteNumber("progressPercentage"u8, 100.0);
        }

        json.WriteNumber("nodes"u8, 1);
        json.WriteNumber("totalSplits"u8, 1);
        json.WriteNumber("queuedSplits"u8, answer.State == TrinoState.Queued ? 1 : 0);
        json.WriteNumber("runningSplits"u8, answer.State == TrinoState.Running ? 1 : 0);
        json.WriteNumber("completedSplits"u8, answer.IsLast ? 1 : 0);
        json.WriteNumber("planningTimeMillis"u8, 0);
        json.WriteNumber("analysisTimeMillis"u8, 0);
        json.WriteNumber("cpuTimeMillis"u8, 0);
        json.WriteNumber("wallTimeMillis"u8, running);
        json.WriteNumber("queuedTimeMillis"u8, stats.QueuedMilliseconds);
        json.WriteNumber("elapsedTimeMillis"u8, stats.ElapsedMilliseconds);
        json.WriteNumber("finishingTimeMillis"u8, 0);
        json.WriteNumber("processedRows"u8, stats.Rows);
        json.WriteNumber("processedBytes"u8, stats.Bytes);
        json.WriteNumber("physicalInputBytes"u8, 0);
        json.WriteNumber("physicalInputTimeMillis"u8, 0);
        json.WriteNumber("physicalWrittenBytes"u8, 0);
        json.WriteNumber("internalNetworkInputBytes"u8, 0);
        json.WriteNumber("peakMemoryBytes"u8, 0);
        json.WriteNumber("spilledBytes"u8, 0);
        json.WriteEndObject();
    }
}
