using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;
using Naru.Stream.Aggregate;
using Naru.Stream.Dedup;

namespace Naru.Stream.Landing;

/// <summary>Columns of a table as of one definition version, and by which of them it is partitioned.</summary>
internal sealed record TableShape(TableSchema Schema, ImmutableArray<string> PartitionColumns);

/// <summary>What a landing works with.</summary>
internal sealed class LandingContext : IDisposable
{
    public required IFileSystem Files { get; init; }

    public required ITopicLog Topic { get; init; }

    public required LandingLog Landings { get; init; }

    public required string LandingsDirectory { get; init; }

    public required string TailDirectory { get; init; }

    public required LakeTables Tables { get; init; }

    public required ITableFileWriter Writer { get; init; }

    public required ITableFileReader Reader { get; init; }

    /// <summary>Where partial results of aggregates are kept.</summary>
    public required string StateDirectory { get; init; }

    public StateFolder State => new(Files, StateDirectory);

    public required IAggregateSource Aggregates { get; init; }

    /// <summary>Rows that may wait until the aggregates take them in, and for how long.</summary>
    public int AggregateRowsMax { get; init; } = 32 << 10;

    public TimeSpan AggregateInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>With so many files of partial results a landing writes the whole and begins anew.</summary>
    public int StateFilesMax { get; init; } = 64;

    public required DedupIndex Dedup { get; init; }

    public required IDefinitionSource Definitions { get; init; }

    public required StreamCounters Counters { get; init; }

    public required TimeProvider Clock { get; init; }

    /// <summary>Files written at once; 1 in the simulator, where order must be the seed's.</summary>
    public required int WriterThreads { get; init; }

    public long NowMicroseconds => Clock.GetUtcNow().ToUnixTimeMilliseconds() * 1000;

    public void Dispose()
    {
        Landings.Dispose();
        Dedup.Dispose();
    }

    /// <summary>
    /// Shape by log number, not by name: a log whose file was taken away still has its landings redone.
    /// </summary>
    public TableShape ShapeOf(TableName name, (int LogId, int Version) log)
    {
        foreach ((TableName own, TableSchema schema, _) in StreamTables.All)
        {
            if (own == name)
            {
                return new TableShape(schema, StreamTables.PartitionColumns);
            }
        }

        if (name.Schema == AggregateTables.Schema)
        {
            // Made when its first rows were written, before the landing that names them.
            DeltaTable? made = Tables.Find(name);
            Invariant.Hold(made is not null);
            return new TableShape(made.Current.Schema, AggregateTables.PartitionColumns);
        }

        LogDefinition version = Definitions.Current.Version(log.LogId, log.Version);
        TableSchema columns = name.Group switch
        {
            ColumnGroup.Raw => LogTables.Raw(version),
            ColumnGroup.Secure => LogTables.Secure(version),
            _ => LogTables.Fields(version),
        };
        return new TableShape(columns, LogTables.PartitionColumns(version));
    }
}
