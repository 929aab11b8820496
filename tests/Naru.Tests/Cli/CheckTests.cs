using Naru.Tests.Platform;

namespace Naru.Tests.Cli;

/// <summary>`naru check` on what people keep: saved queries, dashboards, alerts on queries.</summary>
public sealed class CheckTests : IDisposable
{
    private readonly PlatformProject _project = new("""
        log: t.tap
        description: A tap.
        owner: test
        fields:
          n: {type: int64, required: true}
        """);

    public void Dispose() => _project.Dispose();

    [Fact]
    public async Task Everything_that_is_kept_and_wrong_is_told_at_once_with_its_place()
    {
        Write("queries/T-1.sql", "-- title: right\nSELECT count(*) FROM t.tap WHERE n > {{least:number}}\n");
        Write("queries/T-2.sql", "-- title: wrong\nSELECT count(*)\nFROM t.tapp\n");
        Write("dashboards/one.yaml", """
            title: One
            owner: test
            tiles:
              - {title: A, query: T-9}
              - {title: B, sql: SELECT m FROM}
            """);
        Write("alerts/inline.yaml", Alert("inline", "sql: SELECT count(*) AS n FROM t.tap WHERE n > {{least}}"));
        Write("alerts/saved.yaml", Alert("saved", "query: T-1"));
        Write("alerts/gone.yaml", Alert("gone", "query: T-8"));
        (int code, string output) = await PlatformProcess.RunAsync("check", _project.Root);
        Assert.True(code == 1, output);
        Assert.Contains(
            "alerts/inline.yaml: the statement has the parameter '{{least}}', which nobody fills in", output);
        Assert.Contains(
            "alerts/saved.yaml: the saved query 'T-1' has the parameter '{{least}}' without a default", output);
        Assert.Contains("alerts/gone.yaml: there is no saved query 'T-8'", output);
        Assert.Contains("queries/T-2.sql:3:6: table \"t.tapp\" does not exist", output);
        Assert.Contains("dashboards/one.yaml:4:5: tile 1: there is no saved query T-9", output);
        Assert.Contains("dashboards/one.yaml:5:5: tile 2: ", output);
        Assert.DoesNotContain("queries/T-1.sql", output);
    }

    private static string Alert(string name, string asks) => $"""
        alert: {name}
        kind: query
        description: Too many.
        owner: local
        {asks}
        column: n
        condition: above
        value: 5
        every: 1m
        """;

    private void Write(string path, string text)
    {
        string file = Path.Combine(_project.Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
