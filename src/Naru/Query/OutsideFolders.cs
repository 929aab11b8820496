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
    /// <summary>Their paths without links, as they are now.</summary>
    public Func<IReadOnlyList<string>> Find { get; set; } = static () => [];

    /// <summary>The folders, and a text that is another when one of them is.</summary>
    public (string Print, IReadOnlyList<string> Folders) Look()
    {
        IReadOnlyList<string> folders = Find();
        StringBuilder print = new();
        foreach (string folder in folders)
        {
            FileStamp? stamp = FileStamp.Of(folder);
            print.Append(CultureInfo.InvariantCulture, $"{folder}\n{stamp?.Device}:{stamp?.Number}\n");
        }

        return (print.ToString(), folders);
    }
}
