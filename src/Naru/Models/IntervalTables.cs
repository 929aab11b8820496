using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;

namespace Naru.Models;

/// <summary>A table that is filled by intervals, as it is now, and the columns that its next files have.</summary>
/// <param name="Table">The table of the lake.</param>
/// <param name="Schema">With the table's field ids; partition columns last.</param>
/// <param name="Filled">What it is called and partitioned by.</param>
internal sealed record IntervalTable(DeltaTable Table, TableSchema Schema, FilledTable Filled)
{
    /// <summary>What stands in files: all but the partition columns, which stand in their paths.</summary>
    public TableSchema Inside { get; } = new(Schema.Columns[..^Filled.PartitionColumns.Length]);
}

/// <summary>
/// Puts files into tables that are filled by intervals, in one commit that takes out what the intervals had before. Its
/// txn per interval is the attempt's number, so of two attempts at one interval the later stands, and an attempt whose
/// process died is known to have been committed or not.
/// </summary>
internal sealed class IntervalTables(ITableStore tables, IFileSystem files, IntervalCalendar calendar)
{
    private const string AppId = "naru/interval/";

    /// <summary>The last attempt at the interval that was committed; 0 for none.</summary>
    public long Committed(TableName name, Interval interval) =>
        tables.Find(name)?.Refresh().Txns.GetValueOrDefault(AppOf(interval)) ?? 0;

    /// <summary>Rows of an interval that readers see.</summary>
    public long RowsOf(TableName name, Interval interval) =>
        tables.Find(name)?.Current is { } version
            ? FilesOf(version, interval).Sum(static file => Math.Max(file.Rows, 0)) : 0;

    /// <summary>The table's columns; null while nothing was written to it.</summary>
    public TableSchema? SchemaOf(TableName name) => tables.Find(name)?.Current.Schema;

    /// <summary>Where the files of an interval lie, by its first instant.</summary>
    public ImmutableArray<string> PathsOf(TableName name, IntervalKind kind, long first) =>
        tables.Find(name) is { } table
            ? [.. FilesOf(table.Current, new Interval(kind, first, first + 1)).Select(table.PathOf)] : [];

    /// <summary>The table, made if need be.</summary>
    public IntervalTable Open(FilledTable filled)
    {
        DeltaTable table = tables.FindOrCreate(filled);
        DeltaVersion current = table.Current;
        bool isUntouched = current.Version == 0 && current.FilesByPath.IsEmpty;
        if (isUntouched && table.Refuses(SchemaFor(current, filled.Columns)) is not null
            && tables.Delete(filled.Name))
        {
            // The first attempt failed, and its mend makes the table another one: nothing is lost with it.
            table = tables.FindOrCreate(filled);
        }

        return new IntervalTable(table, SchemaFor(table.Current, filled.Columns), filled);
    }

    /// <summary>
    /// Writes one file of an attempt; not in the table before <see cref="Commit"/>. Safe for all threads.
    /// </summary>
    /// <param name="target">The table.</param>
    /// <param name="attempt">The interval with the number of this attempt.</param>
    /// <param name="write">Writes the columns of <see cref="IntervalTable.Inside"/> to a path.</param>
    public DeltaFile Write(
        IntervalTable target, (Interval Interval, long Attempt) attempt, Func<string, TableFileInfo> write)
    {
        ImmutableArray<string?> values =
            [.. ValuesOf(attempt.Interval).Select(static value => value.Text)];
        string folder = DeltaPaths.PartitionFolder(target.Filled.PartitionColumns, values);
        string random = RandomNumberGenerator.GetHexString(8, lowercase: true);
        string path = string.Create(
            CultureInfo.InvariantCulture, $"{folder}/{NameOf(attempt.Interval)}{attempt.Attempt}-{random}.parquet");
        string whole = $"{target.Table.Directory}/{path}";
        files.CreateDirectory(whole[..whole.LastIndexOf('/')]);
        TableFileInfo info = write(whole);
        SealedFile seal = FileContents.Seal(files, whole);
        files.SyncDirectory(whole[..whole.LastIndexOf('/')]);
        return target.Table.Describe(target.Inside, path, values, info, seal) with
        {
            MinEventTime = attempt.Interval.First,
            MaxEventTime = attempt.Interval.End - 1,
        };
    }

    /// <summary>Removes files that were written for an attempt which is given up.</summary>
    public void Discard(IntervalTable target, IEnumerable<DeltaFile> written)
    {
        foreach (DeltaFile file in written)
        {
            files.Delete(target.Table.PathOf(file));
        }
    }

    /// <summary>Replaces what the intervals had by these files.</summary>
    /// <exception cref="ModelResultException">The table cannot take them.</exception>
    public static void Commit(
        IntervalTable target,
        IReadOnlyList<(Interval Interval, long Attempt)> attempts,
        ImmutableArray<DeltaFile> adds)
    {
        ImmutableSortedDictionary<string, long> txns = ImmutableSortedDictionary<string, long>.Empty;
        foreach ((Interval interval, long attempt) in attempts)
        {
            txns = txns.Add(AppOf(interval), attempt);
        }

        while (true)
        {
            // Another process may have committed an attempt since: all of what stands is to be replaced.
            DeltaVersion current = target.Table.Refresh();
            CommitResult committed = target.Table.Commit(new DeltaCommit
            {
                Operation = "WRITE",
                OperationParameters = ImmutableSortedDictionary<string, string>.Empty.Add("mode", "\"Overwrite\""),
                Adds = adds,
                Removes =
                [
                    .. attempts.SelectMany(attempt => FilesOf(current, attempt.Interval))
                        .Select(static file => file.Path),
                ],
                Txns = txns,
                Expects = txns.ToImmutableSortedDictionary(
                    static txn => txn.Key, txn => current.Txns.GetValueOrDefault(txn.Key)),
                Schema = target.Schema,
            });
            switch (committed.Outcome)
            {
                case CommitOutcome.Committed:
                    return;
                case CommitOutcome.AlreadyDone:
                    throw new ModelResultException("another attempt at the interval was committed meanwhile");
                case CommitOutcome.Conflict when ReferenceEquals(current, target.Table.Refresh()):
                    throw new ModelResultException(
                        $"the table cannot take the rows: {committed.Reason}; cast it to what the table has, or give "
                        + "it another name");
            }
        }
    }

    /// <summary>The partition columns' values of an interval, as texts.</summary>
    public ImmutableArray<(string Column, string Text)> ValuesOf(Interval interval)
    {
        int day = calendar.Zone.DayAt(interval.First, out int hour);
        return interval.Kind == IntervalKind.Day
            ? [(LogTables.Ymd, ModelText.Date(day))]
            :
            [
                (LogTables.Ymd, ModelText.Date(day)),
                (LogTables.Hour, hour.ToString(CultureInfo.InvariantCulture)),
            ];
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

    /// <summary>How the files of an interval begin; hours that an autumn day repeats lie in one folder.</summary>
    private static string NameOf(Interval interval) => string.Create(
        CultureInfo.InvariantCulture, $"interval-{interval.First}-");

    private static string AppOf(Interval interval) => string.Create(
        CultureInfo.InvariantCulture, $"{AppId}{interval.First}");
}
