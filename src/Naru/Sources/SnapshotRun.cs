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

        CursorStep? step = snapshot.Cursor.Length == 0 ? null
            : await new CursorPlan(source, snapshot, parts)
                .MakeAsync(shards, shape, attempt.Interval, cancellationToken).ConfigureAwait(false);
        bool isOver = false;
        try
        {
            if (step is { Base: { } before })
            {
                await ReadChangesAsync(shards, shape, (table, step, before), cancellationToken).ConfigureAwait(false);
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
            await book.KeepAsync(shape, attempt.Interval, step, CancellationToken.None).ConfigureAwait(false);
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

    /// <summary>
    /// Reads what is new at the cursor beside the table, and puts it in the place of the same rows of the snapshot
    /// before.
    /// </summary>
    private async Task ReadChangesAsync(
        ImmutableArray<ISourceSnapshot> shards,
        ShapeVerdict shape,
        (IntervalTable Table, CursorStep Step, ImmutableArray<string> Base) on,
        CancellationToken cancellationToken)
    {
        using ScratchFiles scratch = new(parts.Files, parts.Scratch);
        SnapshotTarget target = new(
            on.Table.Inside,
            (batch, rows) => scratch.Write(path => parts.Writer.Write(batch, rows, 0, path)),
            static _ => { },
            new RateLimit(source.Rate, parts.Time));
        ConcurrentBag<DeltaFile> changed = [];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, shards.Length),
            new ParallelOptions { MaxDegreeOfParallelism = PartsAtOnceMax, CancellationToken = cancellationToken },
            async (i, stop) => await ReadAsync(
                shards[i],
                new SourceRead
                {
                    Table = shape.Tables[i],
                    Columns = shape.Choice.Columns,
                    Chunk = new SourceChunk($"changes since {on.Step.From[source.Shards[i].Name]}", ""),
                    From = new SourceFrom(on.Step.Column, on.Step.From[source.Shards[i].Name]),
                },
                (target, source.Shards[i].Name, changed),
                stop).ConfigureAwait(false)).ConfigureAwait(false);
        _written.Add(await Task.Run(
            () => parts.Tables.Write(on.Table, attempt, path => parts.Merger.Merge(
                (on.Base, [.. changed.Select(static file => file.Path)]),
                on.Table.Inside,
                on.Step.Key,
                path,
                cancellationToken)),
            cancellationToken).ConfigureAwait(false));
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
