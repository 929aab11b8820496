using System.Text.Json;
using System.Text.Json.Serialization;

namespace Naru.Query;

/// <summary>Body of `POST /v1/sql` as JSON.</summary>
internal sealed record SqlBody(string? Sql, string? Timeout, long? MaxRows, string? Dialect);

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

/// <summary>One line of `GET /v1/queries`.</summary>
internal sealed record QueryItem(string Id, string Owner, string State, DateTimeOffset StartedAt)
{
    public double? ElapsedMs { get; init; }

    public long? Rows { get; init; }

    public string? Error { get; init; }

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
