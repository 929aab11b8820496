namespace Naru.Yaml;

/// <summary>
/// Something wrong in a file of the project: where, what, and the mend. Lines and columns count from 1; 0 is none.
/// </summary>
internal sealed record Mistake(string File, int Line, int Column, string Message, string Hint)
{
    /// <summary>About a whole file, or about a variable of the environment: it has no line.</summary>
    public Mistake(string file, string message, string hint)
        : this(file, 0, 0, message, hint)
    {
    }

    public override string ToString()
    {
        string place = Line == 0 ? File : $"{File}:{Line}:{Column}";
        return Hint.Length == 0 ? $"{place}: {Message}" : $"{place}: {Message}; {Hint}";
    }
}

/// <summary>Collects the mistakes of any number of files, so that all are told at once.</summary>
internal sealed class MistakeList
{
    private readonly List<Mistake> _mistakes = [];
    private readonly List<Mistake> _warnings = [];

    public int Count => _mistakes.Count;

    /// <summary>By file, line and column; what was met twice is told once.</summary>
    public IReadOnlyList<Mistake> Sorted() => Sorted(_mistakes);

    /// <summary>What is not wrong, and might be better; in the same order.</summary>
    public IReadOnlyList<Mistake> Warnings() => Sorted(_warnings);

    public void Add(Mistake mistake) => _mistakes.Add(mistake);

    public void Warn(Mistake advice) => _warnings.Add(advice);

    public void Add(string file, YamlNode at, string message, string hint) =>
        _mistakes.Add(new Mistake(file, at.Line, at.Column, message, hint));

    private static Mistake[] Sorted(List<Mistake> mistakes) =>
    [
        .. mistakes.Distinct().OrderBy(static mistake => mistake.File, StringComparer.Ordinal)
            .ThenBy(static mistake => mistake.Line)
            .ThenBy(static mistake => mistake.Column),
    ];
}
