namespace Naru.Tests.Platform;

public sealed class WatchTests
{
    /// <summary>
    /// ASP.NET would watch its content root for settings, and with it the data folder: an event for every write of a
    /// segment, 5% of the server's time under load.
    /// </summary>
    [Fact]
    public async Task A_serving_platform_watches_no_folder()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        using PlatformProject project = new();
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        string[] watched =
        [
            .. Directory.GetFiles($"/proc/{platform.Id}/fdinfo")
                .SelectMany(ReadLines)
                .Where(static line => line.StartsWith("inotify", StringComparison.Ordinal)),
        ];
        Assert.Empty(watched);
    }

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (FileNotFoundException)
        {
            // Closed since the folder was listed.
            return [];
        }
    }
}
