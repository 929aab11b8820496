using System.Collections.Immutable;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Query;

namespace Naru.External;

/// <summary>A table with the columns that it has now.</summary>
/// <param name="Table">Its definition.</param>
/// <param name="Columns">All of them; none while they are not known.</param>
/// <param name="Fault">Why they are not known.</param>
internal sealed record ExternalView(ExternalTable Table, TableSchema Columns, string? Fault)
{
    public TableDescription Description => new(Table.Table, Columns, Table.Description, System: false)
    {
        Comments = Table.Comments, Outside = true,
    };
}

/// <summary>
/// What external tables look like. Those whose definitions name no columns have those of their files: looked at in a
/// worker when the definition comes, and again when a file came, went or changed.
/// </summary>
internal sealed class ExternalShapes(
    Func<ExternalSet> definitions, LocationRules rules, ExternalProbe probe, DefinitionsOptions options,
    ShapeParts parts) : BackgroundService
{
    private const string NotLooked = "its columns are not known yet: its files are being looked at";

    private readonly Lock _gate = new();
    private ImmutableDictionary<string, Seen> _seen = ImmutableDictionary<string, Seen>.Empty;
    private (ExternalSet Set, ImmutableDictionary<string, Seen> Seen, ImmutableArray<ExternalView> Views)? _views;

    public LocationRules Rules => rules;

    /// <summary>Another array when a table or its columns changed.</summary>
    public ImmutableArray<ExternalView> Current
    {
        get
        {
            ExternalSet set = definitions();
            lock (_gate)
            {
                if (_views is not { } known || !ReferenceEquals(known.Set, set) || !ReferenceEquals(known.Seen, _seen))
                {
                    known = (set, _seen, [.. set.Tables.Select(ViewOf)]);
                    _views = known;
                }

                return known.Views;
            }
        }
    }

    /// <summary>Folders without links that workers may read for these tables.</summary>
    public IEnumerable<string> Folders() =>
        definitions().Tables.Select(table => rules.Resolve(table.Location.Folder, out _)).OfType<string>();

    /// <summary>Looks at the files of all tables that need it.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        foreach (ExternalTable table in definitions().Tables.Where(static table => table.IsInferred))
        {
            Seen? before = _seen.GetValueOrDefault(table.Name);
            if (await LookAsync(table, before, cancellationToken).ConfigureAwait(false) is { } now)
            {
                Keep(table, before, now);
            }
        }
    }

    /// <summary>Null where nothing changed.</summary>
    private async Task<Seen?> LookAsync(ExternalTable table, Seen? before, CancellationToken cancellationToken)
    {
        LocationListing listing;
        try
        {
            listing = LocationListing.Read(table.Location, rules);
        }
        catch (LocationException exception)
        {
            return new Seen($"{table.Fingerprint}/{exception.Message}", null, exception.Told);
        }

        string print = $"{table.Fingerprint}/{listing.Print}";
        if (before?.Print == print)
        {
            return null;
        }

        if (listing.Files.IsEmpty)
        {
            return new Seen(print, null, "no file matches its location");
        }

        try
        {
            ImmutableArray<Column> columns = await probe.ColumnsAsync(
                table, [.. listing.Files.Select(static file => file.Path)], cancellationToken).ConfigureAwait(false);
            return new Seen(print, columns, null);
        }
        catch (FileProbeException exception)
        {
            ExternalView unknown = new(table, table.SchemaOf([]), null);
            QueryError? error = OutsideErrors.Find(
                exception.Failed,
                [ExternalCatalog.SnapshotOf(unknown, listing.Folder, listing.Files)],
                static _ => TableRules.None);
            string why = error is null ? "" : $": {error.Message[(table.Table.ToString().Length + 2)..]}";
            return new Seen(print, null, $"its columns cannot be found out{why}");
        }
        catch (QueryException exception)
        {
            // No worker now: the next look tries again.
            return new Seen("", null, exception.Error.Message);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(options.ReloadInterval, parts.Time);
        try
        {
            do
            {
                await LookAsync(stoppingToken).ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private void Keep(ExternalTable table, Seen? before, Seen now)
    {
        if (now == before)
        {
            return;
        }

        if (now.Fault is { } fault && before?.Fault != fault)
        {
            ExternalLog.NotRead(parts.Logger, table.Name, fault);
        }
        else if (now.Columns is { } columns && before?.Columns is { } old && !columns.SequenceEqual(old))
        {
            ExternalLog.Changed(parts.Logger, table.Name, "has other columns, for its files have");
        }

        // What was known stays while the files are away: a statement tells what is wrong with them.
        Seen kept = now.Columns is null && before?.Columns is { } last && before.Print.StartsWith(
            table.Fingerprint, StringComparison.Ordinal) ? now with { Columns = last } : now;
        lock (_gate)
        {
            _seen = _seen.SetItem(table.Name, kept);
        }
    }

    private ExternalView ViewOf(ExternalTable table)
    {
        if (!table.IsInferred)
        {
            return new ExternalView(table, table.SchemaOf(table.Columns), null);
        }

        Seen? seen = _seen.GetValueOrDefault(table.Name);
        return seen?.Columns is { } columns && seen.Print.StartsWith(table.Fingerprint, StringComparison.Ordinal)
            ? new ExternalView(table, table.SchemaOf(columns), null)
            : new ExternalView(table, table.SchemaOf([]), seen?.Fault ?? NotLooked);
    }

    private sealed record Seen(string Print, ImmutableArray<Column>? Columns, string? Fault);
}

internal sealed record ShapeParts(TimeProvider Time, ILogger Logger);
