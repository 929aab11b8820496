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

    [Fact]
    public async Task What_reads_a_snapshot_that_was_never_taken_is_told_to_be_unchecked_and_is_no_mistake()
    {
        Write("sources/db.yaml", """
            source: db
            kind: postgresql
            host: 127.0.0.1
            database: shop
            user: reader
            tls: off
            tables: [{table: public.item, name: t1_db_item}]
            """);
        Write("models/t2_item.sql", "-- owner: test\nSELECT id FROM t1_db_item WHERE p_ymd = $day\n");
        Write("models/t3_item.sql", "-- owner: test\nSELECT count(*) AS n FROM mart.t2_item WHERE p_ymd = $day\n");
        Write("exports/items.yaml", """
            # The shop's own.
            export: items
            owner: local
            table: mart.t3_item
            mode: append
            target: {kind: file, path: out/items, format: csv}
            """);
        Write("queries/T-1.sql", "-- title: right\nSELECT n FROM t3_item, t1_db_item\n");
        (int code, string output) = await PlatformProcess.RunAsync("check", _project.Root);
        Assert.True(code == 0, output);
        foreach (string told in (string[])
            ["models/t2_item.sql: not checked: the columns of t1_db_item",
             "models/t3_item.sql: not checked: the columns of t2_item",
             "exports/items.yaml: not checked: the columns of t3_item"])
        {
            Assert.Contains($"warning: {told} are not known here", output);
        }
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
