using Microsoft.Extensions.Logging;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.External;

/// <summary>
/// Takes changed files of `tables/` while the server runs. A file that is wrong leaves its table as it was when it was
/// right last; one that is gone takes the table along, and touches none of its files.
/// </summary>
internal sealed class ExternalReloader(
    IFileSystem files,
    (string Folder, string Root) place,
    DefinitionsOptions options,
    TimeProvider time,
    ILogger logger)
    : ContentReloader(options, time)
{
    private readonly ToldMistakes _told = new(
        mistake => ExternalLog.Mistake(logger, mistake), () => ExternalLog.Mended(logger));
    private volatile ExternalSet _current = ExternalSet.Empty;

    public ExternalSet Current => _current;

    protected override string Fingerprint() => DefinitionFiles.Fingerprint(files, place.Folder);

    protected override void TellFailure(string problem) => ExternalLog.Unreadable(logger, problem);

    protected override void Take()
    {
        MistakeList mistakes = new();
        ExternalSet right = ExternalFolder.Read(files, place.Folder, place.Root, mistakes);
        ExternalSet before = _current;
        HashSet<string> there = [.. ExternalFolder.Kind.Read(files, place.Folder, new MistakeList())
            .Select(static file => file.Name)];
        IEnumerable<ExternalTable> kept = before.Tables.Where(table =>
            right.Find(table.Name) is null && there.Contains(table.Name));
        ExternalSet next = new(
            [.. kept.Concat(right.Tables).OrderBy(static each => each.Name, StringComparer.Ordinal)]);
        foreach (ExternalTable table in next.Tables.Where(table =>
            before.Find(table.Name)?.Fingerprint != table.Fingerprint))
        {
            ExternalLog.Changed(
                logger, table.Name, before.Find(table.Name) is null ? "is there" : $"is now {table.Location.Text}");
        }

        foreach (ExternalTable gone in before.Tables.Where(table => next.Find(table.Name) is null))
        {
            ExternalLog.Changed(logger, gone.Name, "is gone; its files stay");
        }

        _current = next;
        _told.Tell(mistakes);
    }
}
