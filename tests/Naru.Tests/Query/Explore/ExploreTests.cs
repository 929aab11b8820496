using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Naru.Access;
using Naru.Query;
using Naru.Query.Explore;

namespace Naru.Tests.Query.Explore;

/// <summary>What the server's SQL answers is what a plain computation over the same events answers.</summary>
public sealed class ExploreTests(ExploreWorld world) : IClassFixture<ExploreWorld>
{
    private static readonly Principal Reader = new() { Name = "reader", Read = ["kr_shop.*"] };

    [Fact]
    public async Task A_trend_counts_every_day_and_the_days_before()
    {
        string[] rows = await world.AskAsync("""
            {"kind": "trend", "from": "2026-05-08", "to": "2026-05-14", "compare": true,
             "events": {"log": "kr_shop.shown", "filters": [{"field": "kind", "is": "is_not", "values": ["home"]}]}}
            """);
        Happening[] events = [.. Of("shown").Where(static each => each.Kind != "home")];
        Assert.Equal(
            Enumerable.Range(8, 7).Select(day => new DateOnly(2026, 5, day)).Select(day =>
                $"{day:yyyy-MM-dd}|{events.Count(each => each.Day == day)}"
                + $"|{events.Count(each => each.Day == day.AddDays(-7))}"),
            rows);
    }

    [Theory]
    [InlineData("users")]
    [InlineData("sum")]
    [InlineData("avg")]
    [InlineData("max")]
    [InlineData("p50")]
    public async Task A_trend_measures_by_the_values_of_a_field(string measure)
    {
        string[] rows = await world.AskAsync($$"""
            {"kind": "trend", "from": "2026-05-01", "to": "2026-05-02", "unit": "hour", "user": "user_id", "top": 2,
             "measure": "{{measure}}", "of": "amount", "by": "kind", "events": {"log": "kr_shop.bought"} }
            """);
        Happening[] events = [.. Of("bought").Where(static each => each.Day <= new DateOnly(2026, 5, 2))];
        string[] top =
        [
            .. events.GroupBy(static each => each.Kind ?? "∅").OrderByDescending(static group => group.Count())
                .ThenBy(static group => group.Key, StringComparer.Ordinal).Take(2).Select(static group => group.Key),
        ];
        string[] groups = [.. top.Append("…").Distinct().Order(StringComparer.Ordinal)];
        List<string> wanted = [];
        for (int hour = 0; hour < 48; hour++)
        {
            DateTime at = new DateTime(2026, 5, 1).AddHours(hour);
            foreach (string group in groups)
            {
                Happening[] these =
                [
                    .. events.Where(each => each.At.AddMinutes(-each.At.Minute) == at
                        && (top.Contains(each.Kind ?? "∅") ? each.Kind ?? "∅" : "…") == group),
                ];
                wanted.Add($"{at:yyyy-MM-ddTHH:mm:ss}+09:00|{group}|{Measure(measure, these)}");
            }
        }

        Assert.Equal(wanted, rows.Select(static row => Rounded(row)));
    }

    [Fact]
    public async Task A_funnel_counts_what_a_search_of_all_chains_counts()
    {
        Random random = TestSeed.Random(out int seed);
        string[] logs = ["shown", "tapped", "bought"];
        for (int round = 0; round < 12; round++)
        {
            FunnelStep[] steps =
            [
                .. Enumerable.Range(0, random.Next(2, 5)).Select(_ => new FunnelStep(
                    logs[random.Next(logs.Length)], random.Next(3) == 0 ? null : ExploreWorld.Kinds[random.Next(2)])),
            ];
            TimeSpan within = TimeSpan.FromHours(random.GetItems([1, 20, 24, 100], 1)[0]);
            bool split = random.Next(2) == 0;
            string question = $$"""
                {"kind": "funnel", "from": "2026-05-03", "to": "2026-05-12", "user": "user_id", "top": 100,
                 "within": "{{within.TotalHours}}h"{{(split ? ", \"by\": \"kind\"" : "")}},
                 "steps": [{{string.Join(", ", steps.Select(static step => step.Json))}}]}
                """;
            string[] rows = await world.AskAsync(question);
            Funnel funnel = new(steps, new DateOnly(2026, 5, 3), new DateOnly(2026, 5, 12), within, split);
            string[] wanted = funnel.Rows(world.Events);
            Assert.True(
                wanted.Order(StringComparer.Ordinal).SequenceEqual(rows.Order(StringComparer.Ordinal)),
                $"seed {seed}: {question}\n{world.Write(question)}\n{string.Join("\n", wanted)}\n---\n"
                + string.Join("\n", rows));
        }
    }

