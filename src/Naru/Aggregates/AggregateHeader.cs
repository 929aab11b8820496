using System.Collections.Immutable;
using Naru.Core.Text;
using Naru.Yaml;

namespace Naru.Aggregates;

/// <summary>
/// The comment lines at the top of an aggregate's file: those of the form `-- key: value` are settings, others are
/// comments.
/// </summary>
internal sealed record AggregateHeader
{
    public static readonly ImmutableArray<string> Keys = ["description", "owner", "lateness", "disorder", "live"];

    private static readonly TimeSpan LatenessMax = TimeSpan.FromDays(30);
    private static readonly TimeSpan DisorderMax = TimeSpan.FromDays(1);
    private static readonly TimeSpan LiveMax = TimeSpan.FromDays(1);

    public string Description { get; private init; } = "";

    public string Owner { get; private init; } = "";

    public TimeSpan? Lateness { get; private init; }

    public TimeSpan? Disorder { get; private init; }

    public TimeSpan? Live { get; private init; }

    /// <summary>Where the query begins in the text.</summary>
    public int End { get; private init; }

    /// <summary>Reads as far as comments and empty lines go; mistakes are noted.</summary>
    public static AggregateHeader Read(string file, string text, MistakeList mistakes)
    {
        AggregateHeader header = new();
        HashSet<string> seen = new(StringComparer.Ordinal);
        int start = 0;
        for (int number = 1; start < text.Length; number++)
        {
            int end = text.IndexOf('\n', start);
            int next = end < 0 ? text.Length : end + 1;
            string line = text[start..next].TrimEnd();
            string content = line.TrimStart();
            if (content.Length > 0 && !content.StartsWith("--", StringComparison.Ordinal))
            {
                break;
            }

            if (Split(content) is (string key, string value))
            {
                Line place = new(file, number, line.IndexOf(key, StringComparison.Ordinal) + 1, mistakes);
                if (!Keys.Contains(key))
                {
                    string? near = NearestName.Find(key, Keys);
                    place.Mistake(
                        $"a header has no '{key}'",
                        near is null ? $"keys: {string.Join(", ", Keys)}" : $"did you mean '{near}'?");
                }
                else if (!seen.Add(key))
                {
                    place.Mistake($"'{key}' stands twice in the header", "take one of them out");
                }
                else
                {
                    header = header.With(key, value, place);
                }
            }

            start = next;
        }

        return header with { End = start };
    }

    /// <summary>A word, a colon and a blank or nothing: all else is prose.</summary>
    private static (string Key, string Value)? Split(string comment)
    {
        string text = comment.TrimStart('-').TrimStart();
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        bool key = colon > 0 && text[..colon].All(static c => char.IsAsciiLetter(c) || c is '_' or '-')
            && (colon + 1 == text.Length || text[colon + 1] is ' ' or '\t');
        return comment.Length > 0 && key ? (text[..colon], text[(colon + 1)..].Trim()) : null;
    }

    private AggregateHeader With(string key, string value, Line place) => key switch
    {
        "description" => this with { Description = value },
        "owner" => this with { Owner = value },
        "lateness" => this with { Lateness = Duration(key, value, LatenessMax, place) },
        "disorder" => this with { Disorder = Duration(key, value, DisorderMax, place) },
        _ => this with { Live = Duration(key, value, LiveMax, place) },
    };

    private static TimeSpan? Duration(string key, string value, TimeSpan most, Line place)
    {
        if (!DurationText.TryParse(value, out TimeSpan duration))
        {
            place.Mistake($"'{key}' is '{value}', which is no duration", $"write it as '-- {key}: 10m'");
            return null;
        }

        if (duration > most)
        {
            string longest = DurationText.Format(most);
            place.Mistake(
                $"'{key}' is {value}: windows would stay in memory so long", $"write at most {longest}");
            return null;
        }

        return duration;
    }

    private readonly record struct Line(string File, int Number, int Column, MistakeList Mistakes)
    {
        public void Mistake(string message, string hint) =>
            Mistakes.Add(new Mistake(File, Number, Column, message, hint));
    }
}
