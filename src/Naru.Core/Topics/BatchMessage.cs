namespace Naru.Core.Topics;

/// <summary>
/// Why a batch of rejected records was refused, as its message field holds it: the key at fault, a line feed, the
/// reason in words; without the first two where it is the event as a whole.
/// </summary>
public static class BatchMessage
{
    private const char Separator = '\n';

    public static string Join(string path, string message) => path.Length == 0
        ? message.Replace(Separator, ' ')
        : $"{path.Replace(Separator, ' ')}{Separator}{message}";

    /// <summary>The path is null where there is none.</summary>
    public static (string? Path, string Message) Split(string text) => text.IndexOf(Separator) is >= 0 and int at
        ? (text[..at], text[(at + 1)..])
        : (null, text);
}
