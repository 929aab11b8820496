using System.Globalization;
using System.Text.Json;

namespace Naru.Tests.Query.Explore;

internal sealed record FunnelStep(string Log, string? Kind)
{
    public string Json => Kind is null
        ? $$"""{"log": "kr_shop.{{Log}}"}"""
        : JsonSerializer.Serialize(new
        {
            log = $"kr_shop.{Log}",
            filters = new[] { new { field = "kind", @is = "is", values = new[] { Kind } } },
        });

    public bool Is(Happening each) => each.Log == Log && (Kind is null || each.Kind == Kind);
}

/// <summary>A funnel by trying every chain of events: slow, and plainly what docs/explore.md says.</summary>
internal sealed record Funnel(FunnelStep[] Steps, DateOnly From, DateOnly To, TimeSpan Within, bool Split)
{
    public string[] Rows(IReadOnlyList<Happening> events)
    {
        List<(string Group, int Depth, double[] Seconds)> users = [];
        foreach (IGrouping<string, Happening> user in events
            .Where(each => each.Who is not null && Steps.Any(step => step.Is(each))).GroupBy(static each => each.Who!))
        {
            Happening[] line =
            [
                .. user.OrderBy(static each => each.At).ThenBy(each => Array.FindIndex(Steps, step => step.Is(each)))
                    .ThenBy(static each => each.Partition).ThenBy(static each => each.Offset),
            ];
            (string Group, int Depth, double[] Seconds)? best = null;
            for (int start = 0; start < line.Length; start++)
            {
                if (!Steps[0].Is(line[start]) || line[start].Day < From || line[start].Day > To)
                {
                    continue;
                }

                double[] seconds = new double[Steps.Length];
                Array.Fill(seconds, double.PositiveInfinity);
                Follow(line, start, 0, line[start].At, seconds);
                int depth = seconds.Count(double.IsFinite);
                if (best is null || depth > best.Value.Depth)
                {
                    best = (line[start].Kind ?? "∅", depth, seconds);
                }
            }

            if (best is { } found)
            {
                users.Add(found);
            }
        }

        return
        [
            .. users.GroupBy(user => Split ? user.Group : "").SelectMany(group =>
                Steps.Select((_, index) => Row(group.Key, [.. group], index))),
        ];
    }

    /// <summary>Every chain from here on; keeps the earliest time at which each step is reached.</summary>
    private void Follow(Happening[] line, int at, int step, DateTime begun, double[] seconds)
    {
        seconds[step] = Math.Min(seconds[step], (line[at].At - begun).TotalSeconds);
        for (int next = at + 1; step + 1 < Steps.Length && next < line.Length; next++)
        {
            if (Steps[step + 1].Is(line[next]) && line[next].At - begun <= Within)
            {
                Follow(line, next, step + 1, begun, seconds);
            }
        }
    }

    private string Row(string group, (string Group, int Depth, double[] Seconds)[] users, int index)
    {
        int reached = users.Count(user => user.Depth > index);
        int before = users.Count(user => user.Depth > Math.Max(0, index - 1));
        double[] times = [.. users.Where(user => user.Depth > index).Select(user => user.Seconds[index]).Order()];
        string median = times.Length == 0 || index == 0
            ? index == 0 && times.Length > 0 ? "0" : "null"
            : Text((times[(times.Length - 1) / 2] + times[times.Length / 2]) / 2);
        return (Split ? $"{group}|" : "")
            + $"{index + 1}|kr_shop.{Steps[index].Log}|{reached}|{Share(reached, users.Length)}"
            + $"|{Share(reached, before)}|{median}";
    }

    private static string Share(int part, int whole) => whole == 0
        ? "null"
        : Text((double)Math.Round(100m * part / whole, 2, MidpointRounding.AwayFromZero));

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
