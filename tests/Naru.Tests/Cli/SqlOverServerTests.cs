using System.Text;
using Naru.Tests.Platform;

namespace Naru.Tests.Cli;

public sealed class SqlOverServerTests
{
    [Fact]
    public async Task Each_form_comes_as_what_it_is_called()
    {
        using PlatformProject project = new();
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        foreach ((string form, string begins) in ((string, string)[])[
            ("csv", "n\n7\n"), ("json", "{\""), ("ndjson", "{\"n\":7}\n"), ("xlsx", "PK"), ("parquet", "PAR1")])
        {
            string file = Path.Combine(project.Root, $"answer.{form}");
            (int code, string said) = await PlatformProcess.RunAsync(
                "sql", "SELECT 7 AS n", "--server", platform.Address, "--format", form, "--output", file);
            Assert.True(code == 0, said);
            string text = Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file));
            Assert.True(text.StartsWith(begins, StringComparison.Ordinal), $"{form}: {text}");
        }

        await platform.StopAsync();
    }
}
