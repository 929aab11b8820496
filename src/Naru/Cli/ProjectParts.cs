using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Definitions;
using Naru.Watch.Alerts;
using Naru.Yaml;

namespace Naru.Cli;

/// <summary>What a project's folder holds beside its logs, held against them.</summary>
internal sealed class ProjectParts(ProjectFolder project)
{
    public ImmutableArray<AggregatePlan> Aggregates { get; private set; } = [];

    public void Read(ProjectContent content, MistakeList mistakes)
    {
        AlertFolder.Read(project.Files, project.Paths.Alerts, content.LogNames, mistakes);
        KnownLogs logs = new(
            [.. content.Logs.Select(static file => file.Log)],
            [.. content.LogNames.Where(name => content.Logs.All(file => file.Log.FullName != name))]);
        Aggregates = AggregateFolder.Read(project.Files, project.Paths.Aggregates, logs, mistakes);
    }
}
