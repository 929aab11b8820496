using System.Collections.Immutable;
using Naru.Core.Schedules;

namespace Naru.Sources;

/// <summary>What a run found of its table.</summary>
/// <param name="Tables">By shard.</param>
/// <param name="Choice">What is read.</param>
/// <param name="Before">What the last run saw, and its revision.</param>
/// <param name="Changes">Since then.</param>
internal sealed record ShapeVerdict(
    ImmutableArray<SourceTable> Tables,
    ColumnChoice Choice,
    (SeenTable? Table, long Revision) Before,
    ImmutableArray<SchemaChange> Changes);

/// <summary>
/// Holds a table against what the last run saw of it: what changed is kept and told once, and the source's policy says
/// whether the run goes on.
/// </summary>
internal sealed class ShapeBook(SourceDefinition source, SnapshotDefinition snapshot, SnapshotParts parts)
{
    /// <summary>Throws <see cref="SourceException"/> where the run cannot go on.</summary>
    public async Task<ShapeVerdict> LookAsync(
        ImmutableArray<ISourceSnapshot> shards, CancellationToken cancellationToken)
    {
        (SeenTable? before, long revision) = await parts.Seen.FindAsync(snapshot.Name, cancellationToken)
            .ConfigureAwait(false);
        List<SourceTable> tables = [];
        for (int i = 0; i < shards.Length; i++)
        {
            SourceTable? table = await shards[i].DescribeAsync(
                snapshot.ServerTable, snapshot.Options, cancellationToken).ConfigureAwait(false);
            if (table is null)
            {
                await TellGoneAsync((before, revision), cancellationToken).ConfigureAwait(false);
                string place = source.IsSharded ? $" in shard {source.Shards[i].Name}" : "";
                throw new SourceException(
                    $"there is no table {snapshot.ServerTable}{place}{Reader(source.Shards[i].Place)}; see "
                    + $"`naru source tables {source.Name}`");
            }

            tables.Add(table with { Options = snapshot.Options });
        }

        if (shards.Any(static shard => !shard.IsConsistent))
        {
            SourcesLog.Inconsistent(parts.Logger, source.Name, snapshot.ServerTable.ToString());
        }

        return await JudgeAsync([.. tables], (before, revision), cancellationToken).ConfigureAwait(false);
    }

    private static string Reader(SourcePlace place) =>
        place.User.Length == 0 ? "" : $" (or {place.User} may not see it)";

    /// <summary>The run's rows stand: from now on this is what the table looks like.</summary>
    public async Task KeepAsync(
        ShapeVerdict shape, Interval interval, CursorStep? step, CancellationToken cancellationToken)
    {
        SeenTable seen = new()
        {
            Columns = Seen(shape.Tables[0]),
            Interval = interval.First,
            FullAt = step is { FullAt: > 0 and var full } ? full : Now(),
            Cursor = step?.Greatest ?? ImmutableSortedDictionary<string, string>.Empty,
            CursorOf = step?.Signature ?? "",
        };
        ImmutableArray<SchemaChange> fresh = Fresh(shape.Before.Table, shape.Changes);
        await parts.Seen.KeepAsync(snapshot.Name, (seen, shape.Before.Revision), fresh, cancellationToken)
            .ConfigureAwait(false);
        Tell(fresh);
        if (shape.Before.Table is null)
        {
            foreach (SourceColumn column in shape.Choice.Columns.Where(static column => column.Note.Length > 0))
            {
                SourcesLog.Kept(
                    parts.Logger, source.Name, snapshot.ServerTable.ToString(), column.Name, column.ServerType,
                    column.Note);
            }
        }
    }

    private async Task<ShapeVerdict> JudgeAsync(
        ImmutableArray<SourceTable> tables,
        (SeenTable? Table, long Revision) before,
        CancellationToken cancellationToken)
    {
        CheckShards(tables);
        ImmutableArray<SchemaChange> changes = before.Table is { } known
            ? SeenTables.Compare(known, Seen(tables[0]), Change) : [];
        bool isAccepted = before.Table is { Accepted: { IsEmpty: false } accepted }
            && accepted.SequenceEqual(Seen(tables[0]));
        ImmutableArray<SchemaChange> against = isAccepted ? [] :
        [
            .. changes.Where(change => source.SchemaChanges switch
            {
                SchemaPolicy.Fail => true,
                SchemaPolicy.Freeze => change.Change is "column_removed" or "type_changed" && IsRead(change.Column),
                _ => false,
            }),
        ];
        if (!against.IsEmpty)
        {
            await RefuseAsync(before, changes, against, cancellationToken).ConfigureAwait(false);
        }

        IReadOnlyCollection<string> gone = before.Table is null
            ? [] : [.. before.Table.Columns.Select(static column => column.Name)];
        ColumnChoice choice = ColumnChoice.Of(snapshot, source.Kind, tables[0], gone, isAccepted ? null : Frozen());
        return new ShapeVerdict(tables, choice, before, changes);
    }

