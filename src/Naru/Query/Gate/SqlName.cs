namespace Naru.Query.Gate;

/// <summary>
/// Names as DuckDB compares them: ASCII letters in either case are the same, all else is told apart. .NET's own
/// ignore-case comparison folds more, and a gate must not take two names for one that DuckDB takes for two.
/// </summary>
internal sealed class SqlName : IEqualityComparer<string>
{
    public static readonly SqlName Comparer = new();

    public static bool Same(string? a, string? b) => Comparer.Equals(a, b);

    public bool Equals(string? x, string? y)
    {
        if (x is null || y is null || x.Length != y.Length)
        {
            return x is null && y is null;
        }

        for (int i = 0; i < x.Length; i++)
        {
            if (Fold(x[i]) != Fold(y[i]))
            {
                return false;
            }
        }

        return true;
    }

    public int GetHashCode(string obj)
    {
        HashCode hash = default;
        foreach (char character in obj)
        {
            hash.Add(Fold(character));
        }

        return hash.ToHashCode();
    }

    private static char Fold(char character) => character is >= 'A' and <= 'Z' ? (char)(character | 0x20) : character;
}
