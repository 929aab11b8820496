using System.Collections.Immutable;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Models;

namespace Naru.Sources;

/// <summary>What a run does when the server's columns are not what they were.</summary>
internal enum SchemaPolicy
{
    /// <summary>The table takes new columns; those that are gone are null from then on.</summary>
    Follow,

    /// <summary>New columns are left out; those that are gone fail the run.</summary>
    Freeze,

    /// <summary>Any change fails the run.</summary>
    Fail,
}

/// <summary>One right file of `sources/`.</summary>
internal sealed record SourceDefinition
{
    public required string Name { get; init; }

    /// <summary>As the file says it.</summary>
    public required string KindName { get; init; }

    public required ISourceKind Kind { get; init; }

    public string Description { get; init; } = "";

    public string Owner { get; init; } = "";

    /// <summary>Sessions at the same time, of each shard.</summary>
    public int Parallel { get; init; } = 2;

    public long ChunkRows { get; init; } = 1_000_000;

    /// <summary>Bytes a second, of the whole source; null for as fast as it goes.</summary>
    public long? Rate { get; init; }

    public SchemaPolicy SchemaChanges { get; init; }

    /// <summary>One or more; a source without shards is one without a name.</summary>
    public required ImmutableArray<SourceShard> Shards { get; init; }

    public ImmutableArray<SnapshotDefinition> Tables { get; init; } = [];

    public bool IsSharded => Shards[0].Name.Length > 0;
}

/// <summary>One place of a source.</summary>
internal sealed record SourceShard(string Name, SourcePlace Place);

/// <summary>What a table of a source says in keys of the source's kind.</summary>
internal abstract record SourceTableOptions
{
    /// <summary>Only what changed since the last run is read, from where that one ended.</summary>
    public virtual bool IsIncremental => false;
}

/// <summary>A table of a source, and the table of the lake that its snapshots fill.</summary>
internal sealed record SnapshotDefinition : IScheduled, IScheduleRules
{
    private const string Prefix = "source/";

    public required string Source { get; init; }

    public required SourceTableName ServerTable { get; init; }

    /// <summary>Null where the source's kind has no keys of its own for tables.</summary>
    public SourceTableOptions? Options { get; init; }

    /// <summary>The table's in schema `mart`.</summary>
    public required string Name { get; init; }

    /// <summary>As the server calls them; empty for all.</summary>
    public ImmutableArray<string> Columns { get; init; } = [];

    public ImmutableArray<string> Except { get; init; } = [];

    /// <summary>Columns that are read as another type than their own, by the server's name.</summary>
    public ImmutableSortedDictionary<string, ColumnType> Types { get; init; } =
        ImmutableSortedDictionary<string, ColumnType>.Empty;

    /// <summary>The column by which only what changed is read; empty to read all each time.</summary>
    public string Cursor { get; init; } = "";

    /// <summary>What is read may be what changed since the snapshot before, which it is put into.</summary>
    public bool IsIncremental => Cursor.Length > 0 || Options?.IsIncremental == true;

    /// <summary>With a cursor: how often all is read anyway, which finds rows that were deleted.</summary>
    public TimeSpan FullEvery { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Whether a table without rows is right.</summary>
    public bool AllowsEmpty { get; init; }

    public required IntervalKind Every { get; init; }

    public CronSchedule? Schedule { get; init; }

    public long? Start { get; init; }

    public int Retries { get; init; } = 3;

    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromMinutes(1);

    public string Description { get; init; } = "";

    /// <summary>The source's: who is told of what fails.</summary>
    public string Owner { get; init; } = "";

    public string Thing => Prefix + Name;

    public IScheduleRules Rules => this;

    public ImmutableArray<ModelInput> Inputs => [];

    public TableName? Fills => new TableName(FilledTable.Schema, Name);

    /// <summary>
    /// The same for ever: what a server held when an interval ended is not to be had later, so no change of the file
    /// makes a snapshot stale.
    /// </summary>
    public string Fingerprint => "snapshot";

    /// <summary>A snapshot is of now, so only the newest interval can be filled with what it should hold.</summary>
    public bool IsWhole => true;

    public bool IsOneAtATime => true;

    public bool StartsWithData => false;

    public TimeSpan? WaitForLate => null;

    public Restatement Restate => Restatement.Manual;
}

/// <summary>All right sources. Immutable.</summary>
internal sealed record SourceSet(ImmutableArray<SourceDefinition> Sources)
{
    public static readonly SourceSet Empty = new([]);

    public IEnumerable<SnapshotDefinition> Snapshots => Sources.SelectMany(static source => source.Tables);

    public SourceDefinition? Find(string name) =>
        Sources.FirstOrDefault(source => string.Equals(source.Name, name, StringComparison.Ordinal));
}

internal interface ISourceSet : IScheduledSource
{
    SourceSet Current { get; }

    IEnumerable<IScheduled> IScheduledSource.Things => Current.Snapshots;
}
