using System.Text;
using System.Text.RegularExpressions;

namespace Naru.Query.Pool;

/// <summary>
/// What a worker prints goes into the server's log: one line, no control characters, and nothing between quotes, since
/// that may be a user's value or the name of a file.
/// </summary>
internal static partial class WorkerWords
{
    private const int CharactersMax = 400;

    public static string Redact(ReadOnlySpan<byte> bytes)
    {
        string text = Encoding.UTF8.GetString(bytes);
        text = Quoted().Replace(text, "'…'");
        text = Controls().Replace(text, " ").Trim();
        return text.Length <= CharactersMax ? text : text[..CharactersMax] + "…";
    }

    [GeneratedRegex("""("[^"\n]*"|'[^'\n]*'|/[^\s:'"]*/[^\s:'"]*)""")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\p{C}+")]
    private static partial Regex Controls();
}
