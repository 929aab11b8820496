using System.Collections.Immutable;
using Naru.Core.Files;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>A changed log and what was published of it: what an impact test needs.</summary>
internal sealed record ChangedLog(LogFileContent File, LogDefinition Next);

/// <summary>Everything that `naru check` finds.</summary>
internal sealed record CheckReport(
    IReadOnlyList<Mistake> Mistakes,
    ImmutableArray<LogPlan> Plans,
    ImmutableArray<ChangedLog> Changed,
    int LogCount)
{
    /// <summary>What is not wrong, and might be better.</summary>
    public IReadOnlyList<Mistake> Warnings { get; init; } = [];
}

/// <summary>Holds a project's files against what is published, without changing anything.</summary>
internal static class ProjectCheck
{
    /// <summary>Throws <see cref="StorageException"/> when the files or what is published cannot be read.</summary>
    /// <param name="project">The project.</param>
    /// <param name="environment">Variables that override settings.</param>
    /// <param name="others">Reads what else is in the folder, given the logs.</param>
    public static CheckReport Run(
        ProjectFolder project,
        IReadOnlyDictionary<string, string> environment,
        Action<ProjectContent, MistakeList> others)
    {
        MistakeList mistakes = new();
        ProjectContent content = project.Read(environment, mistakes);
        others(content, mistakes);
        DefinitionStore store = DefinitionStore.Open(project.Files, project.Paths.Definitions, TimeProvider.System);
        ImmutableArray<LogPlan> plans = PublishPlan.Make(store.Registry, store.Current, content, mistakes);
        return new CheckReport(
            mistakes.Sorted(),
            plans,
            [.. content.Logs.Select(file => Changed(store, file)).OfType<ChangedLog>()],
            content.LogFiles.Length)
        {
            Warnings = mistakes.Warnings(),
        };
    }

    /// <summary>
    /// A log that is published with another text; null otherwise. Fields are numbered after those that are known.
    /// </summary>
    public static ChangedLog? Changed(DefinitionStore store, LogFileContent file)
    {
        if (store.Registry.Find(file.Log.FullName) is not { } known || known.Texts[^1].Sha256 == file.Sha256)
        {
            return null;
        }

        int next = known.Fields.Max(static field => field.Id);
        IEnumerable<FieldDefinition> fields = file.Log.Fields.Select(field =>
            field with { FieldId = known.Fields.FirstOrDefault(old => old.Name == field.Name)?.Id ?? ++next });
        return new ChangedLog(
            file,
            file.Log with { Id = known.Id, Version = known.Texts[^1].Version + 1, Fields = [.. fields] });
    }
}
