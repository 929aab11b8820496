namespace Naru.Access;

/// <summary>What keys, users and roles may be called, and what a pattern of tables looks like.</summary>
internal static class AccessNames
{
    public const int LengthMax = 63;

    public static readonly string Hint =
        $"use lower-case letters, digits, '-', '_', '.' and '@', at most {LengthMax}, as shop-web or kim";

    public static bool IsName(string name) =>
        name.Length is > 0 and <= LengthMax && (char.IsAsciiLetterLower(name[0]) || char.IsAsciiDigit(name[0]))
        && name.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_' or '.' or '@');

    /// <summary>`*`, `kr_shop.*` or `kr_shop.page_view`.</summary>
    public static bool IsPattern(string pattern)
    {
        if (pattern == "*")
        {
            return true;
        }

        string[] parts = pattern.Split('.');
        return parts.Length == 2 && IsPart(parts[0]) && (parts[1] == "*" || IsPart(parts[1]));
    }

    private static bool IsPart(string text) => text.Length > 0 && char.IsAsciiLetterLower(text[0])
        && text.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_');
}
