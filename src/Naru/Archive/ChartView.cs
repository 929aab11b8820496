using System.Collections.Immutable;

namespace Naru.Archive;

/// <summary>How an answer is shown. Columns by name; what is not said is guessed from the answer's types.</summary>
/// <param name="Kind">One of <see cref="Kinds"/>.</param>
/// <param name="X">What runs along the axis; a pivot's lines.</param>
/// <param name="Y">What is drawn; a pivot's values.</param>
/// <param name="Group">A line, colour or column of its own for each value.</param>
internal sealed record ChartView(string Kind, string? X, ImmutableArray<string> Y, string? Group)
{
    public static readonly ImmutableArray<string> Kinds =
        ["table", "line", "area", "bar", "pie", "number", "pivot"];

    public static readonly string Example = "line x=day y=clicks,ctr group=campaign_id";

    private static readonly ImmutableArray<string> Options = ["x", "y", "group"];

    /// <summary>`line x=day y=clicks,ctr group=campaign_id`.</summary>
    public static ChartView? Read(string text, out string? fault)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        fault = words.Length == 0 ? "names no kind" : !Kinds.Contains(words[0]) ? $"has no kind '{words[0]}'" : null;
        Dictionary<string, string> options = new(StringComparer.Ordinal);
        foreach (string word in words.Skip(1))
        {
            int sign = word.IndexOf('=', StringComparison.Ordinal);
            string key = sign < 0 ? word : word[..sign];
            if (sign < 0 || sign + 1 == word.Length || !Options.Contains(key)
                || !options.TryAdd(key, word[(sign + 1)..]))
            {
                fault ??= $"has '{word}', which is none of x=, y= and group=";
            }
        }

        return fault is not null ? null : new ChartView(
            words[0],
            options.GetValueOrDefault("x"),
            [.. (options.GetValueOrDefault("y") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)],
            options.GetValueOrDefault("group"));
    }
}
