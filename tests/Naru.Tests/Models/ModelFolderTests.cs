using System.Collections.Immutable;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Models;
using Naru.Models.Checks;
using Naru.Yaml;

namespace Naru.Tests.Models;

/// <summary>Files of `models/`: what they become, and what is said of wrong ones.</summary>
public sealed class ModelFolderTests
{
    private static readonly ProjectZone Seoul = ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"));

    private static readonly ImmutableArray<TableDescription> Tables =
    [
        new(
            new TableName("kr_shop", "order"),
            new TableSchema(
            [
                new Column("_event_time", ColumnType.Timestamp, false, 4),
                new Column("order_id", ColumnType.String, true, 100),
                new Column("amount", ColumnType.Decimal(18, 2), true, 101),
                new Column("items", ColumnType.Int32, true, 102),
                new Column("p_ymd", ColumnType.Date, false, 90),
            ]),
            "Orders.",
            System: false),
        new(
            new TableName("kr_shop", "order", ColumnGroup.Secure),
            new TableSchema(
            [
                new Column("phone", ColumnType.String, true, 103), new Column("p_ymd", ColumnType.Date, false, 90),
            ]),
            "Orders.",
            System: false),
    ];

    [Fact]
    public void A_model_has_the_types_of_its_statement_and_reads_what_stands_in_it()
    {
        ModelSet set = Compile(
            ("daily", "-- start: 2026-03-01\nSELECT order_id, sum(amount) AS amount, sum(items) AS items, "
                + "count(*) AS n, $interval AS day FROM kr_shop.order WHERE p_ymd = $day GROUP BY order_id"),
            ("total", "SELECT sum(n) AS n FROM daily WHERE p_ymd = $day"));
        ModelDefinition daily = set.Find("daily")!;
        Assert.Equal(
            "order_id VARCHAR, amount DECIMAL(38,2), items DECIMAL(38,0), n BIGINT, day VARCHAR, p_ymd DATE",
            string.Join(", ", daily.Table.Columns.Columns.Select(static each => $"{each.Name} {each.Type.Sql}")));
        Assert.Equal(["kr_shop.order"], daily.Inputs.Select(static input => input.Table.ToString()));
        Assert.Equal(["mart.daily"], set.Find("total")!.Inputs.Select(static input => input.Table.ToString()));
        Assert.False(daily.GivesPartition);
        ScheduledThings things = new([new Source(set)]);
        Assert.Equal(["total"], things.Downstream(daily).Select(static thing => thing.Name));
        Assert.Same(daily, things.Filling(daily.Table.Name));
    }

    [Fact]
    public void Parameters_are_literals_and_stay_as_they_are_in_strings_names_and_comments()
    {
        MistakeList mistakes = new();
        ModelText text = ModelText.Read(
            "f", "SELECT '$from' AS \"$to\", $from, $to, $day, $hour, $interval, $name -- $day\n", mistakes)!;
        IntervalCalendar calendar = new(Seoul);
        Assert.True(calendar.TryParse("2026-11-21T13+09:00", out Interval hour));
        Assert.Equal(
            "SELECT '$from' AS \"$to\", (TIMESTAMPTZ '2026-11-21 04:00:00.000000+00:00'), "
            + "(TIMESTAMPTZ '2026-11-21 05:00:00.000000+00:00'), (DATE '2026-11-21'), 13, '2026-11-21T13+09:00', 'm' "
            + "-- $day\n",
            text.Bind("m", hour, calendar));
    }

    [Fact]
    public void Only_what_the_statement_says_makes_a_model_another()
    {
        static string Of(string text) => Compile(("a", text)).Models.Single().Fingerprint;
        string one = Of("-- description: one\nSELECT 1 AS n");
        Assert.Equal(one, Of("-- description: two\n-- owner: me\nSELECT 1 AS n"));
        Assert.NotEqual(one, Of("SELECT 2 AS n"));
        Assert.NotEqual(one, Of("-- every: hour\nSELECT 1 AS n"));
    }

