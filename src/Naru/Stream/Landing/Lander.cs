using System.Collections.Immutable;
using System.Globalization;
using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;
using Naru.Stream.Aggregate;
using Naru.Stream.Dedup;

namespace Naru.Stream.Landing;

/// <summary>
/// Brings one cut ashore. Order, which is what makes it exactly once:
///   1. write and sync every table file and the deduplication run (nothing names them yet);
///   2. append and sync the landing record: now they are landed, whatever happens;
///   3. commit to each Delta table with one txn a partition; redone from the record after a crash, where a table that
///      holds the txn answers "already done".
/// Commit order within a log: raw, secure, then fields, so that a row exists for readers when its fields do.
/// </summary>
internal sealed class Lander(LandingContext context)
{
    /// <summary>
    /// Steps 1 and 2. Throws <see cref="StorageException"/>; nothing is landed then, or the record tells.
    /// </summary>
    public LandingRecord Write(Cut cut, long number, ImmutableArray<DedupRun> runsBefore)
    {
        AggregatesLanding before = context.Landings.Last?.Aggregates ?? AggregatesLanding.Empty;
        (AggregatesLanding aggregates, ImmutableArray<TableEdit> edits) =
            new AggregateLander(context).Write(cut.Aggregates, before);
        ImmutableArray<TableLanding> tables = WriteTables(cut, edits, number);
        LandingRecord record = new()
        {
            Number = number,
            Topic = context.Topic.Name,
            Incarnation = context.Topic.Incarnation,
            LandedAt = context.NowMicroseconds,
            Partitions = cut.PartitionLandings(),
            Tables = tables,
            DedupRuns = WriteDedupRuns(cut, number, runsBefore),
            Volume = cut.VolumeCounts(),
            Aggregates = aggregates,
        };
        context.Landings.Append(record);
        return record;
    }

    /// <summary>Step 3. Idempotent.</summary>
    public void Commit(LandingRecord record)
    {
        ImmutableSortedDictionary<string, long> txns = Txns(record);
        foreach (IGrouping<TableName, TableLanding> table in record.Tables
            .GroupBy(static landing => landing.Table)
            .OrderBy(static group => CommitRank(group.Key.Group)))
        {
            CommitTable(record, table, txns);
        }
    }

    /// <summary>The txn of an aggregate's table: its version is the landing's number.</summary>
    public static string LandingAppId(string topic, Guid incarnation) =>
        string.Create(CultureInfo.InvariantCulture, $"naru/{topic}/{incarnation:N}/landing");

    public static string AppId(string topic, Guid incarnation, int partition) =>
        string.Create(CultureInfo.InvariantCulture, $"naru/{topic}/{incarnation:N}/{partition}");

    private static int CommitRank(ColumnGroup group) => group == ColumnGroup.Fields ? 1 : 0;

    /// <summary>
    /// Only partitions that advanced: a txn that stands where it stood would look like one already done.
    /// </summary>
    private static ImmutableSortedDictionary<string, long> Txns(LandingRecord record) => record.Partitions
        .Where(static partition => partition.Advanced)
        .ToImmutableSortedDictionary(
            partition => AppId(record.Topic, record.Incarnation, partition.Partition),
            static partition => partition.To - 1);

    private void CommitTable(
        LandingRecord record, IGrouping<TableName, TableLanding> landings, ImmutableSortedDictionary<string, long> txns)
    {
        TableShape shape = context.ShapeOf(
            landings.Key, landings.Select(static landing => (landing.LogId, landing.LogVersion)).Max());
        DeltaTable table = context.Tables.FindOrCreate(landings.Key, shape);
        DeltaCommit commit = new()
        {
            Operation = "WRITE",
            Adds =
            [
                .. landings
                    .SelectMany(static landing => landing.Files)
                    .Select(file => ToDelta(table, shape, file, record.Number)),
            ],
            Removes = [.. landings.SelectMany(static landing => landing.Removes)],
            Txns = landings.Key.Schema == AggregateTables.Schema
                ? ImmutableSortedDictionary<string, long>.Empty.Add(
                    LandingAppId(record.Topic, record.Incarnation), record.Number)
                : txns,
            Schema = shape.Schema,
        };
        CommitResult result = table.Commit(commit);

        // In a log's table a landing only adds, so nothing that another committer does can conflict with it; an
        // aggregate's has no other committer. And only this worker commits for these partitions.
        Invariant.Hold(result.Outcome is CommitOutcome.Committed or CommitOutcome.AlreadyDone);
        Invariant.Hold(result.TxnsBehind.IsDefaultOrEmpty);
    }

    private static DeltaFile ToDelta(DeltaTable table, TableShape shape, LandedFile file, long landing) =>
        table.Describe(
            shape.Schema,
            file.Path,
            [.. file.PartitionValues],
            file.Info,
            new SealedFile(file.Info.Bytes, file.ContentHash)) with
        { Landing = landing };

