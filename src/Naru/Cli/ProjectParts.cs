using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;
using Naru.Access;
using Naru.Aggregates;
using Naru.Archive;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Exports;
using Naru.External;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Models;
using Naru.Query.Gate;
using Naru.Server;
using Naru.Sources;
using Naru.Stream;
using Naru.Stream.Aggregate;
using Naru.Watch.Alerts;
using Naru.Yaml;

namespace Naru.Cli;

/// <summary>What a project's folder holds beside its logs, held against them.</summary>
internal sealed partial class ProjectParts(ProjectFolder project)
{
    public ImmutableArray<AggregatePlan> Aggregates { get; private set; } = [];

    /// <summary>Saved queries that are right, as far as their files say.</summary>
    public int Queries { get; private set; }

    public int Dashboards { get; private set; }

    public AccessSet Access { get; private set; } = AccessSet.Empty;

    public ModelSet Models { get; private set; } = ModelSet.Empty;

    public ExportSet Exports { get; private set; } = ExportSet.Empty;

    public SourceSet Sources { get; private set; } = SourceSet.Empty;

    /// <summary>
    /// What was found of tables over files of others, which takes a worker to look at; without one, what their
    /// definitions say.
    /// </summary>
    public ExternalFindings External { get; init; } = ExternalFindings.Of(project);

    public ImmutableArray<AlertDefinition> Alerts { get; private set; } = [];

    public void Read(ProjectContent content, MistakeList mistakes)
    {
        Alerts = AlertFolder.Read(project.Files, project.Paths.Alerts, content.LogNames, mistakes);
        KnownLogs logs = new(
            [.. content.Logs.Select(static file => file.Log)],
            [.. content.LogNames.Where(name => content.Logs.All(file => file.Log.FullName != name))]);
        Aggregates = AggregateFolder.Read(project.Files, project.Paths.Aggregates, logs, mistakes);
        External.Tell(mistakes);
        ImmutableArray<TableDescription> tables =
        [
            .. DefinedTables.Of(logs.Logs.Select(Numbered), Aggregates), .. DefinedTables.Of(External.Tables),
        ];
        TimeZoneInfo zone = content.Settings?.Get<ProjectOptions>().FindTimeZone() ?? TimeZoneInfo.Utc;
        Access = AccessFolder.Read(
            AccessFolder.Files(project.Files, project.Paths.Access), zone, "", mistakes) ?? AccessSet.Empty;
        RuleChecker.Check(Access, tables, mistakes);
        Sources = SourceFolder.Compile(
            SourceFolder.Files(project.Files, project.Paths.Sources, mistakes),
            SourceKinds.Of(content.Settings?.Get<SourcesOptions>() ?? new SourcesOptions()),
            ProjectZone.Of(zone),
            mistakes);
        TableDescription[] snapshots = Snapshots();
        HashSet<string> unseen = new(
            Sources.Snapshots.Select(static each => each.Name)
                .Except(snapshots.Select(static table => table.Name.Name))
                .Concat(External.Tables.Where(static view => view.Fault is not null)
                    .Select(static view => view.Table.Name)),
            SqlName.Comparer);
        Models = ModelFolder.Compile(
            Checkable(
                ModelFolder.Files(project.Files, project.Paths.Models, mistakes),
                static file => (file.Path, file.Name, ModelText.Words(file.Text)),
                unseen,
                mistakes),
            [.. tables, .. snapshots],
            ProjectZone.Of(zone),
            mistakes);
        foreach (SnapshotDefinition twice in Sources.Snapshots.Where(each => Models.Find(each.Name) is not null))
        {
            mistakes.Add(new Mistake(
                $"models/{twice.Name}.sql",
                $"mart.{twice.Name} is filled by sources/{twice.Source}.yaml already",
                "give the model another name"));
        }

        JudgeNames(content, mistakes);
        ImmutableArray<TableDescription> filled =
            [.. DefinedTables.Of(Models.Models.Select(static model => model.Table)), .. snapshots];
        Exports = ExportFolder.Compile(
            Checkable(
                ExportFolder.Kind.Read(project.Files, project.Paths.Exports, mistakes),
                static file => (file.Path, file.Name, Words(file.Bytes)),
                unseen,
                mistakes),
            [.. tables, .. filled],
            ExportsModule.Kinds,
            ProjectZone.Of(zone),
            mistakes);
        CheckOwners(mistakes);
        ReadArchive(
            [.. tables, .. filled],
            [.. content.LogNames.Concat(NamesIn(project.Paths.Aggregates, AggregateTables.Schema))
                .Concat(NamesIn(project.Paths.Models, FilledTable.Schema))
                .Concat(NamesIn(project.Paths.Tables, ExternalTable.Schema))
                .Concat(Sources.Snapshots.Select(static each => each.Fills!.Value.ToString()))],
            mistakes);
    }

