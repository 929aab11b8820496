using System.Collections.Immutable;

namespace Naru.Access;

/// <summary>What a key may be called and allowed. Every mistake at once.</summary>
internal static class KeyRules
{
    public static IReadOnlyList<(string Message, string Hint)> Check(string name, KeyRights rights)
    {
        List<(string, string)> mistakes = [];
        if (!AccessNames.IsName(name))
        {
            mistakes.Add(($"'{name}' is no name of a key", AccessNames.Hint));
        }
        else if (name == Principal.Open.Name)
        {
            mistakes.Add(($"the name '{name}' is Naru's own", "choose another"));
        }

        if (rights.None)
        {
            mistakes.Add((
                $"the key '{name}' may do nothing",
                "give it --role NAME, --write PATTERN, --read PATTERN, --secure PATTERN or --admin"));
        }

        Patterns("write", rights.Write, mistakes);
        Patterns("read", rights.Read, mistakes);
        Patterns("secure", rights.Secure, mistakes);
        foreach (string role in rights.Roles.Where(static role => !AccessNames.IsName(role)))
        {
            mistakes.Add(($"'{role}' is no name of a role", AccessNames.Hint));
        }

        if (rights.Ticket is { } ticket && !AccessNames.IsName(ticket))
        {
            mistakes.Add(($"'{ticket}' is no name of a ticket", AccessNames.Hint));
        }

        return mistakes;
    }

    private static void Patterns(string right, ImmutableArray<string> patterns, List<(string, string)> mistakes)
    {
        foreach (string pattern in patterns.Where(static pattern => !AccessNames.IsPattern(pattern)))
        {
            mistakes.Add((
                $"'{pattern}' is no pattern for --{right}", "write '*', 'kr_shop.*' or 'kr_shop.page_view'"));
        }
    }
}
