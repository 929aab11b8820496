using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.External;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;
using Naru.Query;
using Naru.Query.History;
using Naru.Query.Worker;
using Naru.Server;
using Naru.Stream;
using Naru.Stream.Aggregate;
using Naru.Stream.Landing;
using Naru.Stream.SystemTables;
using Naru.Tiers;
using Naru.Yaml;

namespace Naru.Cli.Sql;

/// <summary>Opens a project that no server has open, for questions: its published definitions, its lake.</summary>
internal sealed class RestingProject : IDisposable
{
    private readonly ProjectLock _lock;
    private readonly ParquetCheckpointFormat _checkpoints = new();

    private RestingProject(ProjectLock projectLock) => _lock = projectLock;

    /// <summary>Disposes of the lock when it is disposed, or when opening fails.</summary>
    /// <exception cref="QueryException">The project's settings cannot be read.</exception>
    public static LocalQueryTarget Open(ProjectLock projectLock, ProjectPaths paths, IFileSystem files)
    {
        RestingProject project = new(projectLock);
        try
        {
            return project.Open(paths, files);
        }
        catch
        {
            project.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _checkpoints.Dispose();
        _lock.Dispose();
    }

    private LocalQueryTarget Open(ProjectPaths paths, IFileSystem files)
    {
        Settings settings = ReadSettings(paths, files);
        files.CreateDirectory(paths.Lake);
        files.CreateDirectory(paths.Tail);
        files.CreateDirectory(paths.Spill);
        TierOptions tiers = settings.Get<TierOptions>();
        LakeTables tables = new(files, paths.Lake, _checkpoints, TimeProvider.System, isReadOnly: true)
        {
            Volumes = TierVolumes.Open(tiers, paths, files),
        };
        DefinitionStore definitions = DefinitionStore.Open(files, paths.Definitions, TimeProvider.System);
        LandingRecord? last = LandingLog
            .Read(files, paths.Landings, LastFile(paths, files), long.MaxValue)
            .LastOrDefault();
        RestingCatalog catalog = new(
            new CatalogStorage(tables, new ParquetTableWriter(new ParquetOptions()), files, paths.Tail),
            definitions.Current,
            AggregateTables.AtRest(last?.Aggregates ?? AggregatesLanding.Empty, tables),
            last,
            new OtherTables(
            [
                new CommitsTable(files, paths, () => last?.Number ?? 0),
                new ExpiriesTable(new ExpiryLedger(files, paths)),
                new FilesTable(tables),
                new LogsTable(definitions),
                new TablesTable(tables),
            ],
            [QueryHistory.TableShape],
            [.. FilledTables(tables)]));
        QueryPlace place = new(
            new QueryPaths(paths.Lake, paths.Tail, paths.Spill, paths.State)
            {
                Volumes = TierVolumes.Folders(tiers, paths),
            },
            settings.Get<ProjectOptions>().FindTimeZone());
        return new LocalQueryTarget(
            catalog,
            settings.Get<QueryOptions>(),
            place,
            External(paths, settings, files),
            this);
    }

    private static LocalTables External(ProjectPaths paths, Settings settings, IFileSystem files) => new(
        ExternalFolder.Read(files, paths.Tables, paths.Root, new MistakeList()),
        new LocationRules(
            paths.Root,
            settings.Get<ExternalOptions>().Folders,
            TierVolumes.Folders(settings.Get<TierOptions>(), paths)));

    /// <summary>Tables of models as they were filled last.</summary>
    private static IEnumerable<FilledTable> FilledTables(LakeTables tables) => tables.All()
        .Where(static table => table.Name is { Schema: FilledTable.Schema, Group: ColumnGroup.Fields })
        .Select(static table => new FilledTable(
            table.Name, table.Table.Current.Schema, table.Table.Current.PartitionColumns, ""));

    /// <summary>Number of the first landing in the newest file: older ones need not be read.</summary>
    private static long LastFile(ProjectPaths paths, IFileSystem files) => files.List(paths.Landings)
        .Select(static name => long.TryParse(Path.GetFileNameWithoutExtension(name), out long first) ? first : 1)
        .Append(1)
        .Max();

    private static Settings ReadSettings(ProjectPaths paths, IFileSystem files)
    {
        MistakeList mistakes = new();
        return new ProjectFolder(files, paths).ReadSettings(SettingsReader.ProcessEnvironment(), mistakes)
            ?? throw new QueryException(new QueryError(
                "bad_settings", string.Join("\n", mistakes.Sorted()))
            { Hint = "`naru check` tells every mistake" });
    }
}
