namespace Naru.Core.Text;

/// <summary>The known name that a mistyped one most likely meant, for hints.</summary>
public static class NearestName
{
    private const int TextLengthMax = 128;

    /// <summary>
    /// The nearest of <paramref name="known"/> by edit distance (insert, delete, replace, swap of neighbours), or null
    /// when none is near: more than a third of the letters would have to change. Ties: the first given.
    /// </summary>
    public static string? Find(string name, IEnumerable<string> known)
    {
        if (name.Length > TextLengthMax)
        {
            return null;
        }

        string? nearest = null;
        int best = Math.Max(1, (name.Length + 1) / 3) + 1;
        foreach (string candidate in known)
        {
            if (Math.Abs(candidate.Length - name.Length) >= best || candidate.Length > TextLengthMax)
            {
                continue;
            }

            int distance = Distance(name, candidate);
            if (distance < best)
            {
                best = distance;
                nearest = candidate;
            }
        }

        return nearest;
    }

    /// <summary>Optimal string alignment distance, case ignored; three rows on the stack.</summary>
    private static int Distance(string left, string right)
    {
        int width = right.Length + 1;
        Span<int> rows = stackalloc int[3 * (TextLengthMax + 1)];
        Span<int> beforePrevious = rows[..width];
        Span<int> previous = rows.Slice(width, width);
        Span<int> current = rows.Slice(2 * width, width);
        for (int j = 0; j < width; j++)
        {
            previous[j] = j;
        }

        for (int i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j < width; j++)
            {
                bool same = Same(left[i - 1], right[j - 1]);
                int cost = Math.Min(previous[j], current[j - 1]) + 1;
                cost = Math.Min(cost, previous[j - 1] + (same ? 0 : 1));
                if (i > 1 && j > 1 && Same(left[i - 1], right[j - 2]) && Same(left[i - 2], right[j - 1]))
                {
                    cost = Math.Min(cost, beforePrevious[j - 2] + 1);
                }

                current[j] = cost;
            }

            Span<int> spare = beforePrevious;
            beforePrevious = previous;
            previous = current;
            current = spare;
        }

        Invariant.Hold(previous[right.Length] <= Math.Max(left.Length, right.Length));
        return previous[right.Length];
    }

    private static bool Same(char left, char right) => char.ToLowerInvariant(left) == char.ToLowerInvariant(right);
}