    [Theory]
    [InlineData("SELECT * FROM kr_shop.ordr", "table \"kr_shop.ordr\" does not exist; did you mean kr_shop.order?")]
    [InlineData("SELECT amont FROM kr_shop.order", "column \"amont\" does not exist; did you mean amount?")]
    [InlineData("SELECT $form AS x", "there is no parameter $form; did you mean $from?")]
    [InlineData("SELECT 1 AS a, 2 AS a", "two columns are called \"a\"; give one of them another name with AS")]
    [InlineData("SELECT count(*) FROM kr_shop.order", "the column's name \"count_star()\" has '(' in it")]
    [InlineData("SELECT INTERVAL 1 DAY AS long", "column \"long\" is INTERVAL, which a table cannot hold; cast it")]
    [InlineData("DELETE FROM kr_shop.order", "only SELECT, SHOW, DESCRIBE")]
    [InlineData("SELECT 1 AS a; SELECT 2 AS a", "one statement")]
    [InlineData("SELECT phone FROM kr_shop.\"order$secure\"", "cannot read what is sensitive")]
    [InlineData("-- every: week\nSELECT 1 AS a", "a.sql:1:4: 'every' is 'week', which is no interval")]
    [InlineData("-- evry: day\nSELECT 1 AS a", "a header has no 'evry'; did you mean 'every'?")]
    [InlineData("-- schedule: 61 * * * *\nSELECT 1 AS a", "'schedule' cannot be read")]
    [InlineData("-- start: soon\nSELECT 1 AS a", "'start' is 'soon', which is no day")]
    [InlineData("-- depends_on: kr_shop.order 7 days\nSELECT 1 AS a", "no table with how far back it is read")]
    [InlineData("-- depends_on: kr_shop.nope\nSELECT 1 AS a", "'depends_on': table \"kr_shop.nope\" does not exist")]
    [InlineData("-- retries: many\nSELECT 1 AS a", "'retries' is 'many'; write a whole number from 0 to 100")]
    [InlineData("-- pool: big\nSELECT 1 AS a", "there is no pool 'big'; pools: etl, eda")]
    [InlineData("-- restate: often\nSELECT 1 AS a", "'restate' is 'often'")]
    [InlineData("-- timeout: 90d\nSELECT 1 AS a", "'timeout' is '90d', which is no duration up to 30d")]
    [InlineData("-- sla: late\nSELECT 1 AS a", "'sla' is 'late', which is no time and no duration")]
    [InlineData("-- parallel: 0\nSELECT 1 AS a", "'parallel' is '0'; write a whole number from 1 to 64")]
    [InlineData("-- order: random\nSELECT 1 AS a", "'order' is 'random'; write 'oldest' or 'newest'")]
    [InlineData("-- catch_up: some\nSELECT 1 AS a", "'catch_up' is 'some'; write 'all' or 'latest'")]
    [InlineData(
        "-- check: not_nul(a)\nSELECT 1 AS a",
        "a.sql:1:4: there is no check 'not_nul'; did you mean 'not_null'?")]
    [InlineData("-- check: unique a\nSELECT 1 AS a", "there is no check 'unique a'")]
    [InlineData(
        "-- check: unique(a\nSELECT 1 AS a",
        "the check 'unique(a' cannot be read; write it as '-- check: unique")]
    [InlineData("-- check: unique(a + 1)\nSELECT 1 AS a", "the check 'unique(a + 1)' cannot be read")]
    [InlineData("-- check: row_count(half)\nSELECT 1 AS a", "the check 'row_count(half)' cannot be read")]
    [InlineData(
        "-- check: unique(b)\nSELECT 1 AS all_of",
        "a.sql:1:4: the check unique(b): column \"b\" does not exist in the model; columns: all_of, p_ymd")]
    [InlineData(
        "-- check: relationship(a, kr_shop.ordr.items)\nSELECT 1 AS a",
        "table \"kr_shop.ordr\" does not exist; did you mean kr_shop.order?")]
    [InlineData(
        "-- check: relationship(a, kr_shop.order.itms)\nSELECT 1 AS a",
        "table kr_shop.order has no column \"itms\"; did you mean items?")]
    [InlineData(
        "-- check: holds(b > 1)\nSELECT 1 AS a",
        "a.sql:1:4: the check holds(b > 1): column \"b\" does not exist")]
    [InlineData(
        "-- check: no_rows(SELECT * FROM $row)\nSELECT 1 AS a",
        "there is no parameter $row; did you mean $rows?")]
    [InlineData(
        "-- every: day\n-- check: no_rows(SELECT *\n--   FROM $rows\n--   WHERE b = 1)\nSELECT 1 AS a",
        "a.sql:2:4: the check no_rows(SELECT * FROM $rows WHERE b = 1): column \"b\" does not exist")]
    public void What_is_wrong_is_told_with_its_place_and_mend(string text, string told)
    {
        MistakeList mistakes = new();
        ModelSet set = ModelFolder.Compile([new ModelFile("models/a.sql", "a", text)], Tables, Seoul, mistakes);
        Assert.Empty(set.Models);
        Assert.Contains(
            mistakes.Sorted(), mistake => mistake.ToString().Contains(told, StringComparison.Ordinal));
        Assert.All(mistakes.Sorted(), static mistake => Assert.Equal("models/a.sql", mistake.File));
    }

