using System.Collections.Immutable;
using System.Globalization;
using Naru.Connections;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Models;
using Naru.Yaml;

namespace Naru.Exports;

/// <summary>What a file of `exports/` says, before it is held against the tables.</summary>
internal sealed record ExportContent(
    DefinitionFile File, ExportDefinition Export, string Sql, string? Table, YamlNode Place)
{
    /// <summary>Inputs of which more is read than the interval.</summary>
    public ImmutableArray<(YamlScalar At, InputReach Reach)> DependsOn { get; init; } = [];
}

/// <summary>Reads one file of `exports/` (reference: docs/exports.md).</summary>
internal sealed class ExportFile
{
    public const string Extension = ".yaml";

    public static readonly ImmutableArray<string> Keys =
    [
        "export", "description", "owner", "table", "sql", "rows", "secure", "every", "schedule", "start",
        "wait_for_late", "depends_on", "restate", "retries", "retry_after", "timeout", "ticket", "mode", "key",
        "on_bad_row", "target", "targets",
    ];

    private const int RetriesMax = 100;
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(30);
    private static readonly TimeSpan LongestReach = TimeSpan.FromDays(3_660);

    private readonly DefinitionFile _file;
    private readonly YamlReader _reader;
    private readonly TargetKinds _kinds;
    private readonly MistakeList _mistakes;

    private ExportFile(DefinitionFile file, YamlMapping root, TargetKinds kinds, MistakeList mistakes)
    {
        _file = file;
        _reader = new YamlReader(file.Path, root, Keys, "the export", mistakes);
        _kinds = kinds;
        _mistakes = mistakes;
    }

