using System.Text;
using Naru.Archive;
using Naru.Yaml;

namespace Naru.Tests.Archive;

/// <summary>Files of dashboards: what they say, and what is told of wrong ones.</summary>
public sealed class DashboardFileTests
{
    [Fact]
    public void A_right_file_says_what_is_shown()
    {
        Dashboard board = Read(
            """
            title: Ads
            tags: [ads, live]
            kind: form
            refresh: 30s
            parameters:
              from: today-6
              campaign: {type: text, default: "", label: Campaign, choices: [c-01, c-02]}
            tiles:
              - {query: SHOP-101, width: 12, height: 3}
              - sql: |
                  SELECT {{from}} FROM kr_ad.click
                chart: bar x=ad_id y=clicks
            """,
            out string[] mistakes)!;
        Assert.Empty(mistakes);
        Assert.True(board.IsForm);
        Assert.Equal(TimeSpan.FromSeconds(30), board.Refresh);
        Assert.Equal(["from", "campaign"], board.Parameters.Select(static each => each.Name));
        Assert.Equal(("today-6", ""), (board.Parameters[0].Default, board.Parameters[1].Default));
        Assert.Equal((12, 3, 6, 2), (
            board.Tiles[0].Width, board.Tiles[0].Height, board.Tiles[1].Width, board.Tiles[1].Height));
        Assert.Equal("bar", board.Tiles[1].Chart!.Kind);
        Assert.Contains("kr_ad.click", board.Names.AsEnumerable());
    }

    [Fact]
    public void Every_mistake_is_told_at_once_with_its_place()
    {
        Assert.Null(Read(
            """
            titel: Ads
            refresh: 1s
            parameters:
              from: {type: day}
              a b: today
              to: {type: date, default: tomorow}
            tiles:
              - {query: SHOP-101, sql: SELECT 1}
              - {title: nothing}
              - {query: ../x, width: 13}
              - {query: SHOP-1, chart: pye}
              - SHOP-1
            """,
            out string[] mistakes));
        string[] expected =
        [
            "d.yaml:10:13: '../x' is no number of a saved query", "d.yaml:10:26: 'width' is '13'",
            "d.yaml:11:28: the chart of tile 4 has no kind 'pye'", "d.yaml:12:5: tile 5 is a single value",
            "d.yaml:1:1: a dashboard has no 'title'", "d.yaml:1:1: unknown key 'titel' in a dashboard",
            "d.yaml:2:10: the dashboard is renewed too often", "d.yaml:4:16: 'type' of parameter 'from' is 'day'",
            "d.yaml:5:3: 'a b' is no name of a parameter", "d.yaml:6:7: the default of parameter 'to' is 'tomorow'",
            "d.yaml:8:5: tile 1 has a query and a statement", "d.yaml:9:5: tile 2 has nothing to show",
        ];
        Assert.Equal(expected, mistakes.Select(static text => text.Split("; ")[0]).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("title: x")]
    [InlineData("title: x\ntiles: []")]
    [InlineData("title: x\ntiles: all")]
    [InlineData("- 1")]
    [InlineData("title: &a x\ntiles: [{query: A}]")]
    public void A_file_without_tiles_is_none(string text)
    {
        Assert.Null(Read(text, out string[] mistakes));
        Assert.NotEmpty(mistakes);
    }

    private static Dashboard? Read(string text, out string[] told)
    {
        MistakeList mistakes = new();
        Dashboard? board = DashboardFile.Read("d.yaml", "d", Encoding.UTF8.GetBytes(text), mistakes);
        told = [.. mistakes.Sorted().Select(static mistake => mistake.ToString())];
        return board;
    }
}
