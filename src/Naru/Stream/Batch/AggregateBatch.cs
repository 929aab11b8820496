using System.Collections.Immutable;
using System.Globalization;
using Naru.Aggregates;
using Naru.Core;
using Naru.Core.Events;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Stream.Batch;

/// <summary>
/// An aggregate as a batch over the lake: the second execution of a plan, by DuckDB's own GROUP BY over landed files,
/// that shares with the stream only what is written in SQL (project, output) and none of the code between.
/// Memory is DuckDB's limit and one batch of rows; larger groupings spill. One run at a time.
/// </summary>
internal sealed class AggregateBatch
{
    private readonly AggregatePlan _plan;
    private readonly ImmutableArray<BatchSource> _sources;
    private readonly ProjectZone _zone;
    private readonly BatchWindows _windows;
    private readonly BatchOptions _options;

    public AggregateBatch(
        AggregatePlan plan, ImmutableArray<BatchSource> sources, ProjectZone zone, BatchOptions options)
    {
        Invariant.Hold(sources.Length == plan.Sources.Length);
        _plan = plan;
        _sources = sources;
        _zone = zone;
        _windows = new BatchWindows(plan.Window, zone);
        _options = options;
        OutputSchema = new TableSchema(plan.Schema.Columns[..plan.Outputs.Length]);
    }

    /// <summary>The plan's outputs, without what the table adds to them.</summary>
    public TableSchema OutputSchema { get; }

    /// <summary>
    /// Rows of all windows that begin in [from, to), Unix microseconds, in order of windows and keys; batches are the
    /// caller's to dispose. With <paramref name="closedBy"/> only of windows that end by it.
    /// Throws <see cref="OperationCanceledException"/>, and <see cref="DuckDbException"/> where files cannot be read.
    /// </summary>
    public IEnumerable<ColumnBatch> Run(
        long from, long to, long closedBy, CancellationToken cancellationToken)
    {
        using DuckDbDatabase database = Open();
        using DuckDbConnection connection = database.Connect();
        using DuckDbConnection output = database.Connect();
        ExactAggregates.Register(connection);
        foreach (DuckDbConnection each in (ReadOnlySpan<DuckDbConnection>)[connection, output])
        {
            each.Execute($"SET TimeZone = '{_zone.Zone.Id}'");
        }

        using CancellationTokenRegistration interrupt = cancellationToken.Register(connection.Interrupt);
        ImmutableArray<BatchSource> sources = Told(connection, _sources);
        BatchSql statements = new(_plan, sources, _windows);
        BatchFile[] files = [.. sources.SelectMany(static source => source.FieldsFiles)];
        if (files.Length == 0)
        {
            yield break;
        }

        // No window outside holds an event, so no range is too long to ask for.
        long last = files.Max(static file => file.MaxEventTime);
        from = Math.Max(from, files.Min(static file => file.MinEventTime) - MarginBefore());
        to = Math.Min(to, last + 1);
        foreach (BatchPass pass in _windows.Passes(from, to, _options.Pass))
        {
            (long first, long end) = _windows.EventsOf(pass);
            if (!files.Any(file => file.Holds(first, end)))
            {
                continue;
            }

            string sql = _windows.IsSession
                ? statements.Sessions(pass, EndOfSessions(connection, statements, pass, (last, cancellationToken)))
                : statements.Fixed(pass);
            foreach (ColumnBatch batch in Rows(connection, sql, closedBy, cancellationToken))
            {
                using (batch)
                {
                    yield return Output(database, output, batch);
                }
            }
        }
    }

    private DuckDbDatabase Open() => DuckDbDatabase.OpenMemory(
        new("threads", _options.Threads.ToString(CultureInfo.InvariantCulture)),
        new("memory_limit", string.Create(CultureInfo.InvariantCulture, $"{_options.MemoryBytesMax}B")),
        new("temp_directory", _options.SpillDirectory));

    /// <summary>How long before the first event the first window may begin.</summary>
    private long MarginBefore() => _windows.IsSession ? 0
        : _windows.Spec.IsDays ? (_windows.Spec.Size + 2) * ProjectZone.DayMicroseconds
        : _windows.Spec.Size;

    /// <summary>The sources with the bounds of files that do not say them.</summary>
    private static ImmutableArray<BatchSource> Told(DuckDbConnection connection, ImmutableArray<BatchSource> sources) =>
        [.. sources.Select(source => source with
        {
            FieldsFiles = [.. source.FieldsFiles.Select(file => Told(connection, source, file))],
        })];

    private static BatchFile Told(DuckDbConnection connection, BatchSource source, BatchFile file)
    {
        if (file.MinEventTime != ProjectZone.FirstMicroseconds)
        {
            return file;
        }

        int fieldId = source.Fields.Columns[source.Fields.IndexOf("_event_time")].FieldId;
        using DuckDbResult result = connection.Materialize(BatchSql.Bounds(file.Path, fieldId));
        Invariant.Hold(result.TryNext(out DuckDbChunk? chunk));
        return chunk[0].IsNull(0)
            ? file with { MinEventTime = long.MaxValue, MaxEventTime = long.MinValue }
            : file with { MinEventTime = chunk[0].Values<long>()[0], MaxEventTime = chunk[1].Values<long>()[0] };
    }