    /// <summary>Null when anything in the file is wrong; every mistake is noted.</summary>
    /// <param name="file">Its path in the project and its bytes.</param>
    /// <param name="kinds">What a target's `kind` may say.</param>
    /// <param name="zone">The project's.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public static ExportContent? Read(
        DefinitionFile file, TargetKinds kinds, ProjectZone zone, MistakeList mistakes)
    {
        int before = mistakes.Count;
        if (YamlText.Parse(file.Path, file.Bytes, mistakes) is not { } root)
        {
            return null;
        }

        ExportFile reading = new(file, root, kinds, mistakes);
        ExportContent? content = reading.Content(zone);
        reading._reader.End();
        return mistakes.Count == before ? content : null;
    }

    private ExportContent? Content(ProjectZone zone)
    {
        string name = Name();
        ExportMode? mode = Mode();
        ImmutableArray<string> key = [.. (_reader.Texts("key", single: true) ?? []).Select(static each => each.Text)];
        (string sql, string? table, YamlNode place) = Statement(mode);
        ImmutableSortedDictionary<string, TargetDefinition> targets = Targets(mode);
        ModelText? text = ModelText.Read(_file.Path, sql, _mistakes);
        if (mode is ExportMode.Upsert or ExportMode.Mirror && key.IsEmpty)
        {
            _reader.Mistake(
                _reader.Find("mode")!,
                $"'mode: {Word(mode.Value)}' needs a 'key'", "write the columns that tell a row from all others");
        }

        (long? start, bool withData) = Start(zone);
        ExportDefinition? export = text is null || mode is null ? null : new ExportDefinition
        {
            Name = name,
            Description = _reader.Text("description") ?? "",
            Owner = _reader.RequiredText("owner", "write the user with whose rights the rows are read") ?? "",
            Text = text,
            Mode = mode.Value,
            Key = key,
            KeepsBadRows = _reader.Word("on_bad_row", "keep", "fail") != "fail",
            AllowsSecure = _reader.Word("secure", "deny", "allow") == "allow",
            Ticket = _reader.Text("ticket"),
            Timeout = Duration("timeout"),
            Targets = targets,
            Fingerprint = "",
            Every = _reader.Word("every", "hour", "day") == "hour" ? IntervalKind.Hour : IntervalKind.Day,
            Schedule = Schedule(),
            Start = start,
            StartsWithData = withData,
            WaitForLate = Duration("wait_for_late"),
            Restate = _reader.Word("restate", "auto", "manual") == "auto"
                ? Restatement.Automatic : Restatement.Manual,
            Retries = Retries(),
            RetryAfter = Duration("retry_after") ?? TimeSpan.FromMinutes(1),
        };
        ImmutableArray<(YamlScalar At, InputReach Reach)> reaches = DependsOn();
        return export is null ? null : new ExportContent(_file, export, sql, table, place) { DependsOn = reaches };
    }

    public static string Word(ExportMode mode) => mode.ToString().ToLowerInvariant();

    private string Name()
    {
        string? name = _reader.RequiredText("export", $"write 'export: {_file.Name}'");
        if (name is null)
        {
            return "";
        }

        if (LogNames.Fault(name) is { } fault)
        {
            string mend = LogNames.Mended(name) is { } mended ? $"write '{mended}'" : "use lower-case letters";
            _reader.Mistake(_reader.Find("export")!, $"the export's name '{name}' {fault}", mend);
        }
        else if (name != _file.Name)
        {
            _reader.Mistake(
                _reader.Find("export")!,
                $"the export '{name}' is in a file named '{_file.Name}{Extension}'",
                $"name the file '{name}{Extension}'");
        }

        return name;
    }

    private ExportMode? Mode()
    {
        const string Hint = "write append, upsert, mirror or swap";
        if (_reader.RequiredText("mode", Hint) is null)
        {
            return null;
        }

        string? word = _reader.Word("mode", "append", "upsert", "mirror", "swap");
        return word is null ? null : Enum.Parse<ExportMode>(word, ignoreCase: true);
    }

    /// <summary>Of a table the rows of the interval, or all, as the mode wants them.</summary>
    private (string Sql, string? Table, YamlNode Place) Statement(ExportMode? mode)
    {
        string? table = _reader.Text("table");
        string? sql = _reader.Text("sql");
        YamlNode place = _reader.Find("sql") ?? _reader.Find("table") ?? _reader.Mapping;
        if (table is null == sql is null)
        {
            _reader.Mistake(
                place,
                sql is null ? "the export has neither 'table' nor 'sql'" : "the export has 'table' and 'sql'",
                "write either 'table: mart.NAME' or 'sql: SELECT …'");
            return ("", null, place);
        }

        string? rows = _reader.Word("rows", "interval", "all");
        if (sql is not null)
        {
            if (rows is not null)
            {
                _reader.Mistake(
                    _reader.Find("rows")!, "'rows' is of exports of a table", "say in the query which rows go out");
            }

            return (sql, null, place);
        }

        bool all = rows is null ? mode is ExportMode.Mirror or ExportMode.Swap : rows == "all";
        string name = string.Join('.', table!.Split('.').Select(SqlIdentifier.Quote));
        bool hourly = _reader.Find("every") is YamlScalar { Text: "hour" };
        string where = all ? "" : hourly ? " WHERE p_ymd = $day AND p_hour = $hour" : " WHERE p_ymd = $day";
        return ($"SELECT * FROM {name}{where}", table, place);
    }

    private ImmutableSortedDictionary<string, TargetDefinition> Targets(ExportMode? mode)
    {
        ImmutableSortedDictionary<string, TargetDefinition> targets =
            ImmutableSortedDictionary.Create<string, TargetDefinition>(StringComparer.Ordinal);
        if (_reader.Find("target") is null)
        {
            _reader.Mistake(
                _reader.Mapping,
                "the export has no 'target'", "say where rows go: kind: postgresql, host: …, table: …");
        }
        else if (_reader.Keys("target", "{kind: postgresql, host: …, table: …}") is { } mapping
            && Target(mapping, mode) is { } own)
        {
            targets = targets.Add(ExportDefinition.DefaultTarget, own);
        }

        foreach (YamlEntry entry in
            _reader.Keys("targets", "dev: {kind: postgresql, …}")?.Entries ?? [])
        {
            if (LogNames.Fault(entry.Key.Text) is { } || entry.Key.Text == ExportDefinition.DefaultTarget)
            {
                _reader.Mistake(
                    entry.Key,
                    $"the target '{entry.Key.Text}' cannot be called so",
                    "use lower-case letters, as in dev");
            }
            else if (entry.Value is not YamlMapping other)
            {
                _reader.Mistake(
                    entry.Value,
                    $"the target '{entry.Key.Text}' holds {entry.Value.Kind}",
                    "write it as {kind: postgresql, …}");
            }
            else if (Target(other, mode) is { } more)
            {
                targets = targets.SetItem(entry.Key.Text, more);
            }
        }

        return targets;
    }

    private TargetDefinition? Target(YamlMapping mapping, ExportMode? mode)
    {
        string kinds = string.Join(", ", _kinds.Names);
        YamlEntry named = mapping.Entries.FirstOrDefault(static entry => entry.Key.Text == "kind");
        if (named.Value is not YamlScalar { IsNull: false } word)
        {
            _reader.Mistake(mapping, "the target has no 'kind'", $"write one of {kinds}");
            return null;
        }

        if (_kinds.Find(word.Text) is not { } kind)
        {
            string? near = NearestName.Find(word.Text, _kinds.Names);
            _reader.Mistake(
                word,
                $"there is no kind of target '{word.Text}'",
                near is null ? $"kinds: {kinds}" : $"did you mean '{near}'?");
            return null;
        }

        if (mode is { } wanted && !kind.Modes.Contains(wanted))
        {
            _reader.Mistake(
                word,
                $"a target of kind {kind.Name} knows no 'mode: {Word(wanted)}'",
                $"modes: {string.Join(", ", kind.Modes.Select(Word))}");
        }

        YamlReader reader = new(
            _file.Path, mapping, ["kind", .. kind.Keys], $"the target of kind {kind.Name}", _mistakes);
        TargetDefinition target = kind.Read(new ConnectionReader(reader));
        reader.End();
        return target;
    }

    private CronSchedule? Schedule()
    {
        if (_reader.Scalar("schedule", "a schedule such as \"30 4 * * *\"") is not { } scalar)
        {
            return null;
        }

        CronSchedule? schedule = CronSchedule.TryParse(scalar.Text, out string error);
        if (schedule is null)
        {
            _reader.Mistake(scalar, $"'schedule' cannot be read: {error}", "write it as 'schedule: \"30 4 * * *\"'");
        }

        return schedule;
    }

    private (long? Start, bool WithData) Start(ProjectZone zone)
    {
        if (_reader.Scalar("start", "a day such as 2026-11-01, or data") is not { } scalar)
        {
            return (null, false);
        }

        if (scalar.Text == "data")
        {
            return (null, true);
        }

        if (DateOnly.TryParseExact(
            scalar.Text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day))
        {
            int number = day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;
            return (zone.ToUtc(number * ProjectZone.DayMicroseconds), false);
        }

        _reader.Mistake(
            scalar,
            $"'start' is '{scalar.Text}', which is no day",
            "write it as 2026-11-01, or 'data' to begin with the first rows");
        return (null, false);
    }

    private ImmutableArray<(YamlScalar At, InputReach Reach)> DependsOn()
    {
        ImmutableArray<(YamlScalar At, InputReach Reach)>.Builder reaches =
            ImmutableArray.CreateBuilder<(YamlScalar At, InputReach Reach)>();
        foreach (YamlScalar item in _reader.Texts("depends_on", single: true) ?? [])
        {
            string[] words = item.Text.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            TimeSpan back = TimeSpan.Zero;
            if (words.Length == 1 || (words.Length == 2 && DurationText.TryParse(words[1], out back)))
            {
                reaches.Add((item, new InputReach(words[0], back < LongestReach ? back : LongestReach)));
            }
            else
            {
                _reader.Mistake(
                    item,
                    $"'depends_on' has '{item.Text}', which is no table with how far back it is read",
                    "write it as [kr_shop.order 7d, t2_customer]");
            }
        }

        return reaches.ToImmutable();
    }

    private int Retries()
    {
        if (_reader.Scalar("retries", "a whole number") is not { } scalar)
        {
            return 3;
        }

        if (int.TryParse(scalar.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int retries)
            && retries <= RetriesMax)
        {
            return retries;
        }

        _reader.Mistake(scalar, $"'retries' is '{scalar.Text}'", $"write a whole number from 0 to {RetriesMax}");
        return 3;
    }

    private TimeSpan? Duration(string key)
    {
        TimeSpan? duration = _reader.Duration(key, unlimited: false).Value;
        if (duration > LongestWait)
        {
            _reader.Mistake(
                _reader.Find(key)!,
                $"'{key}' is longer than {DurationText.Format(LongestWait)}", "write a shorter one");
        }

        return duration;
    }
}
