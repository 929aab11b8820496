using System.Globalization;
using Naru.Core.Text;

namespace Naru.Core.Schedules;

/// <summary>
/// Reads a cron expression by the grammar that Cronos (HangfireIO/Cronos, README.md) publishes. One object reads one
/// text. Each method answers false with <see cref="Error"/> set: the fact, the field and position, how to mend it.
/// </summary>
internal sealed class CronParser(string text)
{
    private const string FieldNames = "minute hour day-of-month month day-of-week";

    private static readonly Dictionary<string, string> Macros = new(StringComparer.OrdinalIgnoreCase)
    {
        ["@every_second"] = "* * * * * *",
        ["@every_minute"] = "* * * * *",
        ["@hourly"] = "0 * * * *",
        ["@daily"] = "0 0 * * *",
        ["@midnight"] = "0 0 * * *",
        ["@weekly"] = "0 0 * * 0",
        ["@monthly"] = "0 0 1 * *",
        ["@yearly"] = "0 0 1 1 *",
        ["@annually"] = "0 0 1 1 *",
    };

    private string _text = text;
    private int _at;
    private CronField _field = CronField.Second;

    public string Error { get; private set; } = "";

    public bool TryRead(out CronFields fields)
    {
        fields = new CronFields();
        if (!TryExpand())
        {
            return false;
        }

        int[] starts = [.. Starts()];
        if (starts.Length is not (5 or 6))
        {
            Error = starts.Length == 0
                ? $"the schedule is empty; write five fields ({FieldNames}), such as \"0 3 * * *\", or a macro such as "
                    + "@daily"
                : $"the schedule \"{_text.Trim()}\" has {Count(starts.Length, "field")}, not five ({FieldNames}) or "
                    + "six (second first); write * for a field that may be anything";
            return false;
        }

        int next = 0;
        fields.Seconds = 1;
        return (starts.Length == 5 || TryField(CronField.Second, starts[next++], fields, out fields.Seconds))
            && TryField(CronField.Minute, starts[next++], fields, out fields.Minutes)
            && TryField(CronField.Hour, starts[next++], fields, out fields.Hours)
            && TryField(CronField.DayOfMonth, starts[next++], fields, out fields.DaysOfMonth)
            && TryField(CronField.Month, starts[next++], fields, out fields.Months)
            && TryField(CronField.DayOfWeek, starts[next], fields, out fields.DaysOfWeek);
    }

    private char Here => _at < _text.Length ? char.ToUpperInvariant(_text[_at]) : '\0';

    private static string Count(int number, string noun) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {noun}{(number == 1 ? "" : "s")}");

    private static bool IsSpace(char letter) => letter is ' ' or '\t' or '\0';

    private bool TryExpand()
    {
        string trimmed = _text.Trim(' ', '\t');
        if (!trimmed.StartsWith('@'))
        {
            return true;
        }

        if (Macros.TryGetValue(trimmed, out string? expanded))
        {
            _text = expanded;
            return true;
        }

        string meant = NearestName.Find(trimmed, Macros.Keys) is { } near
            ? $"did you mean {near}?"
            : $"the macros are {string.Join(", ", Macros.Keys)}";
        Error = $"there is no macro \"{trimmed}\"; {meant}";
        return false;
    }

    private IEnumerable<int> Starts()
    {
        for (int at = 0; at < _text.Length; at++)
        {
            if (!IsSpace(_text[at]) && (at == 0 || IsSpace(_text[at - 1])))
            {
                yield return at;
            }
        }
    }

    private bool TryField(CronField field, int start, CronFields fields, out ulong bits)
    {
        _at = start;
        _field = field;
        if (!TryWhole(fields, out bits))
        {
            return false;
        }

        return IsSpace(Here) || Fail(Unexpected(), Expected());
    }

    private bool TryWhole(CronFields fields, out ulong bits)
    {
        if (Take('*') || Take('?'))
        {
            fields.IsInterval |= _field.IsTime;
            int step = 1;
            bits = 0;
            if (Take('/') && !TryStep(out step))
            {
                return false;
            }

            bits = _field.Bits(_field.First, _field.Last, step);
            return true;
        }

        if (_field == CronField.DayOfMonth && Take('L'))
        {
            return TryLastDay(fields, out bits);
        }

        bits = 0;
        if (!TryValue(out int value))
        {
            return false;
        }

        if (_field == CronField.DayOfMonth && Take('W'))
        {
            fields.IsNearestWeekday = true;
            bits = _field.Bits(value, value, 1);
            return true;
        }

        if (_field == CronField.DayOfWeek && (Here is 'L' or '#'))
        {
            bits = _field.Bits(value, value, 1);
            return TryWeekdayOfMonth(fields);
        }

        return TryRange(value, fields, out bits) && TryList(fields, ref bits);
    }

