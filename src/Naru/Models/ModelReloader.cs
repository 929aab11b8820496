using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Yaml;

namespace Naru.Models;

/// <summary>
/// Takes changed files of `models/` while the server runs, and compiles again when the tables changed that they may
/// read. A file that is wrong leaves its model as it was when it was right last.
/// </summary>
internal sealed class ModelReloader(
    IFileSystem files,
    string folder,
    ProjectZone zone,
    Func<ImmutableArray<TableDescription>> others,
    ModelReloaderParts parts)
    : ContentReloader(parts.Options, parts.Time), IModelSource, IFilledTables
{
    private readonly ToldMistakes _told = new(
        mistake => ModelsLog.Mistake(parts.Logger, mistake), () => ModelsLog.Mended(parts.Logger));
    private volatile ModelSet _current = ModelSet.Empty;
    private ImmutableArray<FilledTable> _tables = [];
    private ImmutableArray<TableDescription> _others = [];

    public ModelSet Current => _current;

    ImmutableArray<FilledTable> IFilledTables.Current => _tables;

    /// <summary>What would be wrong in all files, were this one of them.</summary>
    public MistakeList Try(ModelFile file)
    {
        MistakeList mistakes = new();
        IEnumerable<ModelFile> kept = ModelFolder.Files(files, folder, new MistakeList())
            .Where(each => each.Name != file.Name);
        ModelFolder.Compile([.. kept, file], others(), zone, mistakes);
        return mistakes;
    }

    protected override bool IsOutdated => !TableDescription.AreAlike(_others, others());

    protected override string Fingerprint() => ModelFolder.Fingerprint(files, folder);

    protected override void TellFailure(string problem) => ModelsLog.Unreadable(parts.Logger, problem);

    protected override void Take()
    {
        MistakeList mistakes = new();
        _others = others();
        ModelFile[] found = [.. ModelFolder.Files(files, folder, mistakes)];
        ModelSet right = ModelFolder.Compile(found, _others, zone, mistakes);
        ModelSet before = _current;

        // What is wrong now but was right keeps running as it was.
        IEnumerable<ModelDefinition> kept = before.Models.Where(model =>
            right.Find(model.Name) is null && found.Any(file => file.Name == model.Name));
        ModelSet next = new([.. kept, .. right.Models]);
        foreach (ModelDefinition model in next.Models)
        {
            if (before.Find(model.Name) is not { } known)
            {
                ModelsLog.Changed(parts.Logger, model.Name, "is there");
            }
            else if (known.Fingerprint != model.Fingerprint)
            {
                ModelsLog.Changed(parts.Logger, model.Name, "changed: what it filled is stale (`naru plan`)");
            }
        }

        foreach (ModelDefinition gone in before.Models.Where(model => next.Find(model.Name) is null))
        {
            ModelsLog.Changed(parts.Logger, gone.Name, "is gone; its table stays");
        }

        _tables = [.. next.Models.Select(static model => model.Table)];
        _current = next;
        _told.Tell(mistakes);
    }
}

internal sealed record ModelReloaderParts(DefinitionsOptions Options, TimeProvider Time, ILogger Logger);
