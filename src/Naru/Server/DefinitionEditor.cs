using System.Collections.Immutable;
using System.Security.Cryptography;
using Naru.Cli;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.External;
using Naru.Yaml;

namespace Naru.Server;

/// <summary>What is wrong with a text of a log's file, and what it would do if it were there.</summary>
/// <param name="Mistakes">All of the file, and those that it makes elsewhere in the project.</param>
/// <param name="Plan">Null when the text may not be published.</param>
internal sealed record DefinitionCheck(IReadOnlyList<Mistake> Mistakes, LogPlan? Plan);

/// <summary>A log's file and the hash by which a writer proves what it saw.</summary>
internal sealed record DefinitionText(byte[] Text, string Sha256)
{
    public static DefinitionText Of(byte[] text) => new(text, Convert.ToHexStringLower(SHA256.HashData(text)));
}

/// <summary>Reads, checks and writes the files of a project's logs for those who edit them elsewhere.</summary>
internal sealed class DefinitionEditor(ProjectFolder project, DefinitionStore store, ExternalShapes external)
{
    private readonly Lock _writing = new();

    /// <summary>The file as it is now; null when there is none.</summary>
    public DefinitionText? Read(string log)
    {
        byte[]? text = WholeFile.Read(project.Files, PathOf(log), YamlText.BytesMax + 1);
        return text is null ? null : DefinitionText.Of(text);
    }

    /// <summary>The picture that the published definition names; null when it names none or it is gone.</summary>
    public byte[]? ReadScreen(LogDefinition log, int bytesMax) =>
        log.Screen is { } screen ? WholeFile.Read(project.Files, $"{project.Paths.Root}/{screen}", bytesMax) : null;

    /// <summary>A text that was published.</summary>
    public byte[]? ReadPublished(RegistryText text) =>
        WholeFile.Read(project.Files, $"{project.Paths.Definitions}/{text.File}");

    /// <summary>Holds a text against the project as `naru check` would, were it the log's file.</summary>
    public DefinitionCheck Check(string log, byte[] text)
    {
        string name = log + LogFile.Extension;
        ProjectContent before = project.Read(SettingsReader.ProcessEnvironment(), new MistakeList());
        MistakeList there = new();
        _ = Judge(before, there);

        MistakeList mistakes = new();
        if (project.ReadText(name, text, mistakes) is not { } file)
        {
            return new DefinitionCheck(mistakes.Sorted(), null);
        }

        ProjectContent after = before with
        {
            Logs = [.. before.Logs.Where(other => other.File != file.File), file],
            LogFiles = [.. before.LogFiles.Where(other => other != name), name],
        };
        LogPlan? plan = Judge(after, mistakes).FirstOrDefault(plan => plan.Name == log);
        HashSet<Mistake> known = [.. there.Sorted()];
        return new DefinitionCheck(
            [.. mistakes.Sorted().Where(mistake => mistake.File == file.File || !known.Contains(mistake))], plan);
    }

    /// <summary>
    /// Writes the file, durably, if it still is what its writer saw (null: not there). False when it is another. The
    /// running server publishes it as it does any file of the folder.
    /// </summary>
    public bool TryWrite(string log, byte[] text, string? seen)
    {
        lock (_writing)
        {
            if (Read(log)?.Sha256 != seen)
            {
                return false;
            }

            WholeFile.Replace(project.Files, PathOf(log), text);
            return true;
        }
    }

    private ImmutableArray<LogPlan> Judge(ProjectContent content, MistakeList mistakes)
    {
        new ProjectParts(project) { External = new ExternalFindings(external.Current) }.Read(content, mistakes);
        return PublishPlan.Make(store.Registry, store.Current, content, mistakes);
    }

    private string PathOf(string log) => $"{project.Paths.Logs}/{log}{LogFile.Extension}";
}
