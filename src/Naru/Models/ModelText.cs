using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Query.Gate;
using Naru.Yaml;

namespace Naru.Models;

/// <summary>
/// A model's statement with its parameters: `$from` and `$to` (first instant of the interval and of what follows it),
/// `$day` (date) and `$hour` (0-23) where it begins, `$interval` (its name) and `$name` (the model's). Each is put in
/// as a literal of SQL; in a check `$rows` is the table of the rows that are judged. In strings, quoted names and
/// comments a `$` stays as it is.
/// </summary>
internal sealed class ModelText
{
    private static readonly ImmutableArray<string> Names = ["from", "to", "day", "hour", "interval", "name"];

    private static readonly ImmutableArray<string> NamesOfChecks = [.. Names, "rows"];

    private readonly ImmutableArray<Part> _parts;

    private ModelText(ImmutableArray<Part> parts) => _parts = parts;

    /// <summary>Whether it reads of which interval it is one of, and so cannot fill several at once.</summary>
    public bool NamesOneInterval => _parts.Any(static part => part.Parameter is "day" or "hour" or "interval");

    /// <summary>Whether it reads of any interval at all; else it reads the same whatever the interval.</summary>
    public bool NamesInterval => _parts.Any(static part => part.Parameter is not (null or "name" or "rows"));

    public static ModelText? Read(string file, string text, MistakeList mistakes) =>
        Read(file, text, Names, mistakes);

    /// <summary>The statement of a check.</summary>
    public static ModelText? ReadCheck(string file, string text, MistakeList mistakes) =>
        Read(file, text, NamesOfChecks, mistakes);

    private static ModelText? Read(string file, string text, ImmutableArray<string> names, MistakeList mistakes)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        ImmutableArray<Part>.Builder parts = ImmutableArray.CreateBuilder<Part>();
        SqlLexer lexer = new(bytes);
        int start = 0;
        int wrong = mistakes.Count;
        SqlToken token = lexer.Next();
        while (token.Kind is not (SqlTokenKind.End or SqlTokenKind.Broken))
        {
            SqlToken next = lexer.Next();
            if (token.Kind == SqlTokenKind.Symbol && bytes[token.Start] == '$' && next.Start == token.End
                && next.Kind is SqlTokenKind.Word or SqlTokenKind.Number)
            {
                string name = Encoding.UTF8.GetString(bytes.AsSpan(next.Start, next.End - next.Start));
                if (!names.Contains(name))
                {
                    (int line, int column) = PlaceOf(bytes, token.Start);
                    string? near = NearestName.Find(name, names);
                    mistakes.Add(new Mistake(
                        file,
                        line,
                        column,
                        $"there is no parameter ${name}",
                        near is null
                            ? $"parameters: {string.Join(", ", names.Select(static each => "$" + each))}"
                            : $"did you mean ${near}?"));
                }

                parts.Add(new Part(Encoding.UTF8.GetString(bytes.AsSpan(start, token.Start - start)), name));
                start = next.End;
                next = lexer.Next();
            }

            token = next;
        }

        parts.Add(new Part(Encoding.UTF8.GetString(bytes.AsSpan(start)), null));
        return mistakes.Count > wrong ? null : new ModelText(parts.ToImmutable());
    }

    /// <summary>The statement for [from, to): one interval, or several where it does not name one.</summary>
    public string Bind(string model, Interval range, IntervalCalendar calendar)
    {
        StringBuilder sql = new();
        foreach (Part part in _parts)
        {
            sql.Append(part.Text);
            if (part.Parameter is { } parameter)
            {
                sql.Append(Value(parameter, model, range, calendar));
            }
        }

        return sql.ToString();
    }

    /// <summary>The words of the statement, for finding which models it names.</summary>
    public static HashSet<string> Words(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        HashSet<string> words = new(SqlName.Comparer);
        SqlLexer lexer = new(bytes);
        for (SqlToken token = lexer.Next();
            token.Kind is not (SqlTokenKind.End or SqlTokenKind.Broken);
            token = lexer.Next())
        {
            if (token.Kind is SqlTokenKind.Word or SqlTokenKind.QuotedName)
            {
                words.Add(Encoding.UTF8.GetString(bytes.AsSpan(token.Start, token.End - token.Start)).Trim('"'));
            }
        }

        return words;
    }

    private static string Value(string parameter, string model, Interval range, IntervalCalendar calendar)
    {
        int day = calendar.Zone.DayAt(range.First, out int hour);
        return parameter switch
        {
            "from" => Instant(range.First),
            "to" => Instant(range.End),
            "day" => $"(DATE '{Date(day)}')",
            "hour" => hour.ToString(CultureInfo.InvariantCulture),
            "interval" => $"'{calendar.Name(range)}'",
            "rows" => Checks.CheckCompiler.Rows.ToString(),
            _ => $"'{model}'",
        };
    }

    /// <summary>2026-11-21.</summary>
    public static string Date(int day) =>
        DateOnly.FromDayNumber(DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber + day)
            .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Instant(long microseconds)
    {
        Invariant.Hold(microseconds is > ProjectZone.FirstMicroseconds and < ProjectZone.LastMicroseconds);
        DateTimeOffset time = DateTimeOffset.UnixEpoch.AddTicks(microseconds * 10);
        return string.Create(
            CultureInfo.InvariantCulture, $"(TIMESTAMPTZ '{time:yyyy-MM-dd HH:mm:ss.ffffff}+00:00')");
    }

    private static (int Line, int Column) PlaceOf(ReadOnlySpan<byte> bytes, int offset)
    {
        ReadOnlySpan<byte> before = bytes[..offset];
        int line = before.Count((byte)'\n') + 1;
        int start = before.LastIndexOf((byte)'\n') + 1;
        return (line, Encoding.UTF8.GetCharCount(before[start..]) + 1);
    }

    /// <summary>Text, then the parameter behind it; null at the end.</summary>
    private readonly record struct Part(string Text, string? Parameter);
}
