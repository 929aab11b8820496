using System.Runtime.CompilerServices;

namespace Naru.Tests;

/// <summary>
/// Expected output kept as files beside the tests. NARU_ACCEPT=1 writes what came out as the new expectation.
/// </summary>
internal static class Golden
{
    /// <summary>The folder of the calling test's source.</summary>
    public static string Folder(string name, [CallerFilePath] string source = "") =>
        Path.Combine(Path.GetDirectoryName(source)!, name);

    public static void Check(string expectedPath, string actual)
    {
        if (Environment.GetEnvironmentVariable("NARU_ACCEPT") == "1")
        {
            File.WriteAllText(expectedPath, actual);
            return;
        }

        string expected = File.Exists(expectedPath) ? File.ReadAllText(expectedPath) : "(no such file)";
        Assert.True(expected == actual, $"{expectedPath} differs; what came out:\n{actual}");
    }
}
