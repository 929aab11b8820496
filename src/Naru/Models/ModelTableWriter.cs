using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;

namespace Naru.Models;

/// <summary>The result cannot be a model's rows: says why, and the mend.</summary>
internal sealed class ModelResultException(string message) : FillException(message);

/// <summary>What a model's table is written with.</summary>
internal sealed record ModelTableParts(ITableStore Tables, IFileSystem Files, ParquetOptions Parquet, string Scratch);

/// <summary>
/// Puts a result into a model's table: one file an interval, in one commit that takes out what the intervals had
/// before. Its txn per interval is the attempt's number, so of two attempts at one interval the later stands, and an
/// attempt whose process died is known to have been committed or not.
/// </summary>
internal sealed class ModelTableWriter(ModelTableParts parts, IntervalCalendar calendar)
{
    private const string AppId = "naru/interval/";

    private int _named;

    /// <summary>The last attempt at the interval that was committed; 0 for none.</summary>
    public long Committed(ModelDefinition model, Interval interval) =>
        parts.Tables.Find(model.Table.Name)?.Refresh().Txns.GetValueOrDefault(AppOf(interval)) ?? 0;

    /// <summary>Rows of an interval that readers see.</summary>
    public long RowsOf(ModelDefinition model, Interval interval) =>
        parts.Tables.Find(model.Table.Name)?.Current is { } version
            ? FilesOf(version, interval).Sum(static file => Math.Max(file.Rows, 0)) : 0;

    /// <summary>Where a result is to be written before it is put in.</summary>
    public ResultFile Begin()
    {
        parts.Files.CreateDirectory(parts.Scratch);
        return new ResultFile(string.Create(
            CultureInfo.InvariantCulture, $"{parts.Scratch}/{Interlocked.Increment(ref _named)}.parquet"));
    }