    /// <summary>Tables that snapshots have filled: what the others look like, only their servers know.</summary>
    private TableDescription[] Snapshots()
    {
        if (!Sources.Snapshots.Any())
        {
            return [];
        }

        using ParquetCheckpointFormat checkpoints = new();
        LakeTables lake = new(
            project.Files, project.Paths.Lake, checkpoints, TimeProvider.System, isReadOnly: true);
        return
        [
            .. Sources.Snapshots
                .Select(each => (Snapshot: each, Schema: lake.Find(each.Fills!.Value)?.Current.Schema))
                .Where(static each => each.Schema is not null)
                .Select(static each => new TableDescription(
                    each.Snapshot.Fills!.Value, each.Schema!, each.Snapshot.Description, System: false)),
        ];
    }

    /// <summary>
    /// The files that can be held against the tables. What a snapshot looks like that was never taken, only its server
    /// knows, so who reads one, or what reads it, is left out and told; their names join the unseen.
    /// </summary>
    private static List<T> Checkable<T>(
        IEnumerable<T> files,
        Func<T, (string Path, string Name, IEnumerable<string> Words)> of,
        HashSet<string> unseen,
        MistakeList mistakes)
    {
        List<T> left = [.. files];
        for (int at; unseen.Count > 0 && (at = left.FindIndex(file => Find(file) is not null)) >= 0;)
        {
            (string path, string name, _) = of(left[at]);
            mistakes.Warn(new Mistake(
                path,
                $"not checked: the columns of {Find(left[at])} are not known here",
                "check again where the project has run: its first snapshot, or its files, tell them"));
            unseen.Add(name);
            left.RemoveAt(at);
        }

        return left;

        string? Find(T file) => of(file).Words.FirstOrDefault(unseen.Contains);
    }

    /// <summary>Of a file that is no SQL, or not all of it.</summary>
    private static IEnumerable<string> Words(byte[] utf8) =>
        Word().Matches(Encoding.UTF8.GetString(utf8)).Select(static word => word.Value);

    private void JudgeNames(ProjectContent content, MistakeList mistakes)
    {
        NamingRules? naming = NamingRules.TryParse(
            (content.Settings?.Get<ModelsOptions>() ?? new ModelsOptions()).Naming);
        foreach (ModelDefinition model in Models.Models)
        {
            foreach ((string message, string hint) in naming?.Judge(model) ?? [])
            {
                mistakes.Warn(new Mistake($"models/{model.Name}.sql", message, hint));
            }
        }
    }

