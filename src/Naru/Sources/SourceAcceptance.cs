using System.Collections.Immutable;

namespace Naru.Sources;

/// <summary>What was accepted of one table: nothing where it is as it was, or where no run has seen it yet.</summary>
internal sealed record AcceptedTable(string Table, ImmutableArray<string> Changes);

/// <summary>
/// Takes the shape that tables have on their server now as the known one, where the source's policy does not follow
/// changes by itself: the next run reads them so. What changes after that is a change again.
/// </summary>
internal sealed class SourceAcceptance(SourceConnector connector, SeenTables seen, SnapshotParts parts)
{
    public string Scrub(SourceDefinition source, string message) => connector.Scrub(source, message);

    /// <summary>Throws <see cref="SourceException"/>.</summary>
    /// <param name="source">Whose tables.</param>
    /// <param name="tables">Which of them.</param>
    /// <param name="cancellationToken">Before a table is accepted.</param>
    public async Task<ImmutableArray<AcceptedTable>> AcceptAsync(
        SourceDefinition source, ImmutableArray<SnapshotDefinition> tables, CancellationToken cancellationToken)
    {
        ImmutableArray<AcceptedTable>.Builder accepted = ImmutableArray.CreateBuilder<AcceptedTable>();
        ISourceServer server = connector.Open(source, source.Shards[0], null);
        await using (server.ConfigureAwait(false))
        {
            foreach (SnapshotDefinition table in tables)
            {
                accepted.Add(new AcceptedTable(
                    table.Name,
                    await AcceptAsync(source, table, server, cancellationToken).ConfigureAwait(false)));
            }
        }

        return accepted.ToImmutable();
    }

    private async Task<ImmutableArray<string>> AcceptAsync(
        SourceDefinition source, SnapshotDefinition table, ISourceServer server, CancellationToken cancellationToken)
    {
        (SeenTable? before, long revision) = await seen.FindAsync(table.Name, cancellationToken).ConfigureAwait(false);
        if (before is null)
        {
            return [];
        }

        SourceTable now = await server.DescribeAsync(table.ServerTable, table.Options, cancellationToken)
            .ConfigureAwait(false) ?? throw new SourceException(
                $"there is no table {table.ServerTable}; see `naru source tables {source.Name}`");
        ImmutableArray<SeenColumn> columns = ShapeBook.Seen(now);
        ImmutableArray<string> changes =
        [
            .. SeenTables.Compare(before, columns, (what, was, becomes) => new SchemaChange(
                    source.Name,
                    table.ServerTable.ToString(),
                    table.Name,
                    what,
                    (was ?? becomes)?.Name ?? "",
                    was?.Type ?? "",
                    becomes?.Type ?? "",
                    "",
                    0))
                .Select(static change => change.ToString()),
            .. LeftOut(table, before, now)
                .Select(static column => $"column {column.Name} ({column.Type}) was left out"),
        ];
        if (!changes.IsEmpty && !await seen.KeepAsync(
            table.Name, (before with { Accepted = columns }, revision), [], cancellationToken).ConfigureAwait(false))
        {
            throw new SourceException($"a run of {table.Name} ended meanwhile; try again");
        }

        return changes;
    }

    /// <summary>With `freeze`: columns of the server that the table of the lake does not have.</summary>
    private IEnumerable<SeenColumn> LeftOut(SnapshotDefinition table, SeenTable before, SourceTable now) =>
        parts.Tables.SchemaOf(table.Fills!.Value) is { } schema
            ? now.Columns
                .Where(column => ColumnChoice.IsChosen(table, column.Name)
                    && SourceNames.ColumnOf(column) is { } name && schema.IndexOf(name) < 0)
                .Select(static column => new SeenColumn(column.Name, column.ServerType))
                .Where(column => before.Columns.Contains(column))
            : [];
}
