using System.Globalization;
using System.Text;
using Naru.Query.Sandbox;

namespace Naru.Query;

/// <summary>
/// Folders beside the project's own that queries may read. A worker gets the rules for them when it starts, and a rule
/// is for a folder, not for its name; so a worker is used as long as these are the same folders, and no longer.
/// </summary>
internal sealed class OutsideFolders
{
    private readonly List<Func<IEnumerable<string>>> _finders = [];

    /// <summary>Adds folders: their paths without links, as they are when they are asked for.</summary>
    public void Add(Func<IEnumerable<string>> find)
    {
        lock (_finders)
        {
            _finders.Add(find);
        }
    }

    /// <summary>The folders, and a text that is another when one of them is.</summary>
    public (string Print, IReadOnlyList<string> Folders) Look()
    {
        IReadOnlyList<string> folders;
        lock (_finders)
        {
            folders =
            [
                .. _finders.SelectMany(static find => find()).Distinct(StringComparer.Ordinal)
                    .Order(StringComparer.Ordinal),
            ];
        }

        StringBuilder print = new();
        foreach (string folder in folders)
        {
            FileStamp? stamp = FileStamp.Of(folder);
            print.Append(CultureInfo.InvariantCulture, $"{folder}\n{stamp?.Device}:{stamp?.Number}\n");
        }

        return (print.ToString(), folders);
    }
}
