using System.Collections.Immutable;

namespace Naru.Definitions;

/// <summary>What region groups, logs and fields may be called: `^[a-z][a-z0-9_]{0,62}$` without `__`.</summary>
internal static class LogNames
{
    public const int LengthMax = 63;

    /// <summary>
    /// Schemas that are not logs: aggregates, models, external and system tables, and what SQL keeps for itself.
    /// </summary>
    public static readonly ImmutableArray<string> ReservedGroups =
        ["agg", "mart", "ext", "naru", "information_schema", "system", "pg_catalog", "main", "temp"];

    /// <summary>Why a name cannot be used, or null when it can.</summary>
    public static string? Fault(string name)
    {
        if (name.Length == 0)
        {
            return "is empty";
        }

        if (name.Length > LengthMax)
        {
            return $"has more than {LengthMax} characters";
        }

        if (!char.IsAsciiLetterLower(name[0]))
        {
            return "does not start with a lower-case letter";
        }

        foreach (char letter in name)
        {
            if (!char.IsAsciiLetterLower(letter) && !char.IsAsciiDigit(letter) && letter != '_')
            {
                return $"has '{letter}' in it";
            }
        }

        return name.Contains("__", StringComparison.Ordinal) ? "has '__' in it" : null;
    }

    /// <summary>
    /// A name that can be used, made from one that cannot, for hints; null when nothing is left of it.
    /// </summary>
    public static string? Mended(string name)
    {
        System.Text.StringBuilder mended = new();
        for (int i = 0; i < name.Length; i++)
        {
            char letter = name[i];
            bool hump = char.IsAsciiLetterUpper(letter) && i > 0 && char.IsAsciiLetterLower(name[i - 1]);
            char kept = char.IsAsciiLetterOrDigit(letter) ? char.ToLowerInvariant(letter) : '_';
            if (hump || kept == '_')
            {
                Underscore(mended);
            }

            if (kept != '_' && (mended.Length > 0 || char.IsAsciiLetter(kept)))
            {
                mended.Append(kept);
            }
        }

        string text = mended.ToString().TrimEnd('_');
        text = text.Length > LengthMax ? text[..LengthMax].TrimEnd('_') : text;
        return Fault(text) is null ? text : null;
    }

    private static void Underscore(System.Text.StringBuilder text)
    {
        if (text.Length > 0 && text[^1] != '_')
        {
            text.Append('_');
        }
    }
}
