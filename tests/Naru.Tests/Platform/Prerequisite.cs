namespace Naru.Tests.Platform;

/// <summary>
/// What a test needs of the machine. Where it is absent the test is skipped by name; under CI=true it fails, because a
/// promise that is skipped there is held by nothing.
/// </summary>
internal static class Prerequisite
{
    public static string Strace()
    {
        string? found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Select(static folder => Path.Combine(folder, "strace"))
            .FirstOrDefault(File.Exists);
        Need(found is not null, "needs strace: apt-get install strace");
        return found!;
    }

    public static void Need(bool condition, string reason)
    {
        if (condition)
        {
            return;
        }

        bool inContinuousIntegration =
            string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);
        Assert.False(inContinuousIntegration, reason);
        Assert.Skip(reason);
    }
}
