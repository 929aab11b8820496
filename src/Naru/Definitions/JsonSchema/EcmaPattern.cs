using System.Text;

namespace Naru.Definitions.JsonSchema;

/// <summary>
/// A JSON Schema pattern (ECMA 262) as a .NET pattern that matches the same strings, where .NET differs: `\d`, `\w` and
/// `\s` are ASCII there (`\s`: nearly), `$` is the very end, `\/` is a slash.
/// </summary>
internal static class EcmaPattern
{
    /// <summary>Null for what has no such pattern: lookaround, backreferences, or what is no pattern.</summary>
    public static string? ToNet(string pattern)
    {
        StringBuilder net = new(pattern.Length + 8);
        bool inClass = false;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c == '\\' && i + 1 < pattern.Length)
            {
                i++;
                if (Escape(pattern[i], inClass) is not { } escape)
                {
                    return null;
                }

                net.Append(escape);
                continue;
            }

            inClass = c == '[' ? true : c != ']' && inClass;
            net.Append(c == '$' && !inClass ? @"\z" : c.ToString());
        }

        try
        {
            _ = FieldReader.NewPattern(net.ToString());
            return net.ToString();
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    private static string? Escape(char letter, bool inClass) => letter switch
    {
        'd' => inClass ? "0-9" : "[0-9]",
        'w' => inClass ? "A-Za-z0-9_" : "[A-Za-z0-9_]",
        'D' => inClass ? null : "[^0-9]",
        'W' => inClass ? null : "[^A-Za-z0-9_]",
        '/' => "/",
        'p' or 'P' or 'k' => null,
        >= '1' and <= '9' => null,
        _ => $"\\{letter}",
    };
}