    [Fact]
    public void Checks_are_read_with_how_much_they_matter_over_as_many_lines_as_they_take()
    {
        ModelDefinition model = Compile(("a", """
            -- check: not_null(order_id)
            -- check: warn unique(order_id)
            -- check: fail row_count(-30%, +200%)
            -- check: warn no_rows(SELECT order_id
            --   FROM $rows
            --   WHERE items > 5)
            -- owner: me
            SELECT order_id, items FROM kr_shop.order
            """)).Models.Single();
        Assert.Equal(
            "Fail not_null(order_id); Warn unique(order_id); Fail row_count(-30%, +200%); "
            + "Warn no_rows(SELECT order_id FROM $rows WHERE items > 5)",
            model.ChecksPrint);
        Assert.Equal("me", model.Header.Owner);
        Assert.Equal(new RowBounds(0.3, 2), model.Checks[2].Written.Bounds);
    }

    [Theory]
    [InlineData("place_comparative_db_aggr_30d_daily", "day", null)]
    [InlineData("leisure_impression_timeseries_hourly", "hour", null)]
    [InlineData("place_order_snapshot_daily", "day", null)]
    [InlineData("t1_place_order_snapshot_daily", "day", null)]
    [InlineData("t2_customer", "day", null)]
    [InlineData("t3_seller_exported_jdbc", "day", null)]
    [InlineData("place_order_snapshot_daily", "hour", "says daily, and the model is filled by the hour; name it "
        + "'place_order_snapshot_hourly', or change 'every'")]
    [InlineData("place_order", "day", "does not say what is in it and how often it is filled; name it "
        + "'place_order_aggr_daily', …_timeseries_daily or …_snapshot_daily")]
    [InlineData("t1_order", "hour", "does not say what is in it")]
    [InlineData("order_aggr_daily", "day", "does not say what is in it")]
    public void Names_are_judged_by_the_house_s_rules(string name, string every, string? told)
    {
        ModelDefinition model = Compile((name, $"-- every: {every}\nSELECT 1 AS n")).Models.Single();
        string[] found =
            [.. NamingRules.TryParse("on")!.Judge(model).Select(static each => $"{each.Message}; {each.Hint}")];
        Assert.Equal(told is null ? 0 : 1, found.Length);
        Assert.Contains(told ?? "", found.FirstOrDefault() ?? "", StringComparison.Ordinal);
        Assert.Empty(NamingRules.TryParse("off")!.Judge(model));
        Assert.Equal(
            name.StartsWith("place_", StringComparison.Ordinal),
            !NamingRules.TryParse("place_.*")!.Judge(model).Any());
    }

    [Fact]
    public void A_table_of_a_tier_that_reads_a_higher_one_is_told()
    {
        ModelSet set = Compile(
            ("t3_shop", "SELECT 1 AS n"), ("t2_shop", "SELECT n FROM t3_shop"), ("t3_all", "SELECT n FROM t2_shop"));
        Assert.Equal(
            "t2_shop is of tier 2 and reads t3_shop of tier 3",
            Assert.Single(NamingRules.TryParse("on")!.Judge(set.Find("t2_shop")!)).Message);
        Assert.Empty(NamingRules.TryParse("on")!.Judge(set.Find("t3_all")!));
        Assert.Null(NamingRules.TryParse("(a"));
    }

    [Fact]
    public void Models_that_read_each_other_are_told()
    {
        MistakeList mistakes = new();
        ModelSet set = ModelFolder.Compile(
            [
                new ModelFile("models/a.sql", "a", "SELECT * FROM b"),
                new ModelFile("models/b.sql", "b", "SELECT * FROM mart.a"),
                new ModelFile("models/c.sql", "c", "SELECT 1 AS n"),
            ],
            Tables,
            Seoul,
            mistakes);
        Assert.Equal(["c"], set.Models.Select(static model => model.Name));
        Assert.Equal(2, mistakes.Count);
        Assert.All(mistakes.Sorted(), static mistake =>
            Assert.Contains("stands in a ring of models", mistake.Message, StringComparison.Ordinal));
    }

    private static ModelSet Compile(params (string Name, string Text)[] files)
    {
        MistakeList mistakes = new();
        ModelSet set = ModelFolder.Compile(
            [.. files.Select(static file => new ModelFile($"models/{file.Name}.sql", file.Name, file.Text))],
            Tables,
            Seoul,
            mistakes);
        Assert.Empty(mistakes.Sorted().Select(static mistake => mistake.ToString()));
        return set;
    }

    private sealed class Source(ModelSet models) : IModelSource
    {
        public ModelSet Current { get; } = models;
    }
}