    [Theory]
    [InlineData("day", "tapped")]
    [InlineData("day", "shown")]
    [InlineData("week", "tapped")]
    public async Task A_retention_is_the_triangle_of_who_came_back(string unit, string again)
    {
        string[] rows = await world.AskAsync($$"""
            {"kind": "retention", "from": "2026-05-02", "to": "2026-05-09", "user": "user_id", "unit": "{{unit}}",
             "periods": 3, "again": {"log": "kr_shop.{{again}}"},
             "first": {"log": "kr_shop.shown", "filters": [{"field": "amount", "is": "at_most", "values": ["300"]}]} }
            """);
        int length = unit == "day" ? 1 : 7;
        var firsts = Of("shown")
            .Where(static each => each.Who is not null && each.Amount <= 300
                && each.Day >= new DateOnly(2026, 5, 2) && each.Day <= new DateOnly(2026, 5, 9))
            .GroupBy(static each => each.Who!)
            .ToDictionary(static group => group.Key, static group => group.Min(static each => each.At));
        List<string> wanted = [];
        foreach (var cohort in firsts.GroupBy(first => Start(first.Value, unit)).OrderBy(static group => group.Key))
        {
            for (int period = 0; period <= 3; period++)
            {
                DateOnly start = cohort.Key.AddDays(period * length);
                int came = cohort.Count(first => Of(again).Any(each => each.Who == first.Key && each.At > first.Value
                    && Start(each.At, unit) == start));
                int users = cohort.Count();
                wanted.Add($"{cohort.Key:yyyy-MM-dd}|{users}|{period}|{came}|{Percent(came, users)}");
            }
        }

        Assert.Equal(wanted, rows.Select(static row => Rounded(row)));
    }

    [Fact]
    public async Task A_segment_is_who_meets_every_condition()
    {
        const string Events = """
            "events": {"log": "kr_shop.shown", "filters": [{"field": "kind", "is": "set"}]},
            "deeds": [{"log": "kr_shop.tapped", "times": 3}, {"log": "kr_shop.bought", "times": 0,
              "filters": [{"field": "amount", "is": "more", "values": ["900"]}]}]
            """;
        const string Range = "\"kind\": \"segment\", \"from\": \"2026-05-01\", \"to\": \"2026-05-21\"";
        HashSet<string> tapped =
        [
            .. Of("tapped").Where(static each => each.Who is not null).GroupBy(static each => each.Who!)
                .Where(static group => group.Count() >= 3).Select(static group => group.Key),
        ];
        HashSet<string?> dear =
            [.. Of("bought").Where(static each => each.Amount > 900).Select(static each => each.Who)];
        Happening[] all = [.. Of("shown")];
        Happening[] these =
        [
            .. all.Where(each => each.Kind is not null && each.Who is not null && tapped.Contains(each.Who)
                && !dear.Contains(each.Who)),
        ];
        Assert.NotEmpty(these);
        int users = Users(these);
        Assert.Equal(
            [$"{these.Length}|{users}|{Percent(these.Length, all.Length)}|{Percent(users, Users(all))}"],
            (await world.AskAsync($$"""{{{Range}}, "user": "user_id", {{Events}}}""")).Select(Rounded));
        Assert.Equal(
            these.GroupBy(static each => each.Kind!).OrderByDescending(static group => group.Count())
                .ThenBy(static group => group.Key, StringComparer.Ordinal).Take(3)
                .Select(group => $"{group.Key}|{group.Count()}|{Users(group)}|{Percent(group.Count(), these.Length)}"
                    + $"|{Percent(Users(group), users)}"),
            (await world.AskAsync($$"""{{{Range}}, "user": "user_id", "by": "kind", "top": 3, {{Events}}}"""))
                .Select(Rounded));
    }

