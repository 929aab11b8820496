using System.Collections.Immutable;
using Naru.Core;

namespace Naru.External;

[SettingSection("external", "Files that others own and that queries may read as tables.")]
internal sealed record ExternalOptions : ICheckedOptions
{
    [Setting("folders of this machine that tables/*.yaml may name, beside files/ of the project")]
    public ImmutableArray<string> Folders { get; init; } = [];

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        foreach (string folder in Folders.Where(static folder => !folder.StartsWith('/')
            || folder.Trim('/').Length == 0 || folder.Split('/').Any(static part => part == "..")))
        {
            yield return (nameof(Folders), $"'{folder}' is no folder that may be named", "write it as /srv/share");
        }
    }
}
