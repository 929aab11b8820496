using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Yaml;

namespace Naru.Exports;

/// <summary>
/// Takes changed files of `exports/` while the server runs, and reads them again when the tables changed that they may
/// read. A file that is wrong leaves its export as it was when it was right last.
/// </summary>
internal sealed class ExportReloader(
    IFileSystem files,
    string folder,
    ProjectZone zone,
    Func<ImmutableArray<TableDescription>> tables,
    ExportReloaderParts parts)
    : ContentReloader(parts.Options, parts.Time), IExportSource
{
    private readonly ToldMistakes _told = new(
        mistake => ExportsLog.Mistake(parts.Logger, mistake), () => ExportsLog.Mended(parts.Logger));
    private volatile ExportSet _current = ExportSet.Empty;
    private ImmutableArray<TableDescription> _tables = [];

    public ExportSet Current => _current;

    protected override bool IsOutdated => !TableDescription.AreAlike(_tables, tables());

    protected override string Fingerprint() => ExportFolder.Fingerprint(files, folder);

    protected override void TellFailure(string problem) => ExportsLog.Unreadable(parts.Logger, problem);

    protected override void Take()
    {
        MistakeList mistakes = new();
        _tables = tables();
        DefinitionFile[] found = [.. ExportFolder.Kind.Read(files, folder, mistakes)];
        ExportSet right = ExportFolder.Compile(found, _tables, parts.Kinds, zone, mistakes);
        ExportSet before = _current;
        IEnumerable<ExportDefinition> kept = before.Exports.Where(export =>
            right.Find(export.Name) is null && found.Any(file => file.Name == export.Name));
        ExportSet next = new([.. kept.Concat(right.Exports).OrderBy(static each => each.Name, StringComparer.Ordinal)]);
        foreach (ExportDefinition export in next.Exports)
        {
            if (before.Find(export.Name) is not { } known)
            {
                ExportsLog.Changed(parts.Logger, export.Name, "is there");
            }
            else if (known.Fingerprint != export.Fingerprint)
            {
                ExportsLog.Changed(parts.Logger, export.Name, "changed: what it sent is stale");
            }
        }

        foreach (ExportDefinition gone in before.Exports.Where(export => next.Find(export.Name) is null))
        {
            ExportsLog.Changed(parts.Logger, gone.Name, "is gone; what it sent stays where it is");
        }

        _current = next;
        _told.Tell(mistakes);
    }
}

internal sealed record ExportReloaderParts(
    TargetKinds Kinds, DefinitionsOptions Options, TimeProvider Time, ILogger Logger);
