using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Naru.Yaml;

namespace Naru.Server;

/// <summary>The file that a request brings, and what its writer saw before.</summary>
internal static class ArchiveFile
{
    /// <summary>Null when there is no body of a known length within the bound.</summary>
    public static async Task<byte[]?> ReadAsync(HttpContext http, int bytesMax)
    {
        if (http.Request.ContentLength is not { } length || length < 1 || length > bytesMax)
        {
            return null;
        }

        byte[] text = new byte[length];
        await http.Request.Body.ReadExactlyAsync(text, http.RequestAborted).ConfigureAwait(false);
        return text;
    }

    /// <summary>
    /// `If-Match` holds the hash of the file that was read, or `If-None-Match: *` says that there is none: nobody's
    /// edit is lost.
    /// </summary>
    public static bool TrySeen(HttpContext http, out string? seen, [NotNullWhen(false)] out IResult? refusal)
    {
        seen = http.Request.Headers.IfMatch.ToString().Trim('"') is { Length: > 0 } hash ? hash : null;
        bool said = (seen is null) == (http.Request.Headers.IfNoneMatch == "*");
        refusal = said ? null : ServerErrors.BadRequest(
            "what was there before is not said",
            "send If-Match with the sha256 that was read, or If-None-Match: * for a new one");
        return said;
    }

    public static IResult Wrong(MistakeList mistakes)
    {
        Mistake first = mistakes.Sorted().OrderBy(static mistake => mistake.Line == 0).First();
        string place = first.Line > 0 ? $"{first.File}:{first.Line}:{first.Column}" : first.File;
        return ServerErrors.BadRequest($"{place}: {first.Message}", first.Hint);
    }
}
