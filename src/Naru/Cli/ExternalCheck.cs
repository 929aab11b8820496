using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Naru.Cli.Sql;
using Naru.Configuration;
using Naru.Definitions;
using Naru.External;
using Naru.Lake.Catalog;
using Naru.Query;
using Naru.Query.Pool;
using Naru.Query.Worker;
using Naru.Tiers;
using Naru.Yaml;

namespace Naru.Cli;

/// <summary>What was found of the tables over files of others.</summary>
internal sealed record ExternalFindings(ImmutableArray<ExternalView> Tables)
{
    /// <summary>What the definitions say themselves.</summary>
    public static ExternalFindings Of(ProjectFolder project)
    {
        MistakeList mistakes = new();
        ExternalSet set = ExternalFolder.Read(
            project.Files, project.Paths.Tables, project.Paths.Root, mistakes);
        return new ExternalFindings(
        [
            .. set.Tables.Select(static table => new ExternalView(
                table, table.SchemaOf(table.Columns), table.IsInferred ? "its files were not looked at" : null)),
        ])
        {
            Mistakes = [.. mistakes.Sorted()],
        };
    }

    public ImmutableArray<Mistake> Mistakes { get; init; } = [];

    public ImmutableArray<Mistake> Warnings { get; init; } = [];

    public void Tell(MistakeList mistakes)
    {
        foreach (Mistake mistake in Mistakes)
        {
            mistakes.Add(mistake);
        }

        foreach (Mistake warning in Warnings)
        {
            mistakes.Warn(warning);
        }
    }
}

/// <summary>
/// Holds tables over files of others against their files, as they are on this machine now. What is not here may be
/// where the server runs, so it is a warning; what is here and wrong is a mistake.
/// </summary>
internal sealed class ExternalCheck
{
    private const int RowsLooked = 10_000;
    private const int FilesLooked = 20;

    private readonly List<Mistake> _mistakes = [];
    private readonly List<Mistake> _warnings = [];
    private readonly LocationRules _rules;
    private readonly ExternalProbe _probe;

    private ExternalCheck(LocationRules rules, ExternalProbe probe)
    {
        _rules = rules;
        _probe = probe;
    }

    public static async Task<ExternalFindings> RunAsync(ProjectFolder project, CancellationToken cancellationToken)
    {
        MistakeList mistakes = new();
        ProjectPaths paths = project.Paths;
        ExternalSet set = ExternalFolder.Read(project.Files, paths.Tables, paths.Root, mistakes);
        Settings? settings = project.ReadSettings(SettingsReader.ProcessEnvironment(), new MistakeList());
        if (set.Tables.IsEmpty || settings is null)
        {
            return new ExternalFindings([]) { Mistakes = [.. mistakes.Sorted()] };
        }

        LocationRules rules = new(
            paths.Root,
            settings.Get<ExternalOptions>().Folders,
            TierVolumes.Folders(settings.Get<TierOptions>(), paths));
        string scratch = Path.Combine(Path.GetTempPath(), $"naru-check-{Environment.ProcessId}");
        QueryPlace place = new(
            new QueryPaths($"{scratch}/lake", $"{scratch}/tail", $"{scratch}/spill", $"{scratch}/state"),
            settings.Get<ProjectOptions>().FindTimeZone());
        QueryPools pools = QueryPools.Open(settings.Get<QueryOptions>() with { Workers = 1 }, pool => new WorkerPool(
            pool, place, project.Files, TimeProvider.System, NullLogger.Instance));
        using ExternalShapes shapes = new LocalTables(set, rules).Open(pools);
        place.Outside.Add(shapes.Folders);
        ExternalCheck check = new(rules, new ExternalProbe(new FileProbe(pools, TimeProvider.System)));
        try
        {
            pools[PoolName.Etl].ClearSpill();
            await shapes.LookAsync(cancellationToken).ConfigureAwait(false);
            foreach (ExternalView view in shapes.Current)
            {
                await check.LookAsync(view, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (QueryException exception)
        {
            check._warnings.Add(new Mistake(
                ExternalFolder.Kind.Folder, $"their files were not looked at: {exception.Error.Message}", ""));
        }
        finally
        {
            await pools.DisposeAsync().ConfigureAwait(false);
            project.Files.DeleteDirectory(scratch);
        }

        return new ExternalFindings(shapes.Current)
        {
            Mistakes = [.. mistakes.Sorted(), .. check._mistakes], Warnings = [.. check._warnings],
        };
    }

    private async Task LookAsync(ExternalView view, CancellationToken cancellationToken)
    {
        ExternalTable table = view.Table;
        string? folder = _rules.Resolve(table.Location.Folder, out (string Message, string Hint)? refusal);
        if (refusal is { } refused)
        {
            _mistakes.Add(new Mistake(table.File, refused.Message, refused.Hint));
            return;
        }

        if (folder is null)
        {
            _warnings.Add(new Mistake(
                table.File,
                $"the folder \"{table.Location.Folder}\" is not on this machine",
                "check again where the project runs"));
            return;
        }

        LocationListing listing;
        try
        {
            listing = LocationListing.Read(table.Location, _rules);
        }
        catch (LocationException exception)
        {
            _mistakes.Add(new Mistake(table.File, exception.Message, exception.Hint));
            return;
        }

        if (listing.Files.IsEmpty)
        {
            if (!table.AllowsEmpty)
            {
                _warnings.Add(new Mistake(
                    table.File,
                    $"no file matches {table.Location.Text}, so queries on {table.Table} fail",
                    "`empty: allow` takes that for no rows"));
            }
        }
        else if (view.Fault is { } fault)
        {
            _mistakes.Add(new Mistake(table.File, fault, "name the columns under `columns`"));
        }
        else
        {
            await LookAsync(view, listing, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>First whether the files together have every column, then each of some alone.</summary>
    private async Task LookAsync(ExternalView view, LocationListing listing, CancellationToken cancellationToken)
    {
        TableSnapshot all = ExternalCatalog.SnapshotOf(view, listing.Folder, listing.Files);
        if (await _probe.FaultAsync(all, 0, cancellationToken).ConfigureAwait(false) is { } together)
        {
            _mistakes.Add(new Mistake(view.Table.File, together.Message, together.Hint ?? ""));
            return;
        }

        foreach (LocatedFile file in listing.Files.TakeLast(FilesLooked))
        {
            TableSnapshot one = ExternalCatalog.SnapshotOf(view, listing.Folder, [file]);
            if (await _probe.FaultAsync(one, RowsLooked, cancellationToken).ConfigureAwait(false) is not { } fault)
            {
                continue;
            }

            string name = OutsideErrors.NameOf(file.Path, listing.Folder);
            string message = fault.Message.Contains(name, StringComparison.Ordinal)
                ? fault.Message : $"{name}: {fault.Message}";
            const string Lacks = "no file has the column";
            if (fault.Message.IndexOf(Lacks, StringComparison.Ordinal) is >= 0 and int lacks)
            {
                string column = fault.Message[(lacks + Lacks.Length)..].Split(';')[0];
                _warnings.Add(new Mistake(
                    view.Table.File, $"{name} lacks the column{column}", "its rows have no value there"));
            }
            else
            {
                _mistakes.Add(new Mistake(view.Table.File, message, fault.Hint ?? ""));
            }
        }
    }
}
