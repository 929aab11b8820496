using System.Collections.Immutable;
using Naru.Core;
using Naru.Core.Text;

namespace Naru.Yaml;

/// <summary>
/// Reads the keys of one mapping, each as the type that it should have, and notes every mistake. Reading gives null for
/// what is absent or wrong; <see cref="End"/> names unknown keys with the nearest known one.
/// </summary>
internal sealed class YamlReader
{
    private readonly ImmutableArray<string> _known;
    private readonly MistakeList _mistakes;
    private readonly string _what;

    /// <param name="file">Path as the user knows it.</param>
    /// <param name="mapping">Where the keys are.</param>
    /// <param name="known">Every key that may be there.</param>
    /// <param name="what">What the mapping is, for messages: `a log`, `field 'cost'`.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public YamlReader(
        string file, YamlMapping mapping, ImmutableArray<string> known, string what, MistakeList mistakes)
    {
        File = file;
        Mapping = mapping;
        _known = known;
        _what = what;
        _mistakes = mistakes;
    }

    public string File { get; }

    public YamlMapping Mapping { get; }

    /// <summary>What the mapping is, for messages.</summary>
    public string What => _what;

    /// <summary>Where mistakes go.</summary>
    public MistakeList Mistakes => _mistakes;

    public bool Knows(string key) => _known.Contains(key);

    /// <summary>The node behind a key, or null when absent.</summary>
    public YamlNode? Find(string key)
    {
        Invariant.Hold(_known.Contains(key));
        foreach (YamlEntry entry in Mapping.Entries)
        {
            if (entry.Key.Text == key)
            {
                return entry.Value;
            }
        }

        return null;
    }

    /// <summary>A single value; a key without one is a mistake.</summary>
    public YamlScalar? Scalar(string key, string wanted)
    {
        YamlNode? node = Find(key);
        if (node is null)
        {
            return null;
        }

        if (node is YamlScalar { IsNull: false } scalar)
        {
            return scalar;
        }

        Mistake(node, $"'{key}' of {_what} holds {node.Kind}", $"give it {wanted}, or leave the key out");
        return null;
    }

    public string? Text(string key) => Scalar(key, "a text")?.Text;

    public string? RequiredText(string key, string hint)
    {
        if (Find(key) is null)
        {
            Mistake(Mapping, $"{_what} has no '{key}'", hint);
            return null;
        }

        return Text(key);
    }

    public bool? Boolean(string key)
    {
        YamlScalar? scalar = Scalar(key, "true or false");
        switch (scalar?.Text)
        {
            case null:
                return null;
            case "true":
                return true;
            case "false":
                return false;
            default:
                Mistake(scalar, $"'{key}' of {_what} is '{scalar.Text}'", "write true or false");
                return null;
        }
    }

    /// <summary>One of some words.</summary>
    public string? Word(string key, params ReadOnlySpan<string> words)
    {
        YamlScalar? scalar = Scalar(key, string.Join(" or ", words.ToArray()));
        if (scalar is null || words.Contains(scalar.Text))
        {
            return scalar?.Text;
        }

        Mistake(scalar, $"'{key}' of {_what} is '{scalar.Text}'", $"write {string.Join(" or ", words.ToArray())}");
        return null;
    }

    /// <summary>
    /// A duration above zero. Where <paramref name="unlimited"/> is allowed it comes back as null with Found.
    /// </summary>
    public (bool Found, TimeSpan? Value) Duration(string key, bool unlimited)
    {
        string wanted = unlimited ? "a duration such as 7d or 10m, or unlimited" : "a duration such as 7d or 10m";
        YamlScalar? scalar = Scalar(key, wanted);
        if (scalar is null)
        {
            return (false, null);
        }

        if (unlimited && scalar.Text == "unlimited")
        {
            return (true, null);
        }

        if (DurationText.TryParse(scalar.Text, out TimeSpan duration))
        {
            return (true, duration);
        }

        Mistake(scalar, $"'{key}' of {_what} is '{scalar.Text}', which is no duration", $"write {wanted}");
        return (false, null);
    }

    /// <summary>A single text or a list of texts.</summary>
    public ImmutableArray<YamlScalar>? Texts(string key, bool single)
    {
        YamlNode? node = Find(key);
        switch (node)
        {
            case null:
                return null;
            case YamlScalar { IsNull: false } scalar when single:
                return [scalar];
            case YamlSequence { Items.Length: > 0 } items when items.Items.All(static item => item is YamlScalar):
                return [.. items.Items.Cast<YamlScalar>()];
            default:
                string kind = node is not YamlSequence list ? node.Kind
                    : list.Items.IsEmpty ? "an empty list"
                    : "a list of more than single values";
                Mistake(node, $"'{key}' of {_what} holds {kind}", "write a list such as [home, search]");
                return null;
        }
    }

    /// <summary>The mapping behind a key.</summary>
    public YamlMapping? Keys(string key, string example)
    {
        YamlNode? node = Find(key);
        if (node is null or YamlMapping)
        {
            return node as YamlMapping;
        }

        Mistake(node, $"'{key}' of {_what} holds {node.Kind}", $"write it as {example}");
        return null;
    }

    public void Mistake(YamlNode at, string message, string hint) => _mistakes.Add(File, at, message, hint);

    /// <summary>Notes every key that is not known.</summary>
    /// <param name="mend">Of a key that is known elsewhere; null of it, or without it, names the nearest one.</param>
    public void End(Func<string, string?>? mend = null)
    {
        foreach (YamlEntry entry in Mapping.Entries)
        {
            if (!_known.Contains(entry.Key.Text))
            {
                string? nearest = NearestName.Find(entry.Key.Text, _known);
                Mistake(
                    entry.Key,
                    $"unknown key '{entry.Key.Text}' in {_what}",
                    mend?.Invoke(entry.Key.Text) is { } known ? known
                        : nearest is null ? $"known keys: {string.Join(", ", _known)}"
                        : $"did you mean '{nearest}'?");
            }
        }
    }
}
