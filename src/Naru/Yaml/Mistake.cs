namespace Naru.Yaml;

/// <summary>
/// Something wrong in a file of the project: where, what, and the mend. Lines and columns count from 1.
/// </summary>
internal sealed record Mistake(string File, int Line, int Column, string Message, string Hint)
{
    public override string ToString() =>
        Hint.Length == 0 ? $"{File}:{Line}:{Column}: {Message}" : $"{File}:{Line}:{Column}: {Message}; {Hint}";
}

/// <summary>Collects the mistakes of any number of files, so that all are told at once.</summary>
internal sealed class MistakeList
{
    private readonly List<Mistake> _mistakes = [];

    public int Count => _mistakes.Count;

    /// <summary>By file, line and column.</summary>
    public IReadOnlyList<Mistake> Sorted() =>
    [
        .. _mistakes.OrderBy(static mistake => mistake.File, StringComparer.Ordinal)
            .ThenBy(static mistake => mistake.Line)
            .ThenBy(static mistake => mistake.Column),
    ];

    public void Add(Mistake mistake) => _mistakes.Add(mistake);

    public void Add(string file, YamlNode at, string message, string hint) =>
        _mistakes.Add(new Mistake(file, at.Line, at.Column, message, hint));
}
