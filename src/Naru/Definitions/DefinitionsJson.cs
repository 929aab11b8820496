using System.Text.Encodings.Web;
using System.Text.Json;

namespace Naru.Definitions;

/// <summary>How this slice writes JSON: for people to read, in files and on terminals, never inside HTML.</summary>
internal static class DefinitionsJson
{
    public static readonly JsonSerializerOptions Readable = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static readonly JsonSerializerOptions Indented = new(Readable) { WriteIndented = true };
}
