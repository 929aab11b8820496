using System.Runtime.CompilerServices;

namespace Naru.Tests;

/// <summary>Data that lies beside the repository, in `../shared/data`, on machines that have it.</summary>
internal static class SharedData
{
    /// <summary>The folder's path, or null where it is not there.</summary>
    public static string? Folder(string name, [CallerFilePath] string source = "")
    {
        for (string? at = Path.GetDirectoryName(source); at is not null; at = Path.GetDirectoryName(at))
        {
            string candidate = Path.Combine(at, "shared", "data", name);
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }
}