    /// <param name="tables">Those that there will be.</param>
    /// <param name="named">Of all logs and aggregates that have a file, right or wrong.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    private void ReadArchive(
        IReadOnlyCollection<TableDescription> tables, IReadOnlyCollection<string> named, MistakeList mistakes)
    {
        (string Name, byte[] Text, SavedQuery? Query)[] queries =
            [.. Shelf<SavedQuery>.ReadAll(
                project.Files, project.Paths.Queries, ArchiveReloader.QueryKind, mistakes)];
        Dashboard[] dashboards =
            [.. Shelf<Dashboard>.ReadAll(
                project.Files, project.Paths.Dashboards, ArchiveReloader.DashboardKind, mistakes)
                .Select(static file => file.Content).OfType<Dashboard>()];
        Queries = queries.Count(static file => file.Query is not null);
        Dashboards = dashboards.Length;
        AlertDefinition[] asking = [.. Alerts.Where(static alert => alert.Query is not null)];
        if (queries.Length + dashboards.Length + asking.Length == 0)
        {
            return;
        }

        using QueryChecker checker = new(tables, named);
        foreach ((string name, byte[] text, SavedQuery? query) in queries)
        {
            string path = $"{SavedQuery.Folder}/{name}{SavedQuery.Extension}";

            // The statement below a wrong header is checked too: every mistake at once.
            string? readable = DefinitionFiles.Text(path, text, SavedQuery.BytesMax, new MistakeList());
            if (query is not null || readable is not null)
            {
                checker.Check(path, query?.Template ?? QueryTemplate.Read(readable!, []), mistakes);
            }
        }

        foreach (Dashboard dashboard in dashboards)
        {
            checker.Check(dashboard, [.. queries.Select(static file => file.Name)], mistakes);
        }

        foreach (AlertDefinition alert in asking)
        {
            CheckAlert(
                alert,
                queries.ToDictionary(static file => file.Name, static file => file.Query, StringComparer.Ordinal),
                checker,
                mistakes);
        }
    }

    private void CheckAlert(
        AlertDefinition alert,
        Dictionary<string, SavedQuery?> queries,
        QueryChecker checker,
        MistakeList mistakes)
    {
        string file = $"alerts/{alert.Name}{AlertFile.Extension}";
        AlertQuery query = alert.Query!;
        CheckOwner(file, query.Owner, mistakes);

        SavedQuery? saved = null;
        if (query.Saved is { } number && !queries.TryGetValue(number, out saved))
        {
            mistakes.Add(new Mistake(file, $"there is no saved query '{number}'", "`naru check` reads queries/*.sql"));
        }

        // Nobody is there to fill them in when the alert asks.
        QueryTemplate? template = query.Sql is { } own ? QueryTemplate.Read(own, []) : saved?.Template;
        QueryParameter? open = template?.Parameters.FirstOrDefault(
            parameter => query.Sql is not null || parameter.Default is null);
        if (open is not null)
        {
            mistakes.Add(new Mistake(
                file,
                query.Sql is not null
                    ? $"the statement has the parameter '{{{{{open.Name}}}}}', which nobody fills in"
                    : $"the saved query '{query.Saved}' has the parameter '{{{{{open.Name}}}}}' without a default",
                "write the value, or name a saved query whose parameters have defaults"));
        }

        // A place in the statement is none in the file: it stands there indented, or in quotes.
        if (query.Sql is { } sql && checker.Fault(QueryTemplate.Read(sql, [])) is { } error)
        {
            mistakes.Add(new Mistake(file, error.Message, error.Hint ?? ""));
        }
    }

    private void CheckOwners(MistakeList mistakes)
    {
        foreach (ExportDefinition export in Exports.Exports)
        {
            CheckOwner($"{ExportFolder.Kind.Folder}/{export.Name}{ExportFile.Extension}", export.Owner, mistakes);
        }
    }

    /// <summary>What asks with somebody's rights names a user.</summary>
    private void CheckOwner(string file, string owner, MistakeList mistakes)
    {
        if (!Access.Users.ContainsKey(owner) && !(Access.IsOpen && owner == Principal.Open.Name))
        {
            mistakes.Add(new Mistake(
                file,
                $"the owner '{owner}' is no user of access/",
                Access.IsOpen ? "write 'owner: local' until there are users" : "name a user: it has their rights"));
        }
    }

    private IEnumerable<string> NamesIn(string folder, string schema) => project.Files.List(folder)
        .Select(file => $"{schema}.{Path.GetFileNameWithoutExtension(file)}");

    /// <summary>Fields get their numbers when they are published; here any will do.</summary>
    private static LogDefinition Numbered(LogDefinition log) => log with
    {
        Fields = [.. log.Fields.Select(static (field, i) => field with { FieldId = LogTables.FirstFieldId + i })],
    };

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();
}
