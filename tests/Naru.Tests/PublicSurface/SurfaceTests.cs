namespace Naru.Tests.PublicSurface;

/// <summary>
/// What others hold on to, as text files that are reviewed with every change. `NARU_ACCEPT=1 ./test PublicSurface`
/// writes them anew.
/// </summary>
public class SurfaceTests(SurfaceServer server) : IClassFixture<SurfaceServer>
{
    [Fact]
    public void Commands_are_as_reviewed() => Check("commands.txt", Surface.Commands());

    [Fact]
    public void Settings_are_as_reviewed() => Check("settings.txt", Surface.Settings());

    [Fact]
    public void Metrics_are_as_reviewed() =>
        Check("metrics.txt", server.Metrics().Select(static metric => metric.Name));

    [Fact]
    public void Routes_are_as_reviewed() => Check("routes.txt", server.Routes());

    [Fact]
    public void System_tables_are_as_reviewed() =>
        Check("system-tables.txt", Surface.SystemTables(server.SystemTables()));

    private static void Check(string file, IEnumerable<string> lines) =>
        Golden.Check(Golden.Folder(file), string.Concat(lines.Select(static line => line + "\n")));
}
