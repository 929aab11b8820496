using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Core;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;
using Naru.Stream.Landing;

namespace Naru.Stream;

/// <summary>
/// Brings the rows of other slices' own tables (the history of queries) into the lake, some seconds' worth at a time.
/// The commit's txn is the last row's number, so rows are committed once, and a reader takes from the slice exactly
/// those that its version of the table lacks.
/// </summary>
internal sealed class KeptTables : BackgroundService
{
    private const string AppId = "naru/kept";
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    private readonly ImmutableArray<IKeptTable> _kept;
    private readonly LakeTables _tables;
    private readonly ITableFileWriter _writer;
    private readonly IFileSystem _files;
    private readonly TimeProvider _time;
    private readonly ILogger<KeptTables> _logger;

    /// <summary>A reader's version and rows, or a commit and what is forgotten after it, belong together.</summary>
    private readonly Lock _gate = new();

    public KeptTables(
        IEnumerable<IKeptTable> kept, CatalogStorage storage, TimeProvider time, ILogger<KeptTables> logger)
    {
        _kept = [.. kept];
        _tables = storage.Tables;
        _writer = storage.Writer;
        _files = storage.Files;
        _time = time;
        _logger = logger;
        foreach (IKeptTable table in _kept)
        {
            table.Open(Committed(_tables.Find(NameOf(table))?.Current));
        }
    }

    public ImmutableArray<SystemTableShape> Shapes => [.. _kept.Select(static table => table.Shape)];

    public static TableName NameOf(IKeptTable table) => new(StreamTables.Schema, table.Shape.Name);

    public IKeptTable? Find(TableName name) => _kept.FirstOrDefault(table => NameOf(table) == name);

    /// <summary>A version of the table, held (null before the first commit), and the rows that it lacks.</summary>
    public DeltaLease? Lease(IKeptTable table, ColumnBatch rows)
    {
        lock (_gate)
        {
            DeltaLease? held = _tables.Find(NameOf(table))?.Lease();
            table.Fill(rows, Committed(held?.Version));
            return held;
        }
    }

    /// <summary>Commits what was made since the last time.</summary>
    public void Flush()
    {
        foreach (IKeptTable table in _kept)
        {
            try
            {
                Flush(table);
            }
            catch (StorageException exception)
            {
                // The rows stay where they are; the next round tries again.
                StreamLog.NotKept(_logger, NameOf(table).ToString(), exception.Message);
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        Flush();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Period, _time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            await Task.Run(Flush, stoppingToken).ConfigureAwait(false);
        }
    }

    private static long Committed(DeltaVersion? version) => version?.Txns.GetValueOrDefault(AppId) ?? 0;

    private void Flush(IKeptTable table)
    {
        TableName name = NameOf(table);
        TableShape shape = new(table.Shape.Schema, StreamTables.PartitionColumns);
        using TableRows rows = new(name, (0, 0), new ColumnBatch(shape.Schema), StreamTables.PartitionColumns.Length);
        long committed = Committed(_tables.Find(name)?.Current);
        long last = table.Fill(rows.Batch, committed);
        if (last == committed)
        {
            return;
        }

        rows.Live.AddRange(Enumerable.Range(0, rows.Batch.RowCount));
        DeltaTable delta = _tables.FindOrCreate(name, shape);
        ImmutableArray<DeltaFile> adds =
            [.. rows.ByPartition().Select(part => Write(delta, rows, part.PartitionValues, part.Rows))];
        lock (_gate)
        {
            CommitResult result = delta.Commit(new DeltaCommit
            {
                Operation = "WRITE",
                Adds = adds,
                Txns = ImmutableSortedDictionary<string, long>.Empty.Add(AppId, last),
                Schema = shape.Schema,
            });
            Invariant.Hold(result.Outcome == CommitOutcome.Committed);
            table.Forget(last);
        }
    }

    private DeltaFile Write(DeltaTable table, TableRows rows, ImmutableArray<string> values, int[] chosen)
    {
        string folder = $"{LogTables.Ymd}={values[0]}";
        string random = RandomNumberGenerator.GetHexString(16, lowercase: true);
        string path = string.Create(CultureInfo.InvariantCulture, $"{folder}/part-{random}{_writer.Extension}");
        string whole = $"{_tables.DirectoryOf(rows.Name)}/{path}";
        _files.CreateDirectory(Path.GetDirectoryName(whole)!);
        TableFileInfo info = _writer.Write(rows.Batch, chosen, StreamTables.PartitionColumns.Length, whole);
        SealedFile seal = FileContents.Seal(_files, whole);
        _files.SyncDirectory(Path.GetDirectoryName(whole)!);
        return table.Describe(rows.Batch.Schema, path, [.. values], info, seal);
    }
}
