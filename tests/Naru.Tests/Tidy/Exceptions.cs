namespace Naru.Tests.Tidy;

/// <summary>
/// The list of what stands outside a rule, with the reason: exceptions.txt, one a line, `rule | where | limit |
/// reason`. It may only shrink: an entry that is no longer needed, or whose limit is above what is there, fails the
/// test.
/// </summary>
internal static class Exceptions
{
    private static readonly Entry[] Entries = Load();

    /// <summary>
    /// Fails for each finding that no entry allows, and for each entry of the rule that no finding needs.
    /// </summary>
    public static void Check(string rule, string limitText, IEnumerable<(string Where, int Value)> findings)
    {
        List<string> wrong = [];
        Dictionary<string, Entry> open =
            Entries.Where(entry => entry.Rule == rule).ToDictionary(static entry => entry.Where);
        foreach ((string where, int value) in findings.OrderByDescending(static finding => finding.Value))
        {
            if (!open.Remove(where, out Entry? entry))
            {
                wrong.Add($"{where}: {value} ({limitText})");
            }
            else if (value > entry.Limit)
            {
                wrong.Add($"{where}: {value}, above the {entry.Limit} that exceptions.txt grants it");
            }
            else if (value < entry.Limit)
            {
                wrong.Add($"{where}: {value} now; lower its limit of {entry.Limit} in exceptions.txt");
            }
        }

        wrong.AddRange(open.Keys.Select(static where => $"{where}: within the rule; take it out of exceptions.txt"));
        Assert.True(wrong.Count == 0, $"{rule}:\n  {string.Join("\n  ", wrong)}");
    }

    private static Entry[] Load() =>
    [
        .. File.ReadLines(Path.Combine(Repository.FolderOfCaller(), "exceptions.txt"))
            .Where(static line => line.Length > 0 && !line.StartsWith('#'))
            .Select(static line => line.Split(" | "))
            .Select(static parts => new Entry(parts[0].Trim(), parts[1].Trim(), int.Parse(parts[2]), parts[3].Trim())),
    ];

    private sealed record Entry(string Rule, string Where, int Limit, string Reason);
}
