using System.Collections.Frozen;
using Naru.Archive;
using Naru.Configuration;
using Naru.Watch.Alerts;

namespace Naru.Server;

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
