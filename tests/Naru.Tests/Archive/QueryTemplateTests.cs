using Naru.Archive;

namespace Naru.Tests.Archive;

/// <summary>Places in a statement that are filled in: what they are, and what is put there.</summary>
public sealed class QueryTemplateTests
{
    private static readonly DateTimeOffset Now = new(2026, 5, 4, 16, 30, 5, TimeSpan.Zero);
    private static readonly TimeZoneInfo Seoul = TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul");

    [Theory]
    [InlineData("SELECT {{a}}", "a", "it's", "SELECT 'it''s'")]
    [InlineData("SELECT {{ n : number }}", "n", "-1.5e3", "SELECT (-1.5e3)")]
    [InlineData("SELECT {{from}}", "from", "2026-05-04", "SELECT DATE '2026-05-04'")]
    [InlineData("SELECT {{at:time}}", "at", "2026-05-04T10:00", "SELECT TIMESTAMP '2026-05-04 10:00'")]
    [InlineData("SELECT {{a}} || '{{a}}' \"{{a}}\" -- {{a}}\n/* {{a}} */ {{a}}", "a", "x",
        "SELECT 'x' || '{{a}}' \"{{a}}\" -- {{a}}\n/* {{a}} */ 'x'")]
    public void Values_go_in_as_literals_and_quoted_places_stay(string text, string name, string value, string sql) =>
        Assert.Equal(sql, Fill(text, (name, value)));

    [Theory]
    [InlineData("{{d:date=today}}", "DATE '2026-05-05'")]
    [InlineData("{{d:date=today-6}}", "DATE '2026-04-29'")]
    [InlineData("{{d:date=yesterday}}", "DATE '2026-05-04'")]
    [InlineData("{{d:date=2026-01-01}}", "DATE '2026-01-01'")]
    [InlineData("{{d:time=today}}", "TIMESTAMP '2026-05-05 00:00'")]
    [InlineData("{{d:time=now-90m}}", "TIMESTAMP '2026-05-05 00:00:05'")]
    [InlineData("{{d:number=50}} {{d}}", "50 50")]
    [InlineData("{{d:text=}}", "''")]
    public void A_default_is_counted_from_now_in_the_projects_zone(string text, string sql) =>
        Assert.Equal(sql, Fill(text));

    [Theory]
    [InlineData("{{a}}", "")]
    [InlineData("{{n:number}}", "1); DROP TABLE x; --")]
    [InlineData("{{n:number}}", "0x10")]
    [InlineData("{{d:date}}", "2026-13-01")]
    [InlineData("{{d:date}}", "2026-05-04' OR 1=1 --")]
    [InlineData("{{at:time}}", "2026-05-04T25:00")]
    public void What_is_no_value_of_its_type_is_refused(string text, string value)
    {
        QueryTemplate template = QueryTemplate.Read(text, []);
        string name = Assert.Single(template.Parameters).Name;
        Dictionary<string, string> values = value.Length == 0 ? [] : new() { [name] = value };
        Assert.Equal(
            name, Assert.Throws<ParameterException>(() => template.Fill(values, Now, Seoul)).Parameter);
    }

    [Fact]
    public void An_example_keeps_lines_and_columns_where_it_can()
    {
        QueryTemplate template = QueryTemplate.Read("SELECT {{amount:number=1}} AS a,\n  {{n:number}} AS b", []);
        Assert.Equal("SELECT 1                   AS a,\n  1            AS b", template.Example());
    }

    [Fact]
    public void What_a_place_says_itself_goes_before_what_the_header_says()
    {
        QueryTemplate template = QueryTemplate.Read(
            "{{a}} {{b=2}}",
            [new("a", ParameterType.Number, "7"), new("b", ParameterType.Number, "9")]);
        Assert.Equal("7 2", template.Fill(new Dictionary<string, string>(), Now, Seoul));
    }

    private static string Fill(string text, params (string Name, string Value)[] values) =>
        QueryTemplate.Read(text, []).Fill(
            values.ToDictionary(static each => each.Name, static each => each.Value), Now, Seoul);
}
