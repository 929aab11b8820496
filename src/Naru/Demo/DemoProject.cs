using Naru.Configuration;
using Naru.Core.Files;

namespace Naru.Demo;

/// <summary>The folder that the demo works in: a copy of the sample that is built into the program.</summary>
internal static class DemoProject
{
    private const string TruthName = "truth.json";

    /// <summary>Where the sample stands beside the program.</summary>
    public static string SampleFolder => Path.Combine(AppContext.BaseDirectory, "samples", "shop");

    /// <summary>
    /// True when the folder was made; false when it is a project already, which is then used as it is.
    /// </summary>
    public static bool Prepare(IFileSystem files, ProjectPaths paths)
    {
        if (files.FileExists(paths.SettingsFile))
        {
            return false;
        }

        if (files.DirectoryExists(paths.Root) && files.List(paths.Root).Count > 0)
        {
            throw new DemoException(
                $"'{paths.Root}' holds other files and no project",
                "name a folder that is not there yet: naru demo my-shop");
        }

        Copy(files, SampleFolder, paths.Root);
        return true;
    }

    /// <summary>What the sender counted; each run on one project keeps its own file.</summary>
    public static string TruthFile(IFileSystem files, ProjectPaths paths, DateTimeOffset start)
    {
        string first = $"{paths.Root}/{TruthName}";
        return files.FileExists(first) ? $"{paths.Root}/truth-{start.ToUnixTimeSeconds()}.json" : first;
    }

    private static void Copy(IFileSystem files, string from, string to)
    {
        files.CreateDirectory(to);
        foreach (string name in files.List(from))
        {
            string source = $"{from}/{name}";
            string target = $"{to}/{name}";
            if (files.DirectoryExists(source))
            {
                Copy(files, source, target);
            }
            else
            {
                WholeFile.Replace(files, target, WholeFile.Read(files, source));
            }
        }
    }
}

/// <summary>The demo cannot go on: what is wrong, and the mend.</summary>
internal sealed class DemoException(string message, string hint) : Exception(message)
{
    public string Hint { get; } = hint;
}
