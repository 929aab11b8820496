using System.Collections.Immutable;
using System.Globalization;
using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;

namespace Naru.Models;

/// <summary>The result cannot be a model's rows: says why, and the mend.</summary>
internal sealed class ModelResultException(string message) : FillException(message);

/// <summary>What a model's table is written with.</summary>
internal sealed record ModelTableParts(ITableStore Tables, IFileSystem Files, ParquetOptions Parquet, string Scratch);

/// <summary>Puts a result into a model's table: one file an interval (<see cref="IntervalTables"/>).</summary>
internal sealed class ModelTableWriter(ModelTableParts parts, IntervalCalendar calendar)
{
    private readonly IntervalTables _tables = new(parts.Tables, parts.Files, calendar);
    private int _named;

    /// <inheritdoc cref="IntervalTables.Committed"/>
    public long Committed(ModelDefinition model, Interval interval) => _tables.Committed(model.Table.Name, interval);

    /// <inheritdoc cref="IntervalTables.RowsOf"/>
    public long RowsOf(ModelDefinition model, Interval interval) => _tables.RowsOf(model.Table.Name, interval);

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
        IntervalTable table = _tables.Open(model.Table);
        if (model.GivesPartition)
        {
            CheckPartition(model, attempts, import);
        }

        StagedRows staged = new(table, parts.Files);
        try
        {
            foreach ((Interval Interval, long Attempt) attempt in attempts)
            {
                ImmutableArray<DeltaFile> files = [.. WriteAll(table, model, attempt, import, cancellationToken)];
                staged.Add(new StagedInterval(
                    attempt.Interval, attempt.Attempt, files, [.. files.Select(table.Table.PathOf)]));
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
        staged.Leave(intervals);
        IntervalTables.Commit(
            staged.Table,
            [.. intervals.Select(static each => (each.Interval, each.Attempt))],
            [.. intervals.SelectMany(static each => each.Files)]);
    }

    /// <summary>One file, or one of each hash bucket that has rows; of an interval without rows one that is empty.
    /// </summary>
    private List<DeltaFile> WriteAll(
        IntervalTable table,
        ModelDefinition model,
        (Interval Interval, long Attempt) attempt,
        ParquetImport import,
        CancellationToken cancellationToken)
    {
        if (model.Header.Buckets is not { } buckets)
        {
            return [WriteOne()];
        }

        List<DeltaFile> files = [];
        try
        {
            for (int number = 0; number < buckets.Count; number++)
            {
                import.Bucket = new HashBucket(number, buckets.Count, buckets.Column);
                DeltaFile file = WriteOne() with { Bucket = import.Bucket };
                if (file.Rows > 0 || (files.Count == 0 && number == buckets.Count - 1))
                {
                    files.Add(file);
                }
                else
                {
                    parts.Files.Delete(table.Table.PathOf(file));
                }
            }

            return files;
        }
        catch
        {
            files.ForEach(file => parts.Files.Delete(table.Table.PathOf(file)));
            throw;
        }
        finally
        {
            import.Bucket = null;
        }

        DeltaFile WriteOne() => _tables.Write(table, attempt, path => import.Write(
            table.Inside, model.GivesPartition ? LiteralsOf(attempt.Interval) : [], path, cancellationToken));
    }

    /// <summary>Rows that belong to none of the intervals would get lost: they are an error.</summary>
    private void CheckPartition(
        ModelDefinition model, IReadOnlyList<(Interval Interval, long Attempt)> attempts, ParquetImport import)
    {
        HashSet<string> asked =
        [
            .. attempts.Select(attempt => string.Join(
                '/', _tables.ValuesOf(attempt.Interval).Select(static value => value.Text))),
        ];
        foreach (ImmutableArray<string> found in import.Distinct([.. model.Table.PartitionColumns]))
        {
            if (!asked.Contains(string.Join('/', found)))
            {
                string column = string.Join('/', model.Table.PartitionColumns);
                string range = attempts.Count == 1
                    ? calendar.Name(attempts[0].Interval)
                    : $"{calendar.Name(attempts[0].Interval)} to {calendar.Name(attempts[^1].Interval)}";
                string mend = model.Every == IntervalKind.Day
                    ? "WHERE p_ymd >= $from::DATE AND p_ymd < $to::DATE" : "WHERE p_ymd = $day AND p_hour = $hour";
                throw new ModelResultException(
                    $"the query gives rows of {column} {string.Join('/', found)} for {range}; "
                    + $"keep those from $from to $to: {mend}");
            }
        }
    }

    private KeyValuePair<string, string>[] LiteralsOf(Interval interval) =>
    [
        .. _tables.ValuesOf(interval).Select(static value => new KeyValuePair<string, string>(
            value.Column, value.Column == LogTables.Ymd ? $"DATE '{value.Text}'" : value.Text)),
    ];
}
