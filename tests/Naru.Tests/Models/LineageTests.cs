using System.Collections.Immutable;
using Naru.Core.Events;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Models;
using Naru.Yaml;

namespace Naru.Tests.Models;

/// <summary>What is made from what, as the statements say.</summary>
public sealed class LineageTests
{
    private static readonly ImmutableArray<TableDescription> Tables =
        [Table("kr_shop", "order"), Table("kr_shop", "click"), Table("agg", "clicks"), Table("naru", "queries")];

    [Fact]
    public void It_goes_through_subqueries_and_names_of_with_to_the_tables_themselves()
    {
        Lineage lineage = Read(
            ("t2_a", """
                WITH orders AS (SELECT * FROM kr_shop.order), clicks AS (SELECT n FROM kr_shop.click)
                SELECT n FROM orders WHERE n IN (SELECT n FROM clicks)
                """),
            ("t3_b", """
                -- check: relationship(n, kr_shop.click.n)
                SELECT n FROM t2_a UNION ALL SELECT n FROM agg.clicks
                """),
            ("t3_c", "SELECT n FROM mart.t3_b JOIN naru.queries USING (n)"));
        Assert.Equal(
            [
                "agg.clicks > mart.t3_b", "kr_shop.click > agg.clicks", "kr_shop.click > mart.t2_a",
                "kr_shop.order > mart.t2_a", "mart.t2_a > mart.t3_b", "mart.t3_b > mart.t3_c",
                "naru.queries > mart.t3_c",
            ],
            EdgesOf(lineage));
        Assert.Equal(
            "log aggregate log model model model table",
            string.Join(' ', ((string[])["kr_shop.click", "agg.clicks", "kr_shop.order", "mart.t2_a", "mart.t3_b",
                "mart.t3_c", "naru.queries"]).Select(name => lineage.Nodes[name].Kind)));
        Assert.Equal(
            ["mart.t2_a > mart.t3_b", "mart.t3_b > mart.t3_c"],
            EdgesOf(lineage.Around("mart.t2_a", false, true)));
        Assert.Equal(
            ["kr_shop.click > mart.t2_a", "kr_shop.order > mart.t2_a"],
            EdgesOf(lineage.Around("mart.t2_a", true, false)));

        // Up and down, and not what the others up there are read by besides.
        Assert.DoesNotContain("agg.clicks > mart.t3_b", EdgesOf(lineage.Around("mart.t2_a", true, true)));
    }

    private static string[] EdgesOf(Lineage lineage) =>
        [.. lineage.Edges.Select(static edge => $"{edge.From} > {edge.To}").Order(StringComparer.Ordinal)];

    private static Lineage Read(params (string Name, string Text)[] files)
    {
        MistakeList mistakes = new();
        ModelSet set = ModelFolder.Compile(
            [.. files.Select(static file => new ModelFile($"models/{file.Name}.sql", file.Name, file.Text))],
            Tables,
            ProjectZone.Utc,
            mistakes);
        Assert.Empty(mistakes.Sorted().Select(static mistake => mistake.ToString()));
        return Lineage.Of(
            set.Models,
            [
                (new LineageNode("kr_shop.order", "log", null), []),
                (new LineageNode("kr_shop.click", "log", null), []),
                (new LineageNode("agg.clicks", "aggregate", null), ["kr_shop.click"]),
            ]);
    }

    private static TableDescription Table(string schema, string name) => new(
        new TableName(schema, name),
        new TableSchema([new Column("n", ColumnType.Int64, true, 1)]),
        "",
        System: false);
}
