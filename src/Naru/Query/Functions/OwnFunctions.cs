using System.Collections.Immutable;
using Naru.Query.Gate;

namespace Naru.Query.Functions;

/// <summary>
/// The functions that are Naru's: Presto's names that DuckDB lacks, in both dialects; Trino's meaning of names that
/// DuckDB has too, in Trino's dialect; and those for search and ad logs. The gate's allow-list grows by these names and
/// no others.
/// </summary>
internal static class OwnFunctions
{
    /// <summary>Names that DuckDB has not.</summary>
    public static readonly ImmutableArray<FunctionGroup> New =
    [
        DateFunctions.New, TextFunctions.New, TextFunctions.Patterns, TextFunctions.Addresses, JsonFunctions.New,
        ArrayFunctions.New, NumberFunctions.New, NumberFunctions.Aggregates, TextFunctions.Bytes,
        GeoFunctions.New, AdFunctions.New,
    ];

    /// <summary>Names that DuckDB has with another meaning.</summary>
    public static readonly ImmutableArray<FunctionGroup> Trino = [TrinoFunctions.Functions];

    private static readonly Dictionary<string, OwnFunction> NewByName = ByName(New);

    private static readonly Dictionary<string, OwnFunction> TrinoByName = ByName(Trino);

    private static readonly Dictionary<string, string> Macros = MacrosByName();

    private static readonly HashSet<string> Inner = new(
        InnerMacros.All.Keys.Concat(OwnScalars.All.Select(static scalar => scalar.Name)), SqlName.Comparer);

    public static IEnumerable<string> NewNames => NewByName.Keys;

    public static bool MayCall(string name) => NewByName.ContainsKey(name);

    /// <summary>A macro or scalar that rewriting puts into a statement; nobody types it.</summary>
    public static bool IsInner(string name) => Inner.Contains(name);

    /// <summary>Calls of it are put in other words in every dialect.</summary>
    public static bool IsRewritten(string name) => NewByName.GetValueOrDefault(name)?.Kind == FunctionKind.Rewrite;

    /// <summary>What a call of so many arguments is to become, if anything.</summary>
    public static OwnFunction? RewriteOf(string name, int arguments, SqlDialect dialect)
    {
        OwnFunction? found = (dialect == SqlDialect.Trino ? TrinoByName.GetValueOrDefault(name) : null)
            ?? NewByName.GetValueOrDefault(name);
        return found is { Kind: FunctionKind.Rewrite }
            && (found.Arguments is not (int least, int most) || (arguments >= least && arguments <= most))
            ? found
            : null;
    }

    /// <summary>
    /// Statements that make the macros among these names, and those that they call, first those that are called.
    /// </summary>
    public static IEnumerable<string> Setup(IEnumerable<string> names)
    {
        List<string> made = [];
        HashSet<string> seen = new(SqlName.Comparer);
        foreach (string name in names.Order(StringComparer.Ordinal))
        {
            Add(name.ToLowerInvariant(), seen, made);
        }

        return made.Select(static name => $"CREATE TEMP MACRO {name}{Macros[name]}");
    }

    private static void Add(string name, HashSet<string> seen, List<string> made)
    {
        if (!Macros.TryGetValue(name, out string? definition) || !seen.Add(name))
        {
            return;
        }

        foreach (string called in CalledBy(definition))
        {
            Add(called, seen, made);
        }

        made.Add(name);
    }

    /// <summary>Words before an opening parenthesis.</summary>
    private static IEnumerable<string> CalledBy(string definition)
    {
        int start = -1;
        for (int i = 0; i < definition.Length; i++)
        {
            char character = definition[i];
            if (char.IsAsciiLetterOrDigit(character) || character == '_')
            {
                start = start < 0 ? i : start;
                continue;
            }

            if (character == '(' && start >= 0)
            {
                yield return definition[start..i];
            }

            start = -1;
        }
    }

    private static Dictionary<string, string> MacrosByName()
    {
        Dictionary<string, string> macros = new(InnerMacros.All, SqlName.Comparer);
        foreach (OwnFunction function in NewByName.Values.Where(static one => one.Kind == FunctionKind.Macro))
        {
            macros.Add(function.Name, function.Definition);
        }

        return macros;
    }

    private static Dictionary<string, OwnFunction> ByName(ImmutableArray<FunctionGroup> groups) =>
        groups.SelectMany(static group => group.Functions)
            .ToDictionary(static function => function.Name, SqlName.Comparer);
}
