using System.Collections.Immutable;

namespace Naru.External;

/// <summary>
/// Where files are: a path whose parts may have wildcards. `*` and `?` stand for letters of one name, `**` for any
/// folders, `KEY=*` for folders that give a column its values.
/// </summary>
/// <param name="Text">As it is written.</param>
/// <param name="Folder">Absolute: what comes before the first part with a wildcard, or before the file's name.</param>
/// <param name="Parts">What comes after it, one a folder and the last a file.</param>
internal sealed record LocationPattern(string Text, string Folder, ImmutableArray<string> Parts)
{
    public const string AnyFolders = "**";

    /// <summary>Names of columns whose values stand in folders' names.</summary>
    public IEnumerable<string> Keys => Parts.SkipLast(1)
        .Where(static part => part.IndexOf('=', StringComparison.Ordinal) > 0)
        .Select(static part => part[..part.IndexOf('=', StringComparison.Ordinal)]);

    /// <summary>Null, with what is wrong and the mend.</summary>
    /// <param name="text">As it is written.</param>
    /// <param name="root">The project, from which a relative path goes.</param>
    /// <param name="fault">What is wrong, and the mend.</param>
    public static LocationPattern? TryParse(string text, string root, out (string Message, string Hint) fault)
    {
        fault = default;
        string[] parts = (text.StartsWith('/') ? text[1..] : text).Split('/');
        if (text.Any(char.IsControl) || text.IndexOfAny(['[', ']', '{', '}', '\\']) >= 0)
        {
            fault = ("has a letter that no location may have", "write a path with * and ? for letters, ** for folders");
        }
        else if (text.Contains("://", StringComparison.Ordinal))
        {
            fault = ("is an address, not a path of this machine", "write a path such as /srv/share/partners/*.csv");
        }
        else if (parts.Any(static part => part is "" or "." or ".."))
        {
            fault = ("has an empty part, a '.' or a '..'", "write the path as it is, with one name between two '/'");
        }
        else if (IsWild(parts[0]) || (parts.Length == 1 && text.StartsWith('/')))
        {
            fault = ("names no folder", "begin with a folder without wildcards, such as /srv/share/partners");
        }
        else if (parts[^1] == AnyFolders)
        {
            fault = ("ends with '**', which stands for folders", "end it with the files' names, such as **/*.csv");
        }

        if (fault != default)
        {
            return null;
        }

        int fixedParts = Array.FindIndex(parts, IsWild);
        fixedParts = fixedParts < 0 ? parts.Length - 1 : fixedParts;
        string folder = string.Join('/', parts.Take(fixedParts));
        return new LocationPattern(
            text,
            text.StartsWith('/') ? $"/{folder}" : folder.Length == 0 ? root : $"{root}/{folder}",
            [.. parts.Skip(fixedParts)]);
    }

    private static bool IsWild(string part) => part.AsSpan().IndexOfAny('*', '?') >= 0;
}
