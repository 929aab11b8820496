using System.Collections.Concurrent;
using System.Collections.Immutable;
using Naru.Core;
using Naru.Core.Schedules;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Models;

namespace Naru.Sources;

/// <summary>
/// One attempt at one interval of one table: looks what the table is like, reads it in parts, several at the same time,
/// and puts all of it in the place of what the interval had, or nothing.
/// </summary>
internal sealed class SnapshotRun(
    SourceDefinition source,
    SnapshotDefinition snapshot,
    (Interval Interval, long Attempt) attempt,
    SnapshotParts parts)
{
    private const int Tries = 3;
    private const int PartsAtOnceMax = 16;

    private readonly ConcurrentBag<DeltaFile> _written = [];
    private readonly ConcurrentDictionary<(string Column, string What), long> _told = new();

    /// <summary>Gives the rows that the interval has now.</summary>
    /// <param name="shards">A point in time of each of the source's databases.</param>
    /// <param name="cancellationToken">Before the commit.</param>
    public async Task<long> RunAsync(ImmutableArray<ISourceSnapshot> shards, CancellationToken cancellationToken)
    {
        ShapeBook book = new(source, snapshot, parts);
        ShapeVerdict shape = await book.LookAsync(shards, cancellationToken).ConfigureAwait(false);
        IntervalTable table = parts.Tables.Open(shape.Choice.Filled(snapshot, source.IsSharded));
        if (table.Table.Refuses(table.Schema) is { } refusal)
        {
            throw new SourceException(
                $"mart.{snapshot.Name} cannot follow {snapshot.ServerTable}: {refusal}; give the table another `name` "
                + "in the source's file, and it is made anew");
        }

        CursorStep? step = !snapshot.IsIncremental ? null
            : await new CursorPlan(source, snapshot, parts)
                .MakeAsync(shards, shape, attempt.Interval, cancellationToken).ConfigureAwait(false);
        bool isOver = false;
        try
        {
            if (step is { Base: not null })
            {
                await ReadMergedAsync(shards, shape, (table, step.Key, step), cancellationToken)
                    .ConfigureAwait(false);
            }
            else if (source.Kind.RepeatsRows && CursorPlan.KeyOf(source, shape) is { } key)
            {
                await ReadMergedAsync(shards, shape, (table, key, null), cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await ReadAllAsync(shards, shape, Into(table), cancellationToken).ConfigureAwait(false);
            }

            long rows = _written.Sum(static file => file.Rows);
            if (rows == 0 && !snapshot.AllowsEmpty)
            {
                throw new SourceException(
                    $"{snapshot.ServerTable} has no rows; where that is right, write `empty: allow`");
            }

            cancellationToken.ThrowIfCancellationRequested();

            // From here on the files may be the table's, whatever comes of the commit.
            isOver = true;
            IntervalTables.Commit(table, [attempt], [.. _written]);
            await book.KeepAsync(shape, attempt.Interval, Reached(shards, shape, step), CancellationToken.None)
                .ConfigureAwait(false);
            return rows;
        }
        finally
        {
            if (!isOver)
            {
                parts.Tables.Discard(table, _written);
            }
        }
    }

    private SnapshotTarget Into(IntervalTable table) => new(
        table.Inside,
        (batch, rows) => parts.Tables.Write(table, attempt, path => parts.Writer.Write(batch, rows, 0, path)),
        files => parts.Tables.Discard(table, files),
        new RateLimit(source.Rate, parts.Time));

    /// <summary>Where the next run is to go on, for a kind that knows it now only.</summary>
    private CursorStep? Reached(ImmutableArray<ISourceSnapshot> shards, ShapeVerdict shape, CursorStep? step)
    {
        for (int i = 0; step is not null && i < shards.Length; i++)
        {
            if (shards[i].Reached(shape.Tables[i]) is { } reached)
            {
                step = step with { Greatest = step.Greatest.SetItem(source.Shards[i].Name, reached.Value) };
            }
        }

        return step;
    }

    /// <summary>
    /// Reads beside the table, all or what is new since a step, and puts it in the place of the same rows of the
    /// snapshot before; of rows that are the same by their key, the last one counts where the kind repeats some.
    /// </summary>
    private async Task ReadMergedAsync(
        ImmutableArray<ISourceSnapshot> shards,
        ShapeVerdict shape,
        (IntervalTable Table, ImmutableArray<string> Key, CursorStep? Step) on,
        CancellationToken cancellationToken)
    {
        using ScratchFiles scratch = new(parts.Files, parts.Scratch);
        SnapshotTarget target = new(
            on.Table.Inside,
            (batch, rows) => scratch.Write(path => parts.Writer.Write(batch, rows, 0, path)),
            static _ => { },
            new RateLimit(source.Rate, parts.Time));
        ConcurrentBag<DeltaFile> read = [];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, shards.Length),
            new ParallelOptions { MaxDegreeOfParallelism = PartsAtOnceMax, CancellationToken = cancellationToken },
            async (i, stop) => await ReadAsync(
                shards[i], Since(shape, i, on.Step), (target, source.Shards[i].Name, read), stop)
                .ConfigureAwait(false)).ConfigureAwait(false);
        bool[] voids = [.. shards.Select((shard, i) => shard.Reached(shape.Tables[i])?.VoidsBefore == true)];
        if (voids.Contains(true) && voids.Contains(false))
        {
            throw new SourceException(
                $"{snapshot.ServerTable} began anew in some of its shards, and not in others; take its state out of "
                + "the source's file, and all is read each time");
        }

        if (read.IsEmpty && (on.Step is null || voids.Contains(true)))
        {
            return;
        }

        string[] files = [.. read.Select(static file => file.Path).Order(StringComparer.Ordinal)];
        IReadOnlyList<string> before = voids.Contains(true) ? [] : on.Step?.Base ?? [];
        _written.Add(await Task.Run(
            () => parts.Tables.Write(on.Table, attempt, path => parts.Merger.Merge(
                (before, files, source.Kind.RepeatsRows), on.Table.Inside, on.Key, path, cancellationToken)),
            cancellationToken).ConfigureAwait(false));
    }

    private SourceRead Since(ShapeVerdict shape, int shard, CursorStep? step)
    {
        SourceRead all = new() { Table = shape.Tables[shard], Columns = shape.Choice.Columns };
        return step is null ? all : all with
        {
            Chunk = new SourceChunk($"changes since {step.From[source.Shards[shard].Name]}", ""),
            From = new SourceFrom(step.Column, step.From[source.Shards[shard].Name]),
        };
    }

    private async Task ReadAllAsync(
        ImmutableArray<ISourceSnapshot> shards,
        ShapeVerdict shape,
        SnapshotTarget target,
        CancellationToken cancellationToken)
    {
        List<(int Shard, SourceChunk Chunk)> chunks = [];
        for (int i = 0; i < shards.Length; i++)
        {
            chunks.AddRange((await shards[i].SplitAsync(shape.Tables[i], source.ChunkRows, cancellationToken)
                .ConfigureAwait(false)).Select(chunk => (i, chunk)));
        }

        ParallelOptions options = new()
        {
            MaxDegreeOfParallelism = Math.Min(source.Parallel * shards.Length, PartsAtOnceMax),
            CancellationToken = cancellationToken,
        };
        await Parallel.ForEachAsync(chunks, options, async (chunk, stop) => await ReadAsync(
            shards[chunk.Shard],
            new SourceRead
            {
                Table = shape.Tables[chunk.Shard],
                Columns = shape.Choice.Columns,
                Chunk = chunk.Chunk,
            },
            (target, source.Shards[chunk.Shard].Name, _written),
            stop).ConfigureAwait(false)).ConfigureAwait(false);
        foreach (((string column, string what), long values) in _told)
        {
            SourcesLog.Replaced(
                parts.Logger, source.Name, snapshot.ServerTable.ToString(), column, values, what);
        }
    }

    /// <summary>Reads a part, again where what went wrong may pass: the point in time is the same.</summary>
    private async Task ReadAsync(
        ISourceSnapshot shard,
        SourceRead read,
        (SnapshotTarget Target, string Shard, ConcurrentBag<DeltaFile> Files) to,
        CancellationToken cancellationToken)
    {
        for (int tries = 1; ; tries++)
        {
            SnapshotSink sink = new(to.Target, to.Shard);
            try
            {
                await shard.ReadAsync(read, sink, cancellationToken).ConfigureAwait(false);
                foreach (DeltaFile file in sink.Files)
                {
                    to.Files.Add(file);
                }

                foreach ((SourceColumn column, string what, long values) in sink.Told)
                {
                    _told.AddOrUpdate((column.Name, what), values, (_, sum) => sum + values);
                }

                return;
            }
            catch (Exception exception) when (exception is not InvariantException)
            {
                await sink.AbandonAsync().ConfigureAwait(false);
                to.Target.Discard(sink.Files);
                if (exception is not SourceException { Passes: true } || tries >= Tries)
                {
                    throw;
                }

                SourcesLog.ReadAgain(
                    parts.Logger,
                    source.Name,
                    snapshot.ServerTable.ToString(),
                    read.Chunk.Label,
                    parts.Connector.Scrub(source, exception.Message));
            }

            await Task.Delay(TimeSpan.FromSeconds(tries), parts.Time, cancellationToken).ConfigureAwait(false);
        }
    }
}
