using System.Collections.Immutable;
using System.Reflection;
using System.Text;
using Naru.Core;
using Naru.Lake.Columns;

namespace Naru.Configuration;

/// <summary>One setting: where it stands in naru.yaml, and the property that holds it.</summary>
internal sealed record Setting(
    string Section, string Key, PropertyInfo Property, SettingAttribute About, object? Default)
{
    /// <summary>`collect.in_flight_bytes_max`, or the key alone at the top of the file.</summary>
    public string Path => Section.Length == 0 ? Key : $"{Section}.{Key}";

    /// <summary>`NARU_COLLECT_IN_FLIGHT_BYTES_MAX`.</summary>
    public string Variable => "NARU_" + Path.Replace('.', '_').ToUpperInvariant();
}

/// <summary>
/// One section: the options record that owns it, and its settings in the order that the record declares them.
/// </summary>
internal sealed record SettingSection(string Name, string Doc, Type Options, ImmutableArray<Setting> Settings)
{
    public object NewOptions() => Activator.CreateInstance(Options, nonPublic: true)!;
}

/// <summary>
/// Every setting there is: the options records marked with <see cref="SettingSectionAttribute"/> in Naru's assemblies.
/// A slice adds a setting by adding a property to its own record, nowhere else.
/// </summary>
internal static class SettingTable
{
    /// <summary>By name; the top of the file first.</summary>
    public static readonly ImmutableArray<SettingSection> Sections =
    [
        .. new[] { typeof(Invariant).Assembly, typeof(Column).Assembly, typeof(SettingTable).Assembly }
            .SelectMany(static assembly => assembly.GetTypes())
            .Where(static type => type.IsDefined(typeof(SettingSectionAttribute)))
            .Select(Of)
            .OrderBy(static section => section.Name, StringComparer.Ordinal),
    ];

    /// <summary>The section that an options record describes.</summary>
    public static SettingSection Of(Type options)
    {
        SettingSectionAttribute about = options.GetCustomAttribute<SettingSectionAttribute>()!;
        object defaults = Activator.CreateInstance(options, nonPublic: true)!;
        IEnumerable<Setting> settings = options
            .GetProperties(BindingFlags.Instance | BindingFlags.Public)
            .Where(static property => property.IsDefined(typeof(SettingAttribute)))
            .OrderBy(static property => property.MetadataToken)
            .Select(property => new Setting(
                about.Name,
                KeyOf(property.Name),
                property,
                property.GetCustomAttribute<SettingAttribute>()!,
                property.GetValue(defaults)));
        return new SettingSection(about.Name, about.Doc, options, [.. settings]);
    }

    /// <summary>`InFlightBytesMax` is `in_flight_bytes_max`.</summary>
    public static string KeyOf(string property)
    {
        StringBuilder key = new(property.Length + 8);
        foreach (char letter in property)
        {
            if (char.IsUpper(letter) && key.Length > 0)
            {
                key.Append('_');
            }

            key.Append(char.ToLowerInvariant(letter));
        }

        return key.ToString();
    }
}
