using System.Collections.Immutable;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Models;

namespace Naru.Exports;

/// <summary>What becomes of the rows that the target has already.</summary>
internal enum ExportMode
{
    /// <summary>An interval's rows are added; given again, they take the place of what it gave before.</summary>
    Append,

    /// <summary>Rows are added, or take the place of those with the same key.</summary>
    Upsert,

    /// <summary>The target becomes equal to the query; only rows that differ from the last export go out.</summary>
    Mirror,

    /// <summary>The target becomes equal to the query: all rows go out, and are seen at once.</summary>
    Swap,
}

/// <summary>One right file of `exports/`.</summary>
internal sealed record ExportDefinition : IScheduled, IScheduleRules
{
    public const string DefaultTarget = "default";

    private const string Prefix = "export/";

    public required string Name { get; init; }

    public string Description { get; init; } = "";

    /// <summary>With whose rights the rows are read.</summary>
    public required string Owner { get; init; }

    /// <summary>The query, with its parameters.</summary>
    public required ModelText Text { get; init; }

    public required ExportMode Mode { get; init; }

    /// <summary>Columns that tell a row from all others.</summary>
    public ImmutableArray<string> Key { get; init; } = [];

    /// <summary>Rows that do not fit are kept and tried again; else one of them fails the interval.</summary>
    public bool KeepsBadRows { get; init; } = true;

    /// <summary>Secure and raw groups may be read, where the owner may.</summary>
    public bool AllowsSecure { get; init; }

    public string? Ticket { get; init; }

    public TimeSpan? Timeout { get; init; }

    /// <summary>`default`, and those for trying out.</summary>
    public required ImmutableSortedDictionary<string, TargetDefinition> Targets { get; init; }

    public ImmutableArray<ModelInput> Inputs { get; init; } = [];

    public required string Fingerprint { get; init; }

    public IntervalKind Every { get; init; } = IntervalKind.Day;

    public CronSchedule? Schedule { get; init; }

    public long? Start { get; init; }

    public bool StartsWithData { get; init; }

    public TimeSpan? WaitForLate { get; init; }

    public Restatement Restate { get; init; }

    public int Retries { get; init; } = 3;

    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromMinutes(1);

    public TableName? Fills => null;

    public string Thing => Prefix + Name;

    public IScheduleRules Rules => this;

    public bool IsWhole => Mode is ExportMode.Mirror or ExportMode.Swap;

    public bool IsOneAtATime => true;
}

/// <summary>All right exports, by name. Immutable.</summary>
internal sealed record ExportSet(ImmutableArray<ExportDefinition> Exports)
{
    public static readonly ExportSet Empty = new([]);

    public ExportDefinition? Find(string name) =>
        Exports.FirstOrDefault(export => string.Equals(export.Name, name, StringComparison.Ordinal));
}

internal interface IExportSource : IScheduledSource
{
    ExportSet Current { get; }

    IEnumerable<IScheduled> IScheduledSource.Things => Current.Exports;
}
