using System.Collections.Immutable;

namespace Naru.Yaml;

/// <summary>
/// A node of a YAML file with its place (from 1). Scalars keep their text as written: no value is guessed.
/// </summary>
internal abstract record YamlNode(int Line, int Column)
{
    public abstract string Kind { get; }
}

internal sealed record YamlScalar(string Text, bool Quoted, int Line, int Column)
    : YamlNode(Line, Column)
{
    /// <summary>A key with nothing behind it, `~` or `null`.</summary>
    public bool IsNull => !Quoted && Text is ("" or "~" or "null");

    public override string Kind => IsNull ? "nothing" : "a single value";
}

internal readonly record struct YamlEntry(YamlScalar Key, YamlNode Value);

internal sealed record YamlMapping(ImmutableArray<YamlEntry> Entries, int Line, int Column)
    : YamlNode(Line, Column)
{
    public override string Kind => "a mapping of keys";
}

internal sealed record YamlSequence(ImmutableArray<YamlNode> Items, int Line, int Column)
    : YamlNode(Line, Column)
{
    public override string Kind => "a list";
}