    /// <summary>
    /// How far events must be read so that every session of the pass is whole: farther each time while one of them
    /// could still go on.
    /// </summary>
    private long EndOfSessions(
        DuckDbConnection connection,
        BatchSql statements,
        BatchPass pass,
        (long LastEvent, CancellationToken Cancellation) limits)
    {
        long gap = _windows.Spec.Size;
        long reach = gap + (_options.Pass.Ticks / TimeSpan.TicksPerMicrosecond);
        while (true)
        {
            limits.Cancellation.ThrowIfCancellationRequested();
            long to = pass.End + reach;
            if (to > limits.LastEvent)
            {
                return limits.LastEvent + 1;
            }

            long? last = Scalar(connection, statements.LastOfSessions(pass, to), limits.Cancellation);
            if (last is null || last + gap < to)
            {
                return to;
            }

            reach *= 2;
        }
    }

    private static long? Scalar(DuckDbConnection connection, string sql, CancellationToken cancellationToken)
    {
        try
        {
            using DuckDbResult result = connection.Materialize(sql);
            Invariant.Hold(result.TryNext(out DuckDbChunk? chunk));
            return chunk[0].IsNull(0) ? null : chunk[0].Values<long>()[0];
        }
        catch (DuckDbException exception) when (exception.Kind == DuckDbErrorKind.Interrupt)
        {
            throw Cancelled(exception, cancellationToken);
        }
    }

    /// <summary>Base rows as the statement gives them.</summary>
    private IEnumerable<ColumnBatch> Rows(
        DuckDbConnection connection, string sql, long closedBy, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using DuckDbResult result = Started(connection, sql, cancellationToken);
        ColumnBatch? batch = null;
        while (Next(result, cancellationToken) is { } chunk)
        {
            batch ??= new ColumnBatch(_plan.BaseSchema);
            Append(chunk, batch, closedBy);
            if (batch.RowCount >= _options.BatchRows)
            {
                yield return batch;
                batch = null;
            }
        }

        if (batch is not null)
        {
            yield return batch;
        }
    }

    private static DuckDbResult Started(DuckDbConnection connection, string sql, CancellationToken cancellationToken)
    {
        try
        {
            return connection.Stream(sql);
        }
        catch (DuckDbException exception) when (exception.Kind == DuckDbErrorKind.Interrupt)
        {
            throw Cancelled(exception, cancellationToken);
        }
    }

    private static DuckDbChunk? Next(DuckDbResult result, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return result.TryNext(out DuckDbChunk? chunk) ? chunk : null;
        }
        catch (DuckDbException exception) when (exception.Kind == DuckDbErrorKind.Interrupt)
        {
            throw Cancelled(exception, cancellationToken);
        }
    }

    private static OperationCanceledException Cancelled(
        DuckDbException exception, CancellationToken cancellationToken) =>
        new("the batch was cancelled", exception, cancellationToken);

    private void Append(DuckDbChunk chunk, ColumnBatch batch, long closedBy)
    {
        ReadOnlySpan<long> starts = chunk[0].Values<long>();
        ReadOnlySpan<long> ends = chunk[1].Values<long>();
        for (int row = 0; row < chunk.RowCount; row++)
        {
            long window = starts[row];
            long end = _windows.IsSession ? ends[row] : _windows.EndOf(window);
            if (end > closedBy)
            {
                continue;
            }

            batch.Columns[0].AppendInt64(_windows.IsSession ? window : _windows.StartOf(window));
            batch.Columns[1].AppendInt64(end);
            for (int i = 2; i < batch.Columns.Length; i++)
            {
                chunk[i].AppendTo(batch.Columns[i], row);
            }

            batch.EndRow();
        }
    }

    private ColumnBatch Output(DuckDbDatabase database, DuckDbConnection connection, ColumnBatch rows)
    {
        int[] all = [.. Enumerable.Range(0, rows.RowCount)];
        using BatchScan scan = database.Scan(rows, all);
        using DuckDbResult result = connection.Stream(OutputSql(scan.Sql));
        ColumnBatch batch = new(OutputSchema);
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                for (int i = 0; i < batch.Columns.Length; i++)
                {
                    chunk[i].AppendTo(batch.Columns[i], row);
                }

                batch.EndRow();
            }
        }

        return batch;
    }

    private string OutputSql(string rows)
    {
        if (!_plan.OutputsAreDirect)
        {
            return _plan.OutputSql(rows);
        }

        ImmutableArray<Column> columns = _plan.BaseSchema.Columns;
        return $"SELECT {string.Join(", ", _plan.Outputs.Select(output => columns[output.Base].Name))} FROM {rows}";
    }
}
