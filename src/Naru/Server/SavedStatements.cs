using System.Collections.Frozen;
using Naru.Archive;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Watch;
using Naru.Watch.Alerts;

namespace Naru.Server;

internal static class AlertModule
{
    /// <summary>The watch, with what its queries need of the archive.</summary>
    public static void AddAlerts(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton<ISavedStatements, SavedStatements>();
        services.AddWatch(
            settings.Get<WatchOptions>(), ProjectZone.Of(settings.Get<ProjectOptions>().FindTimeZone()));
    }
}

/// <summary>Saved queries as alerts ask them: with the defaults of their parameters.</summary>
internal sealed class SavedStatements(ArchiveReloader archive, Settings settings, TimeProvider time) : ISavedStatements
{
    public string? Find(string number, out string problem)
    {
        if (!archive.Queries.Current.TryGetValue(number, out Shelved<SavedQuery>? saved))
        {
            problem = $"there is no saved query \"{number}\"";
            return null;
        }

        try
        {
            problem = "";
            return saved.Content.Template.Fill(
                FrozenDictionary<string, string>.Empty,
                time.GetUtcNow(),
                settings.Get<ProjectOptions>().FindTimeZone());
        }
        catch (ParameterException exception)
        {
            problem = $"the saved query \"{number}\": {exception.Message}; {exception.Hint}";
            return null;
        }
    }
}
