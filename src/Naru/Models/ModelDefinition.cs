using System.Collections.Immutable;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Models.Checks;

namespace Naru.Models;

/// <summary>A table that a model reads, and how far back from its interval's start.</summary>
internal sealed record ModelInput(TableName Table, TimeSpan Back)
{
    /// <summary>All of it is read, whatever the interval; it is complete when it is for the interval.</summary>
    public bool IsAll { get; init; }
}

/// <summary>One right file of `models/`.</summary>
internal sealed record ModelDefinition : IScheduled
{
    /// <summary>The file's, and the table's in schema `mart`.</summary>
    public required string Name { get; init; }

    public required ModelHeader Header { get; init; }

    public required ModelText Text { get; init; }

    /// <summary>By name. Tables that it reads and those that its header adds.</summary>
    public required ImmutableArray<ModelInput> Inputs { get; init; }

    /// <summary>The table that it fills, with its partition columns.</summary>
    public required FilledTable Table { get; init; }

    /// <summary>What its rows are judged by before they are committed.</summary>
    public ImmutableArray<ModelCheck> Checks { get; init; } = [];

    /// <summary>Changes when they do.</summary>
    public string ChecksPrint => string.Join("; ", Checks.Select(static check => $"{check.Severity} {check.Text}"));

    /// <summary>Whether the statement itself gives the partition columns, so that one run can fill many intervals.
    /// </summary>
    public required bool GivesPartition { get; init; }

    /// <summary>Changes when the rows may: of the statement, the interval and the columns.</summary>
    public required string Fingerprint { get; init; }

    public IntervalKind Every => Header.Every;

    public string Owner => Header.Owner;

    public string Description => Header.Description;

    public string Thing => ModelThing.Of(Name);

    IScheduleRules IScheduled.Rules => Header;

    TableName? IScheduled.Fills => Table.Name;
}

/// <summary>All right models, each after those that it reads. Immutable.</summary>
internal sealed record ModelSet(ImmutableArray<ModelDefinition> Models)
{
    public static readonly ModelSet Empty = new([]);

    public ModelDefinition? Find(string name) =>
        Models.FirstOrDefault(model => string.Equals(model.Name, name, StringComparison.Ordinal));

}

internal interface IModelSource : IScheduledSource
{
    ModelSet Current { get; }

    IEnumerable<IScheduled> IScheduledSource.Things => Current.Models;
}
