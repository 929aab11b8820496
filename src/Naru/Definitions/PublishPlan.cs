using System.Collections.Immutable;
using Naru.Core.Text;
using Naru.Core.Topics;
using Naru.Yaml;

namespace Naru.Definitions;

internal enum PublishAction
{
    /// <summary>The text is the published one.</summary>
    None,

    /// <summary>The version stays, its text is new.</summary>
    Text,

    NewVersion,
    NewLog,
}

/// <summary>
/// What publishing one file will do. <see cref="Version"/> and <see cref="Revision"/> are those it will have.
/// </summary>
internal sealed record LogPlan(
    LogFileContent Content,
    PublishAction Action,
    int Version,
    int Revision,
    ImmutableArray<Change> Changes)
{
    public string Name => Content.Log.FullName;

    /// <summary>Given where the change breaks something.</summary>
    public string? Reason =>
        Changes.Any(static change => change.Kind == ChangeKind.Breaking) ? Content.Breaking?.Reason : null;
}

/// <summary>
/// Holds the files of a project against what is published. Pure: `naru check` and the running server ask the same.
/// </summary>
internal static class PublishPlan
{
    /// <summary>The plans of all logs that may be published; what may not is among the mistakes.</summary>
    public static ImmutableArray<LogPlan> Make(
        DefinitionRegistry registry, DefinitionSet published, ProjectContent content, MistakeList mistakes)
    {
        CheckTimezone(registry, content, mistakes);
        foreach (RegistryLog log in registry.Logs)
        {
            bool there = content.LogFiles.Contains(log.Name + LogFile.Extension);
            if (!there && published.TryGet(log.Name, out _))
            {
                mistakes.Add(new Mistake(
                    $"logs/{log.Name}{LogFile.Extension}",
                    $"the file of the published log '{log.Name}' is gone",
                    "put it back; to end the log, write 'retired: true' in it first"));
            }
        }

        ImmutableArray<LogPlan>.Builder plans = ImmutableArray.CreateBuilder<LogPlan>();
        foreach (LogFileContent file in content.Logs)
        {
            CheckRetention(file, content.Settings, mistakes);
            if (Plan(registry, published, file, mistakes) is { } plan)
            {
                plans.Add(plan);
            }
        }

        return plans.ToImmutable();
    }

    private static void CheckTimezone(DefinitionRegistry registry, ProjectContent content, MistakeList mistakes)
    {
        if (content.Settings is not { } settings || registry.Timezone.Length == 0
            || registry.Timezone == settings.Get<Configuration.ProjectOptions>().Timezone)
        {
            return;
        }

        Configuration.SettingValue value = settings.Values.First(static value => value.Setting.Path == "timezone");
        string[] origin = value.Origin.Split(':');
        mistakes.Add(new Mistake(
            origin[0],
            origin is [_, string line] ? int.Parse(line, System.Globalization.CultureInfo.InvariantCulture) : 1,
            1,
            $"'timezone' is '{value.Text}', but days of this project's data were cut in '{registry.Timezone}'",
            $"write 'timezone: {registry.Timezone}', or start a new project"));
    }

    /// <summary>Sensitive values lie in the topic too, so they must leave it before they leave the lake.</summary>
    private static void CheckRetention(LogFileContent file, Configuration.Settings? settings, MistakeList mistakes)
    {
        TopicOptions? topics = settings?.Get<TopicOptions>();
        if (topics is null || !file.Log.HasSecure || file.Log.Lifetime.Secure is not { } secure
            || secure > (topics.KeptTimeMax ?? TimeSpan.MaxValue))
        {
            return;
        }

        string kept = topics.RetentionTime is { } time
            ? $"for {DurationText.Format(time)}, up to an eighth longer"
            : "without end";
        mistakes.Add(
            file.File,
            file.At(["lifetime", "secure"]),
            $"'secure' is {DurationText.Format(secure)}, but received events are kept {kept}",
            "make 'secure' longer, or set a shorter 'retention_time' in section 'topics' of naru.yaml");
    }

    private static LogPlan? Plan(
        DefinitionRegistry registry, DefinitionSet published, LogFileContent file, MistakeList mistakes)
    {
        RegistryLog? known = registry.Find(file.Log.FullName);
        if (known is null)
        {
            return new LogPlan(file, PublishAction.NewLog, 1, 1, []);
        }

        RegistryText last = known.Texts[^1];
        if (last.Sha256 == file.Sha256)
        {
            return new LogPlan(file, PublishAction.None, last.Version, last.Revision, []);
        }

        LogDefinition before = published.Version(known.Id, last.Version);
        ImmutableArray<Change> changes = [.. Compatibility.Compare(before, file.Log, known.Fields)];
        if (!Allowed(file, last.Version, changes, mistakes))
        {
            return null;
        }

        bool decodes = changes.Any(static change => change.Kind != ChangeKind.Text);
        return decodes
            ? new LogPlan(file, PublishAction.NewVersion, last.Version + 1, 1, changes)
            : new LogPlan(file, PublishAction.Text, last.Version, last.Revision + 1, changes);
    }

    private static bool Allowed(LogFileContent file, int version, ImmutableArray<Change> changes, MistakeList mistakes)
    {
        int next = version + 1;
        bool allowed = true;
        foreach (Change change in changes)
        {
            bool forced = file.Breaking?.Version == next;
            if (change.Kind == ChangeKind.Impossible || (change.Kind == ChangeKind.Breaking && !forced))
            {
                string hint = change.Hint.Length > 0 ? change.Hint
                    : $"undo it, or add 'breaking_change: {{version: {next}, reason: …}}' to the file";
                mistakes.Add(file.File, file.At(change.Path), $"breaks version {version}: {change.Message}", hint);
                allowed = false;
            }
        }

        return allowed;
    }
}