    private ImmutableArray<TableLanding> WriteTables(Cut cut, ImmutableArray<TableEdit> edits, long number)
    {
        List<PendingFile> pending = [];
        foreach (TableRows rows in cut.Tables.Concat(edits.Select(static edit => edit.Rows).OfType<TableRows>()))
        {
            foreach ((ImmutableArray<string> values, int[] chosen) in rows.ByPartition())
            {
                TableShape shape = context.ShapeOf(rows.Name, rows.Log);
                string folder =
                    string.Join('/', shape.PartitionColumns.Zip(values, static (name, value) => $"{name}={value}"));
                string name = string.Create(
                    CultureInfo.InvariantCulture, $"part-{number:D10}-{pending.Count:D4}{context.Writer.Extension}");
                pending.Add(new PendingFile(rows, chosen, values, folder, name));
            }
        }

        CreateFolders(pending);
        LandedFile[] landed = new LandedFile[pending.Count];
        if (context.WriterThreads == 1)
        {
            for (int i = 0; i < landed.Length; i++)
            {
                landed[i] = WriteFile(pending[i]);
            }
        }
        else
        {
            WriteInParallel(pending, landed);
        }

        foreach (string folder in pending.Select(FolderPath).Distinct())
        {
            context.Files.SyncDirectory(folder);
        }

        ImmutableArray<TableLanding> tables = Gather(pending, landed);
        foreach (TableEdit edit in edits)
        {
            tables = WithRemoves(tables, edit);
            edit.Rows?.Dispose();
        }

        return tables;
    }

    private static ImmutableArray<TableLanding> WithRemoves(ImmutableArray<TableLanding> tables, TableEdit edit)
    {
        if (edit.Removes.IsEmpty)
        {
            return tables;
        }

        TableLanding? adds = tables.FirstOrDefault(landing => landing.Table == edit.Rows!.Name);
        TableLanding whole =
            (adds ?? new TableLanding(edit.Rows!.Name, 0, 0, [])) with { Removes = edit.Removes };
        return adds is null ? tables.Add(whole) : tables.Replace(adds, whole);
    }

    private void WriteInParallel(List<PendingFile> pending, LandedFile[] landed)
    {
        // The largest first, so that no thread is left with a long one at the end.
        int[] order = [.. Enumerable.Range(0, landed.Length).OrderByDescending(i => pending[i].Rows.Length)];
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = context.WriterThreads };
        try
        {
            Parallel.ForEach(order, parallel, i => landed[i] = WriteFile(pending[i]));
        }
        catch (AggregateException exception)
        {
            throw exception.InnerExceptions.OfType<StorageException>().FirstOrDefault()
                ?? exception.InnerExceptions[0];
        }
    }

    private static ImmutableArray<TableLanding> Gather(List<PendingFile> pending, LandedFile[] landed) =>
    [
        .. pending
            .Select((file, i) => (file, landed: landed[i]))
            .GroupBy(static pair => pair.file.Table)
            .Select(static group => new TableLanding(
                group.Key.Name, group.Key.Log.LogId, group.Key.Log.Version,
                    [.. group.Select(static pair => pair.landed)])),
    ];

    private void CreateFolders(List<PendingFile> pending)
    {
        foreach (string folder in pending.Select(FolderPath).Distinct())
        {
            context.Files.CreateDirectory(folder);
        }
    }

    private string FolderPath(PendingFile file) => $"{context.Tables.DirectoryOf(file.Table.Name)}/{file.Folder}";

    private LandedFile WriteFile(PendingFile file)
    {
        string path = $"{FolderPath(file)}/{file.Name}";

        // A leftover of a landing that was never recorded may stand under this name.
        context.Files.Delete(path);
        TableFileInfo info = context.Writer.Write(file.Table.Batch, file.Rows, file.Table.PartitionColumns, path);
        Invariant.Hold(info.Rows == file.Rows.Length);
        SealedFile seal = FileContents.Seal(context.Files, path);
        Invariant.Hold(seal.Bytes == info.Bytes);
        return new LandedFile(
            $"{file.Folder}/{file.Name}", file.PartitionValues, WithoutSecrets(file.Table, info), seal.ContentHash);
    }

    /// <summary>
    /// Smallest and largest values of sensitive columns must not outlive their files in records and logs.
    /// </summary>
    private static TableFileInfo WithoutSecrets(TableRows table, TableFileInfo info) =>
        table.Name.Group != ColumnGroup.Secure
            ? info
            : info with { Columns = [.. info.Columns.Where(static column => column.Name.StartsWith('_'))] };

    /// <summary>
    /// This landing's ids as new runs; beside them what the cut's sealing planned: a merge, and what expired.
    /// </summary>
    private ImmutableArray<DedupRun> WriteDedupRuns(Cut cut, long number, ImmutableArray<DedupRun> before)
    {
        ImmutableArray<DedupRun> kept = before.RemoveRange(cut.ExpiredRuns);
        if (cut.Merge is { } merge && !merge.Inputs.Any(cut.ExpiredRuns.Contains))
        {
            kept = kept.RemoveRange(merge.Inputs).Add(context.Dedup.Merge(merge));
        }

        ImmutableArray<DedupRun>.Builder runs = kept.ToBuilder();
        foreach (DedupRetention retention in Enum.GetValues<DedupRetention>())
        {
            ReadOnlySpan<EventId> ids = cut.LandedIds(retention);
            if (!ids.IsEmpty)
            {
                runs.Add(context.Dedup.Write(ids, retention, cut.LastReceivedMicroseconds, number));
            }
        }

        return runs.ToImmutable();
    }

    private sealed record PendingFile(
        TableRows Table, int[] Rows, ImmutableArray<string> PartitionValues, string Folder, string Name);
}
