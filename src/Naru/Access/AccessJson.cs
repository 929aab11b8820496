using System.Text.Encodings.Web;
using System.Text.Json;

namespace Naru.Access;

/// <summary>How this slice writes JSON.</summary>
internal static class AccessJson
{
    /// <summary>Files under data/state.</summary>
    public static readonly JsonSerializerOptions Files = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <summary>Answers of HTTP (always application/json, never inside HTML), and `--json`.</summary>
    public static readonly JsonSerializerOptions Answers = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
