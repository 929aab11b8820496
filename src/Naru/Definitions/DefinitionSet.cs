using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Naru.Definitions;

/// <summary>All published definitions at one moment. Immutable; swapped as a whole on reload.</summary>
internal sealed class DefinitionSet
{
    public static readonly DefinitionSet Empty = new(TimeZoneInfo.Utc, []);

    private readonly ImmutableDictionary<string, LogDefinition> _current;
    private readonly ImmutableDictionary<(int Id, int Version), LogDefinition> _versions;

    /// <param name="timeZone">What a day is.</param>
    /// <param name="versions">Every published version of every log; the highest of each is current.</param>
    public DefinitionSet(TimeZoneInfo timeZone, IEnumerable<LogDefinition> versions)
    {
        TimeZone = timeZone;
        _versions = versions.ToImmutableDictionary(static log => (log.Id, log.Version));
        _current = _versions.Values
            .GroupBy(static log => log.Id)
            .Select(static group => group.MaxBy(static log => log.Version)!)
            .ToImmutableDictionary(static log => log.FullName, StringComparer.Ordinal);
        Logs = [.. _current.Values.OrderBy(static log => log.FullName, StringComparer.Ordinal)];
    }

    public TimeZoneInfo TimeZone { get; }

    /// <summary>The current version of every log, by name, retired ones too: their tables are still there.</summary>
    public ImmutableArray<LogDefinition> Logs { get; }

    /// <summary>The current version of a log that takes events.</summary>
    public bool TryGet(string fullName, [MaybeNullWhen(false)] out LogDefinition log) =>
        _current.TryGetValue(fullName, out log) && !log.Retired;

    /// <summary>A version that was stamped at receipt. Every stamped version stays published for ever.</summary>
    public LogDefinition Version(int id, int version) => _versions[(id, version)];

    public bool TryGetVersion(int id, int version, [MaybeNullWhen(false)] out LogDefinition log) =>
        _versions.TryGetValue((id, version), out log);
}

/// <summary>Holds the current set behind one volatile reference; reload swaps it.</summary>
internal interface IDefinitionSource
{
    DefinitionSet Current { get; }
}
