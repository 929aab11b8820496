using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Archive;

/// <summary>What people keep: saved queries and dashboards. Renewed while the server runs.</summary>
internal sealed class ArchiveReloader(
    IFileSystem files,
    ProjectPaths paths,
    AuditTrail trail,
    ArchiveSurroundings surroundings,
    ILogger<ArchiveReloader> logger)
    : ContentReloader(surroundings.Reload, surroundings.Time)
{
    public static readonly ShelfKind<SavedQuery> QueryKind = new(
        new(SavedQuery.Folder, SavedQuery.Extension, "query"), ArchiveNames.NumberFault, SavedQuery.Read);

    public static readonly ShelfKind<Dashboard> DashboardKind = new(
        new(Dashboard.Folder, Dashboard.Extension, "dashboard"), ArchiveNames.DashboardFault, DashboardFile.Read);

    private readonly ToldMistakes _told = new(
        mistake => ArchiveLog.Mistake(logger, mistake), () => ArchiveLog.Mended(logger));

    public Shelf<SavedQuery> Queries { get; } = new(files, paths, QueryKind, trail, surroundings.Time);

    public Shelf<Dashboard> Dashboards { get; } = new(files, paths, DashboardKind, trail, surroundings.Time);

    protected override string Fingerprint() =>
        DefinitionFiles.Fingerprint(files, paths.Queries, paths.Dashboards);

    protected override void TellFailure(string problem) => ArchiveLog.Failed(logger, problem);

    protected override void Take()
    {
        MistakeList mistakes = new();
        Queries.Take(mistakes);
        Dashboards.Take(mistakes);
        _told.Tell(mistakes);
    }
}

internal sealed record ArchiveSurroundings(DefinitionsOptions Reload, TimeProvider Time);