    private async Task RefuseAsync(
        (SeenTable? Table, long Revision) before,
        ImmutableArray<SchemaChange> changes,
        ImmutableArray<SchemaChange> against,
        CancellationToken cancellationToken)
    {
        ImmutableArray<SchemaChange> fresh = Fresh(before.Table, changes);
        if (!fresh.IsEmpty)
        {
            SeenTable told = before.Table! with
            {
                Told = [.. before.Table.Told.Union(changes.Select(static change => change.ToString()))],
            };
            await parts.Seen.KeepAsync(snapshot.Name, (told, before.Revision), fresh, cancellationToken)
                .ConfigureAwait(false);
            Tell(fresh);
        }

        string policy = source.SchemaChanges == SchemaPolicy.Fail ? "fail" : "freeze";
        throw new SourceException(
            $"{snapshot.ServerTable} changed: {string.Join(", ", against)}, and `schema_changes` of the source is "
            + $"{policy}; `naru source accept {source.Name} {snapshot.Name}` takes it as it is now");
    }

    private async Task TellGoneAsync((SeenTable? Table, long Revision) before, CancellationToken cancellationToken)
    {
        if (before.Table is not { IsGone: false } known)
        {
            return;
        }

        ImmutableArray<SchemaChange> changes = [Change("table_gone", null, null)];
        await parts.Seen.KeepAsync(
            snapshot.Name, (known with { IsGone = true }, before.Revision), changes, cancellationToken)
            .ConfigureAwait(false);
        Tell(changes);
    }

    /// <summary>All shards must look alike in what is read: their rows go into one table.</summary>
    private void CheckShards(ImmutableArray<SourceTable> tables)
    {
        for (int i = 1; i < tables.Length; i++)
        {
            ImmutableArray<SeenColumn> first = [.. Seen(tables[0]).Where(column => IsRead(column.Name))];
            ImmutableArray<SeenColumn> other = [.. Seen(tables[i]).Where(column => IsRead(column.Name))];
            SeenColumn? odd = first.Except(other).Concat(other.Except(first)).FirstOrDefault();
            if (odd is not null)
            {
                throw new SourceException(
                    $"column {odd.Name} ({odd.Type}) of {snapshot.ServerTable} is not the same in the shards "
                    + $"{source.Shards[0].Name} and {source.Shards[i].Name}; make them alike, or leave it out with "
                    + "`except`");
            }
        }
    }

    /// <summary>With `freeze`: the names that the table of the lake has.</summary>
    private IReadOnlyCollection<string>? Frozen() =>
        source.SchemaChanges == SchemaPolicy.Freeze
        && parts.Tables.SchemaOf(snapshot.Fills!.Value) is { } schema
            ? [.. schema.Columns.Select(static column => column.Name)] : null;

    private bool IsRead(string column) =>
        (snapshot.Columns.IsEmpty || snapshot.Columns.Contains(column)) && !snapshot.Except.Contains(column);

    private static ImmutableArray<SchemaChange> Fresh(SeenTable? before, ImmutableArray<SchemaChange> changes) =>
        [.. changes.Where(change => before?.Told.Contains(change.ToString()) != true)];

    public static ImmutableArray<SeenColumn> Seen(SourceTable table) =>
        [.. table.Columns.Select(static column => new SeenColumn(column.Name, column.ServerType))];

    private SchemaChange Change(string what, SeenColumn? before, SeenColumn? after) => new(
        source.Name,
        snapshot.ServerTable.ToString(),
        snapshot.Name,
        what,
        (before ?? after)?.Name ?? "",
        before?.Type ?? "",
        after?.Type ?? "",
        source.SchemaChanges.ToString().ToLowerInvariant(),
        Now());

    private void Tell(ImmutableArray<SchemaChange> changes)
    {
        foreach (SchemaChange change in changes)
        {
            SourcesLog.SchemaChanged(parts.Logger, source.Name, change.ServerTable, change.ToString());
            parts.Tell(source, change);
        }
    }

    private long Now() =>
        (parts.Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