    /// <summary>
    /// Writes the result's rows into files of the table that no reader knows yet, one an interval. Throws
    /// <see cref="ModelResultException"/>, <see cref="StorageException"/>.
    /// </summary>
    /// <param name="model">Whose table.</param>
    /// <param name="attempts">The intervals with the number of this attempt at each; adjoining, ascending.</param>
    /// <param name="result">A Parquet file.</param>
    /// <param name="cancellationToken">Any time.</param>
    public StagedRows Stage(
        ModelDefinition model,
        IReadOnlyList<(Interval Interval, long Attempt)> attempts,
        string result,
        CancellationToken cancellationToken)
    {
        Invariant.Hold(attempts.Count == 1 || model.GivesPartition);
        using ParquetImport import = new(result, calendar.Zone.Zone.Id, parts.Parquet, parts.Scratch);
        DeltaTable table = parts.Tables.FindOrCreate(model.Table);
        TableSchema schema = SchemaFor(table.Current, model.Table.Columns);
        if (model.GivesPartition)
        {
            CheckPartition(model, attempts, import);
        }

        StagedRows staged = new(table, schema, parts.Files);
        try
        {
            foreach ((Interval Interval, long Attempt) attempt in attempts)
            {
                DeltaFile file = Write((table, schema), model, attempt, import, cancellationToken);
                staged.Add(new StagedInterval(
                    attempt.Interval, attempt.Attempt, file, $"{table.Directory}/{file.Path}"));
            }

            return staged;
        }
        catch
        {
            staged.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Replaces the intervals' rows with the staged ones, in one commit. Throws <see cref="ModelResultException"/>,
    /// <see cref="StorageException"/>.
    /// </summary>
    /// <param name="staged">What was staged.</param>
    /// <param name="intervals">Those of it that are good.</param>
    public static void Commit(StagedRows staged, IReadOnlyList<StagedInterval> intervals)
    {
        ImmutableSortedDictionary<string, long> txns = intervals.ToImmutableSortedDictionary(
            static each => AppOf(each.Interval), static each => each.Attempt);
        DeltaTable table = staged.Table;
        staged.Leave(intervals);
        while (true)
        {
            // Another process may have committed an attempt since: all of what stands is to be replaced.
            DeltaVersion current = table.Refresh();
            CommitResult committed = table.Commit(new DeltaCommit
            {
                Operation = "WRITE",
                OperationParameters = ImmutableSortedDictionary<string, string>.Empty.Add("mode", "\"Overwrite\""),
                Adds = [.. intervals.Select(static each => each.File)],
                Removes =
                [
                    .. intervals.SelectMany(each => FilesOf(current, each.Interval)).Select(static file => file.Path),
                ],
                Txns = txns,
                Expects = txns.ToImmutableSortedDictionary(
                    static txn => txn.Key, txn => current.Txns.GetValueOrDefault(txn.Key)),
                Schema = staged.Schema,
            });
            switch (committed.Outcome)
            {
                case CommitOutcome.Committed:
                    return;
                case CommitOutcome.AlreadyDone:
                    throw new ModelResultException("another attempt at the interval was committed meanwhile");
                case CommitOutcome.Conflict when ReferenceEquals(current, table.Refresh()):
                    throw new ModelResultException(
                        $"the table cannot take the rows: {committed.Reason}; give the column another name, or remove "
                        + $"the table to make it anew");
            }
        }
    }

    private DeltaFile Write(
        (DeltaTable Table, TableSchema Schema) target,
        ModelDefinition model,
        (Interval Interval, long Attempt) attempt,
        ParquetImport import,
        CancellationToken cancellationToken)
    {
        ImmutableArray<string?> values = [.. ValuesOf(model, attempt.Interval).Select(static value => value.Text)];
        int partitions = values.Length;
        DeltaTable table = target.Table;
        TableSchema inside = new(target.Schema.Columns[..^partitions]);
        string folder = DeltaPaths.PartitionFolder(model.Table.PartitionColumns, values);
        string random = RandomNumberGenerator.GetHexString(8, lowercase: true);
        string path = string.Create(
            CultureInfo.InvariantCulture, $"{folder}/{NameOf(attempt.Interval)}{attempt.Attempt}-{random}.parquet");
        string whole = $"{table.Directory}/{path}";
        parts.Files.CreateDirectory(whole[..whole.LastIndexOf('/')]);
        TableFileInfo info = import.Write(
            inside, model.GivesPartition ? LiteralsOf(model, attempt.Interval) : [], whole, cancellationToken);
        SealedFile seal = FileContents.Seal(parts.Files, whole);
        parts.Files.SyncDirectory(whole[..whole.LastIndexOf('/')]);
        return table.Describe(inside, path, values, info, seal) with
        {
            MinEventTime = attempt.Interval.First,
            MaxEventTime = attempt.Interval.End - 1,
        };
    }

    /// <summary>Rows that belong to none of the intervals would get lost: they are an error.</summary>
    private void CheckPartition(
        ModelDefinition model, IReadOnlyList<(Interval Interval, long Attempt)> attempts, ParquetImport import)
    {
        HashSet<string> asked =
        [
            .. attempts.Select(attempt => string.Join(
                '/', ValuesOf(model, attempt.Interval).Select(static value => value.Text))),
        ];
        foreach (ImmutableArray<string> found in import.Distinct([.. model.Table.PartitionColumns]))
        {
            if (!asked.Contains(string.Join('/', found)))
            {
                string column = string.Join('/', model.Table.PartitionColumns);
                throw new ModelResultException(
                    $"rows have {column} {string.Join('/', found)}, which is not in the interval; "
                    + $"keep only rows from $from to $to");
            }
        }
    }

    /// <summary>The table's field ids where it has the column, new ones behind them.</summary>
    private static TableSchema SchemaFor(DeltaVersion table, TableSchema wanted)
    {
        int next = table.Schema.Columns.Max(static column => column.FieldId);
        next = Math.Max(next, LogTables.FirstFieldId - 1);
        return new TableSchema(
        [
            .. wanted.Columns.Select(column =>
            {
                int at = table.Schema.IndexOf(column.Name);
                return column with { FieldId = at >= 0 ? table.Schema.Columns[at].FieldId : ++next };
            }),
        ]);
    }

    private static IEnumerable<DeltaFile> FilesOf(DeltaVersion version, Interval interval)
    {
        string name = NameOf(interval);
        return version.Files.Where(file =>
            string.CompareOrdinal(file.Path, file.Path.LastIndexOf('/') + 1, name, 0, name.Length) == 0);
    }

    private ImmutableArray<(string Column, string Text)> ValuesOf(ModelDefinition model, Interval interval)
    {
        int day = calendar.Zone.DayAt(interval.First, out int hour);
        return model.Every == IntervalKind.Day
            ? [(LogTables.Ymd, ModelText.Date(day))]
            :
            [
                (LogTables.Ymd, ModelText.Date(day)),
                (LogTables.Hour, hour.ToString(CultureInfo.InvariantCulture)),
            ];
    }

    private KeyValuePair<string, string>[] LiteralsOf(ModelDefinition model, Interval interval) =>
    [
        .. ValuesOf(model, interval).Select(static value => new KeyValuePair<string, string>(
            value.Column, value.Column == LogTables.Ymd ? $"DATE '{value.Text}'" : value.Text)),
    ];

    /// <summary>How the files of an interval begin; hours that an autumn day repeats lie in one folder.</summary>
    private static string NameOf(Interval interval) => string.Create(
        CultureInfo.InvariantCulture, $"interval-{interval.First}-");

    private static string AppOf(Interval interval) => string.Create(
        CultureInfo.InvariantCulture, $"{AppId}{interval.First}");
}
