using System.Collections.Immutable;
using Naru.Query.Sandbox;

namespace Naru.External;

/// <summary>
/// What of this machine a location may name: below the folders that the operator's settings name, or `files/` of the
/// project; and never, whatever those say, the project's own folders and volumes, nor a folder that holds them. Held
/// against the path without its links, whenever it is used.
/// </summary>
/// <param name="Root">Of the project.</param>
/// <param name="Allowed">As the settings name them.</param>
/// <param name="Volumes">Of the lake, beside the project.</param>
internal sealed record LocationRules(string Root, ImmutableArray<string> Allowed, ImmutableArray<string> Volumes)
{
    /// <summary>The project's folder for files that are kept with it.</summary>
    public const string OwnFolder = "files";

    /// <summary>The folder without links; null when it is not there, or with why it may not be read.</summary>
    public string? Resolve(string path, out (string Message, string Hint)? refusal)
    {
        refusal = null;
        string? folder = FileStamp.RealPath(path);
        if (folder is not null)
        {
            refusal = Refusal(folder);
        }

        return refusal is null ? folder : null;
    }

    /// <summary>Why the folder may not be read; null when it may.</summary>
    private (string Message, string Hint)? Refusal(string folder)
    {
        string root = FileStamp.RealPath(Root) ?? Root;
        if (IsWithin(folder, $"{root}/{OwnFolder}"))
        {
            return null;
        }

        foreach (string own in Volumes.Select(static each => FileStamp.RealPath(each) ?? each).Prepend(root))
        {
            if (IsWithin(folder, own))
            {
                return ($"\"{folder}\" is a folder of the project itself",
                    $"put the files into {OwnFolder}/ of the project, or outside of it");
            }

            if (IsWithin(own, folder))
            {
                return ($"\"{folder}\" holds the project's own folder \"{own}\"",
                    "name a folder that holds nothing but the files, before the first wildcard");
            }
        }

        return Allowed.Any(each => FileStamp.RealPath(each) is { } real && IsWithin(folder, real))
            ? null
            : ($"\"{folder}\" is not among the folders that may be read",
                $"write external: {{folders: [{folder}]}} into naru.yaml, or put the files into {OwnFolder}/ of the "
                + "project");
    }

    public static bool IsWithin(string path, string folder) =>
        path == folder || path.StartsWith(folder.TrimEnd('/') + "/", StringComparison.Ordinal);
}
