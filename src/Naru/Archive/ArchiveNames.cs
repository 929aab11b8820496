using System.Text.RegularExpressions;

namespace Naru.Archive;

/// <summary>What saved queries and dashboards may be called: safe as files and in addresses.</summary>
internal static partial class ArchiveNames
{
    public const string NumberHint =
        "the number of the ticket that asked for it, such as DATA-1042: letters, digits, '-' and '_', at most 64";

    public const string DashboardHint = "lower-case letters, digits, '-' and '_', at most 64: ads, daily-orders";

    public static string? NumberFault(string number) => Number().IsMatch(number) ? null : NumberHint;

    public static string? DashboardFault(string name) => Dashboard().IsMatch(name) ? null : DashboardHint;

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\z")]
    private static partial Regex Number();

    [GeneratedRegex(@"^[a-z0-9][a-z0-9_-]{0,63}\z")]
    private static partial Regex Dashboard();
}
