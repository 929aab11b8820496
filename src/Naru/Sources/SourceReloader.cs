using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Yaml;

namespace Naru.Sources;

/// <summary>
/// Takes changed files of `sources/` while the server runs. A file that is wrong leaves its source as it was when it
/// was right last. Tables of sources are there once a snapshot filled them: what they look like, only the servers know.
/// </summary>
internal sealed class SourceReloader(
    IFileSystem files, string folder, ProjectZone zone, ITableStore tables, SourceReloaderParts parts)
    : ContentReloader(parts.Options, parts.Time), ISourceSet, IFilledTables
{
    private readonly ToldMistakes _told = new(
        mistake => SourcesLog.Mistake(parts.Logger, mistake), () => SourcesLog.Mended(parts.Logger));
    private readonly Lock _gate = new();
    private volatile SourceSet _current = SourceSet.Empty;
    private ImmutableArray<FilledTable> _tables = [];

    public SourceSet Current => _current;

    ImmutableArray<FilledTable> IFilledTables.Current
    {
        get
        {
            (SnapshotDefinition Snapshot, DeltaVersion Version)[] filled =
            [
                .. _current.Snapshots.Select(snapshot => (snapshot, tables.Find(snapshot.Fills!.Value)?.Current!))
                    .Where(static pair => pair.Item2 is not null),
            ];
            lock (_gate)
            {
                bool same = _tables.Length == filled.Length && filled.Index().All(each =>
                    _tables[each.Index].Name.Name == each.Item.Snapshot.Name
                    && _tables[each.Index].Columns.Equals(each.Item.Version.Schema));
                if (!same)
                {
                    _tables = [.. filled.Select(static each => new FilledTable(
                        each.Snapshot.Fills!.Value,
                        each.Version.Schema,
                        each.Version.PartitionColumns,
                        each.Snapshot.Description))];
                }

                return _tables;
            }
        }
    }

    protected override string Fingerprint() => DefinitionFiles.Fingerprint(files, folder);

    protected override void TellFailure(string problem) => SourcesLog.Unreadable(parts.Logger, problem);

    protected override void Take()
    {
        MistakeList mistakes = new();
        DefinitionFile[] found = [.. SourceFolder.Files(files, folder, mistakes)];
        SourceSet right = SourceFolder.Compile(found, parts.Kinds, zone, mistakes);
        SourceSet before = _current;

        // What is wrong now but was right goes on as it was, where it does not get in the way of one that is right.
        HashSet<string> filled = [.. right.Snapshots.Select(static table => table.Name)];
        IEnumerable<SourceDefinition> kept = before.Sources.Where(source =>
            right.Find(source.Name) is null && found.Any(file => file.Name == source.Name)
            && !source.Tables.Any(table => filled.Contains(table.Name)));
        SourceSet next = new([.. kept, .. right.Sources]);
        foreach (SourceDefinition source in next.Sources.Where(source => before.Find(source.Name) is null))
        {
            SourcesLog.Changed(parts.Logger, source.Name, $"is there, with {source.Tables.Length} tables");
        }

        foreach (SourceDefinition gone in before.Sources.Where(source => next.Find(source.Name) is null))
        {
            SourcesLog.Changed(parts.Logger, gone.Name, "is gone; its tables stay");
        }

        _current = next;
        _told.Tell(mistakes);
    }
}

internal sealed record SourceReloaderParts(
    DefinitionsOptions Options, TimeProvider Time, SourceKinds Kinds, ILogger Logger);
