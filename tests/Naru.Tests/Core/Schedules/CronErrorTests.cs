using Naru.Core.Schedules;

namespace Naru.Tests.Core.Schedules;

public class CronErrorTests
{
    private const string Values = "ranges 1-5, steps */2, lists 1,3 of them";

    [Theory]
    [InlineData("", "the schedule is empty; write five fields (minute hour day-of-month month day-of-week), such as "
        + "\"0 3 * * *\", or a macro such as @daily")]
    [InlineData("0 3 * *", "the schedule \"0 3 * *\" has 4 fields, not five (minute hour day-of-month month "
        + "day-of-week) or six (second first); write * for a field that may be anything")]
    [InlineData("5", "the schedule \"5\" has 1 field, not five (minute hour day-of-month month day-of-week) or six "
        + "(second first); write * for a field that may be anything")]
    [InlineData("@dayly", "there is no macro \"@dayly\"; did you mean @daily?")]
    [InlineData("@reboot_now", "there is no macro \"@reboot_now\"; the macros are @every_second, @every_minute, "
        + "@hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually")]
    [InlineData("60 * * * *",
        "60 is no minute, in the field minute at position 1 of \"60 * * * *\"; write 0 to 59")]
    [InlineData("60 0 * * * *",
        "60 is no second, in the field second at position 1 of \"60 0 * * * *\"; write 0 to 59")]
    [InlineData("0 24 * * *", "24 is no hour, in the field hour at position 3 of \"0 24 * * *\"; write 0 to 23")]
    [InlineData("0 0 0 * *",
        "0 is no day-of-month, in the field day-of-month at position 5 of \"0 0 0 * *\"; write 1 to 31")]
    [InlineData("0 0 * 13 *", "13 is no month, in the field month at position 7 of \"0 0 * 13 *\"; write 1 to 12")]
    [InlineData("0 0 * * 8",
        "8 is no day-of-week, in the field day-of-week at position 9 of \"0 0 * * 8\"; write 0 to 7")]
    [InlineData("0 0 99999999999999999999 * *", "99999999999999999999 is no day-of-month, in the field day-of-month "
        + "at position 5 of \"0 0 99999999999999999999 * *\"; write 1 to 31")]
    [InlineData("*/0 * * * *",
        "0 is out of range for the step, in the field minute at position 3 of \"*/0 * * * *\"; write 1 to 59")]
    [InlineData("0 */24 * * *",
        "24 is out of range for the step, in the field hour at position 5 of \"0 */24 * * *\"; write 1 to 23")]
    [InlineData("*/ * * * *",
        "a value is missing, in the field minute at position 3 of \"*/ * * * *\"; write the step, 1 to 59")]
    [InlineData("1- * * * *",
        "a value is missing, in the field minute at position 3 of \"1- * * * *\"; write * or 0 to 59, " + Values)]
    [InlineData("1,, * * * *",
        "\",\" is not expected, in the field minute at position 3 of \"1,, * * * *\"; write * or 0 to 59, " + Values)]
    [InlineData("*,5 * * * *",
        "\",\" is not expected, in the field minute at position 2 of \"*,5 * * * *\"; write * or 0 to 59, " + Values)]
    [InlineData("L * * * *",
        "\"L\" is not expected, in the field minute at position 1 of \"L * * * *\"; write * or 0 to 59, " + Values)]
    [InlineData("0 0 * JANUARY *",
        "\"JANUARY\" is no month, in the field month at position 10 of \"0 0 * JANUARY *\"; write JAN")]
    [InlineData("0 0 * Foo *", "\"Foo\" is not expected, in the field month at position 7 of \"0 0 * Foo *\"; write * "
        + "or 1 to 12 or JAN to DEC, " + Values)]
    [InlineData("0 0 * * monday",
        "\"monday\" is no day-of-week, in the field day-of-week at position 12 of \"0 0 * * monday\"; write MON")]
    [InlineData("0 0 1-5W * *", "\"W\" is not expected, in the field day-of-month at position 8 of \"0 0 1-5W * *\"; "
        + "write * or 1 to 31, " + Values + ", the last day L, the nearest weekday 15W")]
    [InlineData("0 0 L-31 * *", "31 is out of range for the days before the last, in the field day-of-month at "
        + "position 7 of \"0 0 L-31 * *\"; write 0 to 30")]
    [InlineData("0 0 L- * *", "a value is missing, in the field day-of-month at position 7 of \"0 0 L- * *\"; write "
        + "the days before the last, 0 to 30")]
    [InlineData("0 0 L,5 * *", "\",\" is not expected, in the field day-of-month at position 6 of \"0 0 L,5 * *\"; "
        + "write * or 1 to 31, " + Values + ", the last day L, the nearest weekday 15W")]
    [InlineData("0 0 * * 5#6", "6 is out of range for the number of the week, in the field day-of-week at position 11 "
        + "of \"0 0 * * 5#6\"; write 1 to 5")]
    [InlineData("0 0 * * 5#", "a value is missing, in the field day-of-week at position 11 of \"0 0 * * 5#\"; write "
        + "the number of the week, 1 to 5")]
    [InlineData("0 0 * * L", "\"L\" is not expected, in the field day-of-week at position 9 of \"0 0 * * L\"; write * "
        + "or 0 to 7 or SUN to SAT, " + Values + ", the last Friday 5L, the second Friday 5#2")]
    public void Says_the_fact_the_place_and_the_mend(string text, string message)
    {
        Assert.Null(CronSchedule.TryParse(text, out string error));
        Assert.Equal(message, error);
    }

    /// <summary>Any text is read or told of, and never throws.</summary>
    [Fact]
    public void Every_text_is_a_schedule_or_has_an_error()
    {
        const string Letters = "0123456789*/-,?LW#@ANJSUN \t\u00e9";
        Random random = TestSeed.Random(out int seed);
        for (int i = 0; i < 50_000; i++)
        {
            char[] letters = (i % 2 == 0 ? "* * * * *" : "0 1-5/2 LW jan,feb 5#2").ToCharArray();
            for (int change = random.Next(4); change > 0; change--)
            {
                letters[random.Next(letters.Length)] = Letters[random.Next(Letters.Length)];
            }

            string text = new(letters);
            CronSchedule? schedule = CronSchedule.TryParse(text, out string error);
            Assert.True(schedule is null == error.Length > 0, $"\"{text}\", seed {seed}");
            schedule?.Next(0, Naru.Core.Events.ProjectZone.Utc, inclusive: true);
        }
    }
}