    private bool TryList(CronFields fields, ref ulong bits)
    {
        while (Take(','))
        {
            if (!TryValue(out int value) || !TryRange(value, fields, out ulong more))
            {
                return false;
            }

            bits |= more;
        }

        return true;
    }

    /// <summary>What may follow a value: `-high`, `-high/step`, `/step`, or nothing.</summary>
    private bool TryRange(int low, CronFields fields, out ulong bits)
    {
        bits = 0;
        int high = low;
        int step = 1;
        if (Take('-'))
        {
            fields.IsInterval |= _field.IsTime;
            if (!TryValue(out high) || (Take('/') && !TryStep(out step)))
            {
                return false;
            }
        }
        else if (Take('/'))
        {
            fields.IsInterval |= _field.IsTime;
            high = _field.Last;
            if (!TryStep(out step))
            {
                return false;
            }
        }

        bits = _field.Bits(low, high, step);
        return true;
    }

    /// <summary>`L`, `L-3`, `LW`, `L-3W`.</summary>
    private bool TryLastDay(CronFields fields, out ulong bits)
    {
        fields.IsLastDay = true;
        bits = _field.Bits(_field.First, _field.Last, 1);
        if (Take('-') && !TryNumber("days before the last", 0, _field.Last - _field.First, out fields.LastDayOffset))
        {
            return false;
        }

        fields.IsNearestWeekday = Take('W');
        return true;
    }

    /// <summary>`5L`, `5#2`.</summary>
    private bool TryWeekdayOfMonth(CronFields fields)
    {
        if (Take('L'))
        {
            fields.IsLastWeekday = true;
            return true;
        }

        return Take('#') && TryNumber("number of the week", 1, 5, out fields.WeekdayNumber);
    }

    private bool TryStep(out int step) => TryNumber("step", 1, _field.Last, out step);

    private bool TryValue(out int value)
    {
        if (_at + 3 <= _text.Length)
        {
            string letters = _text.Substring(_at, 3).ToUpperInvariant();
            int index = _field.Names.IndexOf(letters);
            if (index >= 0)
            {
                _at += letters.Length;
                value = _field.First + index;
                return char.IsAsciiLetter(Here) && Here != 'L'
                    ? Fail($"\"{Word(_at - letters.Length)}\" is no {_field.Name}", $"write {letters}")
                    : true;
            }
        }

        return TryNumber(null, _field.First, _field.Last, out value);
    }

    private bool TryNumber(string? what, int least, int most, out int value)
    {
        int start = _at;
        long number = 0;
        while (char.IsAsciiDigit(Here))
        {
            number = Math.Min((number * 10) + Here - '0', int.MaxValue);
            _at++;
        }

        value = (int)number;
        string range = string.Create(CultureInfo.InvariantCulture, $"{least} to {most}");
        if (_at == start)
        {
            return Fail(Unexpected(), what is null ? Expected() : $"write the {what}, {range}");
        }

        if (number >= least && number <= most)
        {
            return true;
        }

        string shown = _text[start.._at];
        _at = start;
        return Fail(
            what is null ? $"{shown} is no {_field.Name}" : $"{shown} is out of range for the {what}",
            $"write {range}");
    }

    private bool Take(char letter)
    {
        if (Here != letter)
        {
            return false;
        }

        _at++;
        return true;
    }

    private bool Fail(string fact, string mend)
    {
        Error = string.Create(
            CultureInfo.InvariantCulture,
            $"{fact}, in the field {_field.Name} at position {_at + 1} of \"{_text.Trim()}\"; {mend}");
        return false;
    }

    private string Word(int start)
    {
        int end = start;
        while (end < _text.Length && char.IsAsciiLetter(_text[end]))
        {
            end++;
        }

        return _text[start..end];
    }

    private string Unexpected()
    {
        string word = char.IsAsciiLetter(Here) ? Word(_at) : IsSpace(Here) ? "" : _text[_at].ToString();
        return word.Length == 0 ? "a value is missing" : $"\"{word}\" is not expected";
    }

    private string Expected()
    {
        string values = string.Create(CultureInfo.InvariantCulture, $"{_field.First} to {_field.Last}");
        if (_field.Names.Length > 0)
        {
            values += $" or {_field.Names[0]} to {_field.Names[^1]}";
        }

        string special = _field == CronField.DayOfMonth ? ", the last day L, the nearest weekday 15W"
            : _field == CronField.DayOfWeek ? ", the last Friday 5L, the second Friday 5#2"
            : "";
        return $"write * or {values}, ranges 1-5, steps */2, lists 1,3 of them{special}";
    }
}
