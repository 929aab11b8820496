using System.Collections;
using System.Collections.Immutable;
using Naru.Core.Text;
using Naru.Yaml;

namespace Naru.Configuration;

/// <summary>
/// naru.yaml and the environment to <see cref="Settings"/>. Later wins: the record's default, the file, the variable
/// `NARU_SECTION_KEY`. Every mistake is told at once, with its line.
/// </summary>
internal sealed class SettingsReader
{
    private const string Default = "default";

    private readonly string _file;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly MistakeList _mistakes;
    private readonly ImmutableArray<SettingSection> _sections;
    private readonly List<SettingValue> _values = [];

    private SettingsReader(
        string file,
        IReadOnlyDictionary<string, string> environment,
        MistakeList mistakes,
        ImmutableArray<SettingSection> sections)
    {
        _file = file;
        _environment = environment;
        _mistakes = mistakes;
        _sections = sections;
    }

    /// <summary>Null when anything is wrong. An empty text is a file that says nothing.</summary>
    /// <param name="file">Path as the user knows it.</param>
    /// <param name="utf8">The file's bytes.</param>
    /// <param name="environment">Variables; those that start with NARU_ and name a section must name a setting.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public static Settings? Read(
        string file,
        ReadOnlySpan<byte> utf8,
        IReadOnlyDictionary<string, string> environment,
        MistakeList mistakes) =>
        Read(file, utf8, environment, mistakes, SettingTable.Sections);

    /// <summary>As above over other sections than the program's own.</summary>
    internal static Settings? Read(
        string file,
        ReadOnlySpan<byte> utf8,
        IReadOnlyDictionary<string, string> environment,
        MistakeList mistakes,
        ImmutableArray<SettingSection> sections)
    {
        int before = mistakes.Count;
        YamlMapping? root = utf8.IsEmpty ? null : YamlText.Parse(file, utf8, mistakes);
        SettingsReader reader = new(file, environment, mistakes, sections);
        List<object> options = reader.Sections(root ?? new YamlMapping([], 1, 1));
        return mistakes.Count == before ? new Settings(options, [.. reader._values]) : null;
    }

    /// <summary>The process's variables that start with NARU_.</summary>
    public static ImmutableDictionary<string, string> ProcessEnvironment() =>
        Environment.GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .Where(static entry => ((string)entry.Key).StartsWith("NARU_", StringComparison.Ordinal))
            .ToImmutableDictionary(static entry => (string)entry.Key, static entry => (string?)entry.Value ?? "");

    private List<object> Sections(YamlMapping root)
    {
        SettingSection top = _sections.Single(static section => section.Name.Length == 0);
        ImmutableArray<string> known =
        [
            .. top.Settings.Select(static setting => setting.Key),
            .. _sections.Where(static section => section.Name.Length > 0).Select(static section => section.Name),
        ];
        YamlReader reader = new(_file, root, known, "the project's settings", _mistakes);
        List<object> options = [];
        foreach (SettingSection section in _sections)
        {
            if (section.Name.Length == 0)
            {
                options.Add(Section(section, reader));
                continue;
            }

            YamlMapping mapping = reader.Keys(section.Name, $"'{section.Name}:' with its keys below, indented")
                ?? new YamlMapping([], root.Line, root.Column);
            ImmutableArray<string> keys = [.. section.Settings.Select(static setting => setting.Key)];
            YamlReader inner = new(_file, mapping, keys, $"section '{section.Name}'", _mistakes);
            options.Add(Section(section, inner));
            inner.End();
        }

        reader.End();
        CheckVariables();
        return options;
    }

    private object Section(SettingSection section, YamlReader reader)
    {
        object options = section.NewOptions();
        int before = _mistakes.Count;
        int first = _values.Count;
        foreach (Setting setting in section.Settings)
        {
            SettingValue value = FromVariable(setting) ?? FromFile(setting, reader)
                ?? new SettingValue(setting, setting.Default, Default);
            if (SettingText.BrokenBound(setting, value.Value) is { } bound)
            {
                Mistake(value, reader, $"'{setting.Path}' is {value.Text}", $"it must be {bound}");
            }

            setting.Property.SetValue(options, value.Value);
            _values.Add(value);
        }

        if (_mistakes.Count == before && options is Core.ICheckedOptions rules)
        {
            foreach ((string property, string message, string hint) in rules.Check())
            {
                SettingValue about = _values.Skip(first).Single(value => value.Setting.Property.Name == property);
                Mistake(about, reader, $"'{about.Setting.Path}': {message}", hint);
            }
        }

        return options;
    }

    private SettingValue? FromFile(Setting setting, YamlReader reader)
    {
        YamlNode? node = reader.Find(setting.Key);
        if (node is null)
        {
            return null;
        }

        string origin = $"{_file}:{node.Line}";
        if (setting.Property.PropertyType == typeof(ImmutableArray<string>))
        {
            ImmutableArray<YamlScalar>? list = reader.Texts(setting.Key, single: false);
            return list is null
                ? null
                : new SettingValue(setting, list.Value.Select(static item => item.Text).ToImmutableArray(), origin);
        }

        string wanted = SettingText.Wanted(setting);
        if (reader.Scalar(setting.Key, wanted) is not { } scalar)
        {
            return null;
        }

        if (SettingText.TryParse(setting, scalar.Text, out object? value))
        {
            return new SettingValue(setting, value, origin);
        }

        reader.Mistake(scalar, $"'{setting.Path}' is '{scalar.Text}'", $"write {wanted}");
        return null;
    }

    private SettingValue? FromVariable(Setting setting)
    {
        if (!_environment.TryGetValue(setting.Variable, out string? text))
        {
            return null;
        }

        if (SettingText.TryParse(setting, text, out object? value))
        {
            return new SettingValue(setting, value, setting.Variable);
        }

        _mistakes.Add(new Mistake(
            setting.Variable, $"the variable holds '{text}'", $"set it to {SettingText.Wanted(setting)}"));
        return null;
    }

    /// <summary>A variable that names a section and no setting of it is a mistyped one.</summary>
    private void CheckVariables()
    {
        ImmutableArray<string> known =
            [.. _sections.SelectMany(static section => section.Settings).Select(static setting => setting.Variable)];
        foreach (string name in _environment.Keys.Order(StringComparer.Ordinal))
        {
            bool ours = _sections.Any(section => section.Name.Length > 0
                && name.StartsWith($"NARU_{section.Name.ToUpperInvariant()}_", StringComparison.Ordinal));
            if (ours && !known.Contains(name))
            {
                string? nearest = NearestName.Find(name, known);
                _mistakes.Add(new Mistake(
                    name,
                    "the variable names no setting",
                    nearest is null ? "see `naru config` for all settings" : $"did you mean '{nearest}'?"));
            }
        }
    }

    private void Mistake(SettingValue value, YamlReader reader, string message, string hint)
    {
        if (value.Origin == value.Setting.Variable)
        {
            _mistakes.Add(new Mistake(value.Origin, message, hint));
            return;
        }

        reader.Mistake(reader.Find(value.Setting.Key) ?? reader.Mapping, message, hint);
    }
}
