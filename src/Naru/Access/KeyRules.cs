using System.Collections.Immutable;

namespace Naru.Access;

/// <summary>What a key may be called and allowed. Every mistake at once.</summary>
internal static class KeyRules
{
    private const int NameLengthMax = 63;

    public static IReadOnlyList<(string Message, string Hint)> Check(string name, KeyRights rights)
    {
        List<(string, string)> mistakes = [];
        bool plain = name.Length is > 0 and <= NameLengthMax && char.IsAsciiLetterOrDigit(name[0])
            && name.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_' or '.');
        if (!plain)
        {
            mistakes.Add((
                $"'{name}' is no name of a key",
                $"use lower-case letters, digits, '-', '_' and '.', at most {NameLengthMax}, as shop-web"));
        }
        else if (name == Principal.Open.Name)
        {
            mistakes.Add(($"the name '{name}' is Naru's own", "choose another"));
        }

        if (rights.None)
        {
            mistakes.Add((
                $"the key '{name}' may do nothing",
                "give it --write PATTERN, --read PATTERN, --secure PATTERN or --admin"));
        }

        Patterns("write", rights.Write, mistakes);
        Patterns("read", rights.Read, mistakes);
        Patterns("secure", rights.Secure, mistakes);
        return mistakes;
    }

    private static void Patterns(string right, ImmutableArray<string> patterns, List<(string, string)> mistakes)
    {
        foreach (string pattern in patterns.Where(static pattern => !IsPattern(pattern)))
        {
            mistakes.Add((
                $"'{pattern}' is no pattern for --{right}", "write '*', 'kr_shop.*' or 'kr_shop.page_view'"));
        }
    }

    private static bool IsPattern(string pattern)
    {
        if (pattern == "*")
        {
            return true;
        }

        string[] parts = pattern.Split('.');
        return parts.Length == 2 && IsName(parts[0]) && (parts[1] == "*" || IsName(parts[1]));
    }

    private static bool IsName(string text) => text.Length > 0 && char.IsAsciiLetterLower(text[0])
        && text.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_');
}
