namespace Naru.Core;

/// <summary>How a setting is written and shown.</summary>
public enum SettingUnit
{
    /// <summary>As the property's type says: text, a number, true or false, a duration (`10m`).</summary>
    None,

    /// <summary>A size: `128MB`.</summary>
    Bytes,

    /// <summary>A count of things.</summary>
    Count,

    /// <summary>A share from 0 to 1.</summary>
    Ratio,
}

/// <summary>
/// One setting of naru.yaml: a property of an options record; its key is the property's name in snake_case, its default
/// is what a new record holds.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SettingAttribute(string doc) : Attribute
{
    /// <summary>What it does, in one sentence.</summary>
    public string Doc { get; } = doc;

    public SettingUnit Unit { get; init; }

    /// <summary>The word for null, where the property can be null.</summary>
    public string Null { get; init; } = "unlimited";

    /// <summary>Inclusive bounds in the setting's own notation (`1s`, `1MB`, `4`); empty where there is none.</summary>
    public string Min { get; init; } = "";

    public string Max { get; init; } = "";
}

/// <summary>
/// Names the section of naru.yaml that an options record owns. The record has a constructor without parameters.
/// </summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class SettingSectionAttribute(string name, string doc) : Attribute
{
    public string Name { get; } = name;

    public string Doc { get; } = doc;
}

/// <summary>Rules between the settings of one section.</summary>
public interface ICheckedOptions
{
    /// <summary>Every mistake: the property it is about, what is wrong, and the mend.</summary>
    IEnumerable<(string Property, string Message, string Hint)> Check();
}
