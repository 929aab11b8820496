using System.Collections.Immutable;
using Naru.Access;
using Naru.Aggregates;
using Naru.Archive;
using Naru.Configuration;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Query.Gate;
using Naru.Stream;
using Naru.Stream.Aggregate;
using Naru.Watch.Alerts;
using Naru.Yaml;

namespace Naru.Cli;

/// <summary>What a project's folder holds beside its logs, held against them.</summary>
internal sealed class ProjectParts(ProjectFolder project)
{
    public ImmutableArray<AggregatePlan> Aggregates { get; private set; } = [];

    /// <summary>Saved queries that are right, as far as their files say.</summary>
    public int Queries { get; private set; }

    public int Dashboards { get; private set; }

    public AccessSet Access { get; private set; } = AccessSet.Empty;

    public void Read(ProjectContent content, MistakeList mistakes)
    {
        AlertFolder.Read(project.Files, project.Paths.Alerts, content.LogNames, mistakes);
        KnownLogs logs = new(
            [.. content.Logs.Select(static file => file.Log)],
            [.. content.LogNames.Where(name => content.Logs.All(file => file.Log.FullName != name))]);
        Aggregates = AggregateFolder.Read(project.Files, project.Paths.Aggregates, logs, mistakes);
        TimeZoneInfo zone = content.Settings?.Get<ProjectOptions>().FindTimeZone() ?? TimeZoneInfo.Utc;
        Access = AccessFolder.Read(
            AccessFolder.Files(project.Files, project.Paths.Access), zone, "", mistakes) ?? AccessSet.Empty;
        IReadOnlyCollection<TableDescription> tables = Tables(logs.Logs);
        RuleChecker.Check(Access, tables, mistakes);
        ReadArchive(tables, [.. content.LogNames.Concat(AggregateNames())], mistakes);
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
        if (queries.Length + dashboards.Length == 0)
        {
            return;
        }

        using QueryChecker checker = new(tables, named);
        foreach (SavedQuery query in queries.Select(static file => file.Query).OfType<SavedQuery>())
        {
            checker.Check(query, mistakes);
        }

        foreach (Dashboard dashboard in dashboards)
        {
            checker.Check(dashboard, [.. queries.Select(static file => file.Name)], mistakes);
        }
    }

    private IEnumerable<string> AggregateNames() => project.Files.List(project.Paths.Aggregates)
        .Select(static file => $"{AggregateTables.Schema}.{Path.GetFileNameWithoutExtension(file)}");

    /// <summary>Tables as they will be when the files are published.</summary>
    private IReadOnlyCollection<TableDescription> Tables(ImmutableArray<LogDefinition> logs) =>
    [
        .. logs.Select(Numbered).SelectMany(static log => TableListing.Groups(log).Select(group => new TableDescription(
            new TableName(log.RegionGroup, log.Name, group.Group), group.Schema, log.Description, System: false))),
        .. Aggregates.Select(static plan => new TableDescription(
            new TableName(AggregateTables.Schema, plan.Name), plan.Schema, plan.Description, System: false)),
        .. StreamTables.All.Select(static table =>
            new TableDescription(table.Name, table.Schema, table.Description, System: true)),
    ];

    /// <summary>Fields get their numbers when they are published; here any will do.</summary>
    private static LogDefinition Numbered(LogDefinition log) => log with
    {
        Fields = [.. log.Fields.Select(static (field, i) => field with { FieldId = LogTables.FirstFieldId + i })],
    };
}
