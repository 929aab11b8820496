using System.Collections.Immutable;
using Naru.Core;
using Naru.Core.Files;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>What became of a project's files when they were read last.</summary>
internal sealed record PublishResult(ImmutableArray<LogPlan> Published, IReadOnlyList<Mistake> Mistakes);

/// <summary>
/// The published definitions of a project, on disk and in memory. A file with a mistake never touches what is
/// published:
/// its log goes on with the version that it has. Durable first, then visible: no event is stamped with a version that a
/// crash could take back.
/// </summary>
internal sealed class DefinitionStore : IDefinitionSource
{
    private readonly IFileSystem _files;
    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private DefinitionRegistry _registry;
    private volatile DefinitionSet _current;
    private volatile IReadOnlyList<Mistake> _mistakes = [];
    private bool _inDoubt;

    private DefinitionStore(IFileSystem files, string folder, TimeProvider time)
    {
        _files = files;
        _folder = folder;
        _time = time;
        (_registry, _current) = Load();
    }

    public DefinitionSet Current => _current;

    public DefinitionRegistry Registry => _registry;

    /// <summary>What is wrong with the files as they were read last.</summary>
    public IReadOnlyList<Mistake> Mistakes => _mistakes;

    /// <summary>Loads what is published. Throws <see cref="StorageException"/> when it is damaged.</summary>
    /// <param name="files">The disk.</param>
    /// <param name="folder">`data/definitions`; need not be there yet.</param>
    /// <param name="time">Says when a version was published.</param>
    public static DefinitionStore Open(IFileSystem files, string folder, TimeProvider time) => new(files, folder, time);

    /// <summary>
    /// Publishes every file that is right and may be published. Throws <see cref="StorageException"/>.
    /// </summary>
    /// <param name="content">The project's files.</param>
    /// <param name="mistakes">What reading them found; what may not be published is added.</param>
    public PublishResult Publish(ProjectContent content, MistakeList mistakes)
    {
        lock (_gate)
        {
            if (_inDoubt)
            {
                (_registry, _current) = Load();
                _inDoubt = false;
            }

            ImmutableArray<LogPlan> plans = PublishPlan.Make(_registry, _current, content, mistakes);
            ImmutableArray<LogPlan> changed = [.. plans.Where(static plan => plan.Action != PublishAction.None)];
            if (content.Settings is { } settings && !changed.IsEmpty)
            {
                string timezone = _registry.Timezone.Length > 0
                    ? _registry.Timezone : settings.Get<Configuration.ProjectOptions>().Timezone;
                Write(_registry with { Timezone = timezone }, changed);
            }
            else if (content.Settings is null)
            {
                // Without a time zone no day is known; nothing is published until naru.yaml is mended.
                changed = [];
            }

            _mistakes = mistakes.Sorted();
            return new PublishResult(changed, _mistakes);
        }
    }

    private void Write(DefinitionRegistry registry, ImmutableArray<LogPlan> plans)
    {
        _inDoubt = true;
        _files.CreateDirectory(_folder);
        foreach (LogPlan plan in plans)
        {
            RegistryText text = DefinitionRegistry.WriteText(
                _files,
                _folder,
                plan.Content,
                new RegistryText(plan.Version, plan.Revision, "", "", _time.GetUtcNow(), plan.Reason));
            registry = Apply(registry, plan, text);
        }

        registry.Write(_files, _folder);
        ImmutableArray<LogDefinition> all = registry.ReadAll(_files, _folder);
        CheckKept(all);
        _registry = registry;
        _current = new DefinitionSet(TimeZoneInfo.FindSystemTimeZoneById(registry.Timezone), all);
        _inDoubt = false;
    }

    /// <summary>Numbers are for ever: whatever was published still has its own.</summary>
    private void CheckKept(ImmutableArray<LogDefinition> all)
    {
        foreach (LogDefinition log in _current.Logs)
        {
            LogDefinition? kept = all.FirstOrDefault(next => next.Id == log.Id && next.Version == log.Version);
            Invariant.Hold(kept is not null && kept.FullName == log.FullName);
            Invariant.Hold(kept.Fields.Length == log.Fields.Length);
        }
    }

    private static DefinitionRegistry Apply(DefinitionRegistry registry, LogPlan plan, RegistryText text)
    {
        RegistryLog? known = registry.Find(plan.Name);
        if (known is null)
        {
            int id = registry.Logs.IsEmpty ? 1 : registry.Logs.Max(static log => log.Id) + 1;
            RegistryLog made = new(id, plan.Name, Fields([], plan.Content.Log, first: true), [text]);
            return registry with { Logs = registry.Logs.Add(made) };
        }

        RegistryLog next = known with
        {
            Fields = Fields(known.Fields, plan.Content.Log, first: false),
            Texts = known.Texts.Add(text),
        };
        return registry with { Logs = registry.Logs.Replace(known, next) };
    }

    private static ImmutableArray<RegistryField> Fields(
        ImmutableArray<RegistryField> known, LogDefinition log, bool first)
    {
        ImmutableArray<RegistryField>.Builder fields = ImmutableArray.CreateBuilder<RegistryField>();
        foreach (RegistryField field in known)
        {
            FieldDefinition? now = log.Fields.FirstOrDefault(candidate => candidate.Name == field.Name);
            fields.Add(field with
            {
                Type = now is null ? field.Type : FieldTypes.Name(now.Type),
                Nullable = field.Nullable || now is not { Required: true },
            });
        }

        foreach (FieldDefinition field in log.Fields)
        {
            if (known.All(candidate => candidate.Name != field.Name))
            {
                int id = fields.Count == 0 ? LogTables.FirstFieldId : fields.Max(static other => other.Id) + 1;
                fields.Add(new RegistryField(field.Name, id, FieldTypes.Name(field.Type), !first || !field.Required));
            }
        }

        return fields.ToImmutable();
    }

    private (DefinitionRegistry Registry, DefinitionSet Current) Load()
    {
        DefinitionRegistry registry = DefinitionRegistry.Read(_files, _folder);
        if (registry.Logs.IsEmpty)
        {
            return (registry, DefinitionSet.Empty);
        }

        TimeZoneInfo timeZone = TimeZoneInfo.FindSystemTimeZoneById(registry.Timezone);
        return (registry, new DefinitionSet(timeZone, registry.ReadAll(_files, _folder)));
    }
}
