using Naru.Core.Files;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>One file of a folder of definitions: its path in the project, its name without extension.</summary>
internal sealed record DefinitionFile(string Path, string Name, byte[] Bytes);

/// <summary>A folder of the project in which each file defines one thing.</summary>
/// <param name="Folder">Its name in the project.</param>
/// <param name="Extension">Of its files.</param>
/// <param name="Noun">What one file is: `model`.</param>
internal sealed record DefinitionKind(string Folder, string Extension, string Noun)
{
    /// <summary>What to do about a file whose extension is another.</summary>
    public string ExtensionHint { get; init; } = "rename or move it";

    /// <summary>What is wrong with a file, given its path and name; null when nothing is.</summary>
    public Func<DefinitionKind, string, string, Mistake?> NameFault { get; init; } = static (_, _, _) => null;

    /// <summary>Every file that is named as it should be; the others are mistakes.</summary>
    /// <param name="files">Where the folder is.</param>
    /// <param name="folder">Its place.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public IEnumerable<DefinitionFile> Read(IFileSystem files, string folder, MistakeList mistakes)
    {
        foreach (string file in files.List(folder))
        {
            if (DefinitionFiles.IsLeftover(file))
            {
                continue;
            }

            string path = $"{Folder}/{file}";
            if (!file.EndsWith(Extension, StringComparison.Ordinal) || file.Length == Extension.Length)
            {
                mistakes.Add(new Mistake(path, $"is no {Noun}: its name does not end with {Extension}", ExtensionHint));
            }
            else if (NameFault(this, path, file[..^Extension.Length]) is { } fault)
            {
                mistakes.Add(fault);
            }
            else if (WholeFile.Read(files, $"{folder}/{file}") is { } bytes)
            {
                yield return new DefinitionFile(path, file[..^Extension.Length], bytes);
            }
        }
    }

    /// <summary>What is wrong with a name that becomes the name of a table.</summary>
    public Mistake? TableNameFault(string path, string name)
    {
        if (LogNames.Fault(name) is not { } fault)
        {
            return null;
        }

        string mend = LogNames.Mended(name) is { } mended
            ? $"name it '{mended}{Extension}'" : "use lower-case letters";
        return new Mistake(path, $"the {Noun}'s name '{name}' {fault}", mend);
    }
}
