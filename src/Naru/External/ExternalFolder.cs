using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.External;

/// <summary>Reads all of `tables/`.</summary>
internal static class ExternalFolder
{
    public static readonly DefinitionKind Kind = new("tables", ExternalFile.Extension, "table")
    {
        NameFault = static (kind, path, name) => kind.TableNameFault(path, name),
    };

    /// <summary>Every table that is right, by name; mistakes of all files are noted.</summary>
    /// <param name="files">Where the folder is.</param>
    /// <param name="folder">Its place.</param>
    /// <param name="root">Of the project.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public static ExternalSet Read(IFileSystem files, string folder, string root, MistakeList mistakes) => new(
    [
        .. Kind.Read(files, folder, mistakes)
            .Select(file => ExternalFile.Read(file, root, mistakes)).OfType<ExternalTable>(),
    ]);
}
