using System.Collections.Immutable;
using System.Text;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Exports;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Models;
using Naru.Yaml;

namespace Naru.Tests.Exports;

/// <summary>What a file of exports/ may say.</summary>
public sealed class ExportFileTests
{
    private const string Head = "export: orders\nowner: local\nmode: append\n";
    private const string Target = "target: {kind: files, path: out}\n";

    private static readonly ImmutableArray<TableDescription> Tables =
    [
        Table(new TableName("kr_shop", "order")), Table(new TableName("kr_shop", "order", ColumnGroup.Secure)),
    ];

    [Theory]
    [InlineData("mode: apend\ntable: kr_shop.order\n" + Target, "'mode' of the export is 'apend'")]
    [InlineData("mode: upsert\ntable: kr_shop.order\n" + Target, "'mode: upsert' needs a 'key'")]
    [InlineData("mode: append\nkey: nope\ntable: kr_shop.order\n" + Target, "the key's column \"nope\"")]
    [InlineData("mode: append\ntable: kr_shop.ordr\n" + Target, "did you mean kr_shop.order?")]
    [InlineData("mode: append\ntable: kr_shop.order\nsql: SELECT 1 AS n\n" + Target, "has 'table' and 'sql'")]
    [InlineData("mode: mirror\nkey: id\ntable: kr_shop.order\n" + Target, "knows no 'mode: mirror'")]
    [InlineData("mode: append\ntable: kr_shop.order\n", "has no 'target'")]
    [InlineData("mode: append\ntable: kr_shop.order\ntarget: {kind: file}\n", "did you mean 'files'?")]
    [InlineData("mode: append\ntable: kr_shop.order\ntarget: {kind: files, path: ../x}\n", "without '..'")]
    [InlineData("mode: append\nsql: SELECT id, $frm AS f FROM kr_shop.order\n" + Target, "did you mean $from?")]
    [InlineData("mode: append\nsql: SELECT 1 AS n, 2 AS n\n" + Target, "two columns are called")]
    [InlineData("mode: append\ntable: kr_shop.order\nscedule: x\n" + Target, "did you mean 'schedule'?")]
    public void A_mistake_is_told_with_its_mend(string text, string told)
    {
        MistakeList mistakes = new();
        Compile("export: orders\nowner: local\n" + text, mistakes);
        Assert.Contains(told, string.Join("\n", mistakes.Sorted()));
    }

    [Fact]
    public void What_is_sensitive_goes_out_only_where_the_file_says_so()
    {
        string text = Head + Target + "sql: SELECT phone FROM kr_shop.\"order$secure\"\n";
        MistakeList mistakes = new();
        Compile(text, mistakes);
        Assert.Contains("secure: allow", string.Join("\n", mistakes.Sorted()));
        mistakes = new MistakeList();
        Assert.NotNull(Compile(text + "secure: allow\n", mistakes));
        Assert.Empty(mistakes.Sorted());
    }

    [Fact]
    public void A_table_gives_the_rows_of_the_interval_and_a_query_without_one_reads_all()
    {
        MistakeList mistakes = new();
        ExportDefinition export = Compile(Head + Target + "table: kr_shop.order\n", mistakes)!;
        ModelInput input = Assert.Single(export.Inputs);
        Assert.Equal(("kr_shop.order", false), (input.Table.ToString(), input.IsAll));
        Assert.Contains("p_ymd = (DATE '2026-03-01')", export.Text.Bind(
            "orders", ExportSite.Day("2026-03-01"), ExportSite.Calendar));
        export = Compile(Head + Target + "sql: SELECT id FROM kr_shop.order\n", mistakes)!;
        Assert.True(Assert.Single(export.Inputs).IsAll);
    }

    private static ExportDefinition? Compile(string text, MistakeList mistakes) => ExportFolder.Compile(
        [new DefinitionFile("exports/orders.yaml", "orders", Encoding.UTF8.GetBytes(text))],
        Tables,
        ExportsModule.Kinds,
        ProjectZone.Utc,
        mistakes).Exports.FirstOrDefault();

    private static TableDescription Table(TableName name) => new(
        name,
        new TableSchema(
        [
            new Column("id", ColumnType.Int64, true, 100), new Column("phone", ColumnType.String, true, 101),
            new Column("p_ymd", ColumnType.Date, false, 102),
        ]),
        "",
        System: false);
}
