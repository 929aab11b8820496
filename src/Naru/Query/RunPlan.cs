using System.Collections.Immutable;
using Naru.Lake.Catalog;
using Naru.Query.Functions.Scalars;
using Naru.Query.Gate;
using Naru.Query.Pool;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>What a worker is told for one judged statement: its views, and exactly the files behind them.</summary>
internal static class RunPlan
{
    /// <summary>Up to so many landed files are named one by one; beyond, their tables' folders are.</summary>
    private const int ExactFilesMax = 500;

    public static RunRequest Make(
        PoolOptions options,
        RunContext context,
        Judgement judgement,
        ReadableTables readable,
        ImmutableArray<TableSnapshot> tables)
    {
        IEnumerable<SetupStatement> setup =
            TableViews.Sql(tables, readable.Path, context.Request.Principal.RulesOf);
        if (judgement.Virtual.Length > 0)
        {
            setup = setup.Concat(Virtual(context, judgement, readable).Select(static sql => new SetupStatement(sql)));
        }

        setup = setup.Concat(
            Functions.OwnFunctions.Setup(judgement.OwnFunctions).Select(static sql => new SetupStatement(sql)));

        // The tail's folder holds every table's rows, so its files are always named one by one.
        List<string> files = [.. tables.SelectMany(static table => table.TailFiles)];
        SortedSet<string> folders = new(StringComparer.Ordinal);
        TableSnapshot[] own = [.. tables.Where(static table => table.Outside is null)];
        if (own.Sum(static table => table.Files.Length) <= ExactFilesMax)
        {
            files.AddRange(own.SelectMany(static table => table.Files));
        }
        else
        {
            folders.UnionWith(own.SelectMany(Folders));
        }

        return new RunRequest
        {
            Sql = judgement.Sql,
            Dialect = context.Request.Dialect,
            Prefix = context.Text.Prefix,
            Format = context.Request.Format,
            GuardFormulas = !context.Request.Raw,
            RowsMax = context.Request.RowsMax,
            PreciseTimes = context.Request.PreciseTimes,
            SearchPath = readable.Path,
            Files = files,
            Folders = [.. folders],

            // What else stands in their folders is nobody's business, however many they are.
            Outside = [.. tables.Where(static table => table.Outside is not null)
                .SelectMany(static table => table.Files)],
            Setup = [.. setup],
            IpCountries = judgement.OwnFunctions.Contains("ip_country", SqlName.Comparer)
                ? IpCountries.Load(context.IpCountryFile)
                : null,
            Threads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount,
            MemoryBytes = options.MemoryBytes,
            SpillBytesMax = options.SpillBytesMax,
        };
    }

    /// <summary>
    /// Lists of what the caller may read: in Trino's columns and types for its clients, in ours for `/v1/sql`.
    /// </summary>
    private static IEnumerable<string> Virtual(RunContext context, Judgement judgement, ReadableTables readable)
    {
        // SHOW's own statements are written for our lists.
        bool trino = context.Request.Format == ResultFormat.Trino && !judgement.Lists;
        VirtualTable[] trinos =
        [
            .. judgement.Virtual.Where(table => trino || !InformationTables.Has(table)),
        ];
        VirtualSource source = new(readable, context.Queries, context.Request.PreciseTimes);
        IEnumerable<string> statements = trinos.Length > 0 ? VirtualTableSql.Make(trinos, source) : [];
        return trinos.Length < judgement.Virtual.Length
            ? statements.Concat(InformationTables.Sql(readable.All))
            : statements;
    }

    /// <summary>The folders of a table's column group: what stands before the first partition folder.</summary>
    private static IEnumerable<string> Folders(TableSnapshot table) => table.Files.Select(file =>
    {
        int partition = table.PartitionColumns.IsEmpty
            ? -1
            : file.IndexOf($"/{table.PartitionColumns[0]}=", StringComparison.Ordinal);
        return partition < 0 ? Path.GetDirectoryName(file)! : file[..partition];
    });
}