    [Theory]
    [InlineData("is", "it's \"odd\" <b>", "it's \"odd\" <b>")]
    [InlineData("is", "x'; DROP TABLE kr_shop.shown; --", null)]
    [InlineData("contains", "ODD\" <", "it's \"odd\" <b>")]
    [InlineData("begins", "sea", "search")]
    [InlineData("is", "{{user}}", null)]
    public async Task Values_of_a_filter_are_texts_whatever_they_say(string word, string value, string? kind)
    {
        string filter = JsonSerializer.Serialize(new { field = "kind", @is = word, values = (string[])[value] });
        string[] rows = await world.AskAsync($$"""
            {"kind": "segment", "from": "2026-05-01", "to": "2026-05-21", "user": "user_id",
             "events": {"log": "kr_shop.shown", "filters": [{{filter}}]} }
            """);
        Assert.StartsWith(
            $"{(kind is null ? 0 : Of("shown").Count(each => each.Kind == kind))}|", rows[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sensitive_fields_are_for_who_may_read_them()
    {
        const string Question = """
            {"kind": "segment", "from": "2026-05-01", "to": "2026-05-21", "user": "phone",
             "events": {"log": "kr_shop.shown"}}
            """;
        QueryException refused = Assert.Throws<QueryException>(() => world.Write(Question, Reader));
        Assert.Equal(QueryCodes.UnknownColumn, refused.Error.Code);
        Principal secure = new() { Name = "reader", Read = ["kr_shop.*"], Secure = ["kr_shop.*"] };
        string[] rows = await world.AskAsync(Question, secure);
        int phones = Of("shown").Select(static each => each.Phone).OfType<string>().Distinct().Count();
        Assert.StartsWith($"{Of("shown").Count()}|{phones}|", rows[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_s_row_filter_gives_the_same_rows()
    {
        Principal home = new()
        {
            Name = "home",
            Roles =
            [
                new Grant
                {
                    Read = ["kr_shop.*"],
                    Rows = ImmutableSortedDictionary<string, string>.Empty.Add("kr_shop.shown", "kind = 'home'"),
                },
            ],
        };
        string[] rows = await world.AskAsync(
            """
            {"kind": "segment", "from": "2026-05-01", "to": "2026-05-21", "user": "user_id", "by": "kind",
             "events": {"log": "kr_shop.shown"}}
            """,
            home);
        Assert.Equal(
            $"home|{Of("shown").Count(static each => each.Kind == "home")}",
            string.Join('|', rows.Single().Split('|')[..2]));
    }

    [Theory]
    [InlineData("""{"kind": "trend", "events": {"log": "kr_shop.none"}}""", "does not exist")]
    [InlineData("""{"kind": "trend", "events": {"log": "kr_shop.shown"}, "by": "knd"}""", "no field \"knd\"")]
    [InlineData("""{"kind": "trend", "events": {"log": "kr_shop.shown"}, "by": "kind\" FROM x"}""", "no field")]
    [InlineData("""{"kind": "trend", "events": {"log": "kr_shop.shown"}, "measure": "sum", "of": "kind"}""", "no num")]
    [InlineData("""{"kind": "trend", "events": {"log": "kr_shop.shown"}, "unit": "minute"}""", "too many by minute")]
    [InlineData("""{"kind": "trend", "events": {"log": "kr_shop.shown"}, "from": "2026-05-02"}""", "one end of the d")]
    [InlineData("""{"kind": "funnel", "user": "user_id", "steps": []}""", "a funnel of 0 steps")]
    [InlineData("""{"kind": "pie"}""", "no analysis \"pie\"")]
    [InlineData(
        """
        {"kind": "trend", "events": {"log": "kr_shop.shown",
         "filters": [{"field": "amount", "is": "is", "values": ["1 OR 1=1"]}]}}
        """,
        "is no value of \"amount\"")]
    public void What_cannot_be_asked_is_said(string question, string message)
    {
        QueryException refused = Assert.Throws<QueryException>(() => world.Write(question, Reader));
        Assert.Contains(message, refused.Error.Message, StringComparison.Ordinal);
    }

    private IEnumerable<Happening> Of(string log) => world.Events.Where(each => each.Log == log);

    private static int Users(IEnumerable<Happening> events) =>
        events.Select(static each => each.Who).OfType<string>().Distinct().Count();

    private static DateOnly Start(DateTime at, string unit)
    {
        DateOnly day = DateOnly.FromDateTime(at);
        return unit == "day" ? day : day.AddDays(-(((int)day.DayOfWeek + 6) % 7));
    }

    private static string Measure(string measure, Happening[] events)
    {
        decimal[] amounts =
            [.. events.Select(static each => each.Amount).OfType<long>().Select(static a => (decimal)a).Order()];
        decimal? value = measure switch
        {
            "users" => Users(events),
            "sum" => amounts.Sum(),
            _ when amounts.Length == 0 => null,
            "avg" => amounts.Average(),
            "max" => amounts.Max(),
            _ => (amounts[(amounts.Length - 1) / 2] + amounts[amounts.Length / 2]) / 2,
        };
        return value is { } number ? Number(number) : "null";
    }

    internal static string Percent(int part, int whole) =>
        whole == 0 ? "null" : Number(Math.Round(100m * part / whole, 2, MidpointRounding.AwayFromZero));

    internal static string Number(decimal number) => number.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>Numbers of the last column, and of columns with a point, with two digits.</summary>
    private static string Rounded(string row)
    {
        string[] cells = row.Split('|');
        for (int i = 0; i < cells.Length; i++)
        {
            bool last = i == cells.Length - 1;
            if ((last || cells[i].Contains('.')) && decimal.TryParse(
                cells[i], NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number))
            {
                cells[i] = Number(number);
            }
        }

        return string.Join('|', cells);
    }
}
