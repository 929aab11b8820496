using System.Text.Json;
using System.Text.Json.Serialization;

namespace Naru.Query;

/// <summary>Body of `POST /v1/sql` as JSON.</summary>
internal sealed record SqlBody(string? Sql, string? Timeout, long? MaxRows, string? Dialect, string? Pool);

internal sealed record ErrorAnswer(ErrorBody Error);

/// <summary>The one error shape; what does not apply is left out.</summary>
internal sealed record ErrorBody(string Code, string Message)
{
    public string? Hint { get; init; }

    public int? Line { get; init; }

    public int? Column { get; init; }

    public static ErrorAnswer Of(QueryError error) => new(new ErrorBody(error.Code, error.Message)
    {
        Hint = error.Hint, Line = error.Line, Column = error.Column,
    });
}

internal sealed record QueriesAnswer(IReadOnlyList<QueryItem> Queries);

internal sealed record FunctionsAnswer(IReadOnlyList<string> Functions);

/// <summary>`DELETE /v1/queries/{id}`: it is being ended.</summary>
internal sealed record KillAnswer(string Killed);

/// <summary>One line of `GET /v1/queries`.</summary>
internal sealed record QueryItem(string Id, string Owner, string State, DateTimeOffset StartedAt)
{
    public required string Pool { get; init; }

    public string? Ticket { get; init; }

    /// <summary>The query whose run it shares; what that uses is counted there.</summary>
    public string? SharedWith { get; init; }

    /// <summary>So far, while it runs.</summary>
    public required double ElapsedMs { get; init; }

    public double? QueuedMs { get; init; }

    public required double CpuMs { get; init; }

    public required long ReadBytes { get; init; }

    public required long PeakMemoryBytes { get; init; }

    public long? Rows { get; init; }

    public string? Error { get; init; }

    public string? Message { get; init; }

    public required string Sql { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SqlBody))]
[JsonSerializable(typeof(ErrorAnswer))]
[JsonSerializable(typeof(QueriesAnswer))]
[JsonSerializable(typeof(FunctionsAnswer))]
[JsonSerializable(typeof(DownloadAnswer))]
[JsonSerializable(typeof(KillAnswer))]
internal sealed partial class QueryJson : JsonSerializerContext
{
    /// <summary>For answers that people read too: Korean stays Korean, a quote stays a quote.</summary>
    public static readonly QueryJson Readable = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
