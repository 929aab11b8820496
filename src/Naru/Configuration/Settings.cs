using System.Collections.Immutable;
using Naru.Core;

namespace Naru.Configuration;

/// <summary>
/// The effective value of a setting, and where it came from: `default`, `naru.yaml:12` or a variable's name.
/// </summary>
internal sealed record SettingValue(Setting Setting, object? Value, string Origin)
{
    public string Text => SettingText.Format(Setting, Value);
}

/// <summary>All settings of a project, checked. Immutable.</summary>
internal sealed class Settings
{
    public const string FileName = "naru.yaml";

    private readonly ImmutableDictionary<Type, object> _options;

    public Settings(IEnumerable<object> options, ImmutableArray<SettingValue> values)
    {
        _options = options.ToImmutableDictionary(static record => record.GetType());
        Values = values;
        TimeZone = Get<ProjectOptions>().FindTimeZone();
    }

    /// <summary>What a day is.</summary>
    public TimeZoneInfo TimeZone { get; }

    /// <summary>Every setting in the order of <see cref="SettingTable"/>.</summary>
    public ImmutableArray<SettingValue> Values { get; }

    /// <summary>The options of one slice. The record carries <see cref="SettingSectionAttribute"/>.</summary>
    public T Get<T>()
        where T : class
    {
        bool found = _options.TryGetValue(typeof(T), out object? options);
        Invariant.Hold(found);
        return (T)options!;
    }

    /// <summary>Settings of a project that says nothing.</summary>
    public static Settings Defaults()
    {
        Yaml.MistakeList mistakes = new();
        Settings? settings = SettingsReader.Read(
            FileName, [], ImmutableDictionary<string, string>.Empty, mistakes);
        Invariant.Hold(settings is not null);
        return settings;
    }
}
