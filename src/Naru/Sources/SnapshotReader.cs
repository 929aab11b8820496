using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Yaml;

namespace Naru.Sources;

/// <summary>Reads `tables` of a source: what one of them does not say of its schedule, the source does.</summary>
internal sealed class SnapshotReader(YamlReader source, SourceDefinition definition, ProjectZone zone)
{
    private static readonly ImmutableArray<string> Keys =
    [
        "table", "name", "description", "columns", "except", "types", "empty", "every", "schedule", "start", "retries",
        "retry_after",
    ];

    private static readonly ImmutableArray<string> CursorKeys = ["cursor", "full_every"];

    private const int RetriesMax = 100;
    private const int DecimalDigitsMax = 38;

    public ImmutableArray<SnapshotDefinition> Read()
    {
        if (source.Find("tables") is not { } node)
        {
            return [];
        }

        if (node is not YamlSequence list)
        {
            source.Mistake(
                node, $"'tables' of the source holds {node.Kind}", "write a list of - {table: public.orders}");
            return [];
        }

        ImmutableArray<SnapshotDefinition>.Builder tables = ImmutableArray.CreateBuilder<SnapshotDefinition>();
        foreach (YamlNode item in list.Items)
        {
            YamlMapping? mapping = item switch
            {
                YamlMapping keys => keys,
                YamlScalar { IsNull: false } scalar => new YamlMapping(
                    [new YamlEntry(new YamlScalar("table", false, scalar.Line, scalar.Column), scalar)],
                    scalar.Line,
                    scalar.Column),
                _ => null,
            };
            if (mapping is null)
            {
                source.Mistake(item, $"a table is {item.Kind}", "write it as - {table: public.orders}");
            }
            else if (Table(mapping) is { } table)
            {
                if (tables.FirstOrDefault(each => each.Name == table.Name) is not null)
                {
                    source.Mistake(
                        mapping, $"two tables of the source would fill mart.{table.Name}", "give one of them a `name`");
                }

                tables.Add(table);
            }
        }

        return tables.ToImmutable();
    }

    private SnapshotDefinition? Table(YamlMapping mapping)
    {
        ISourceKind kind = definition.Kind;
        YamlReader reader = new(
            source.File,
            mapping,
            [.. Keys, .. kind.HasCursor ? CursorKeys : [], .. kind.TableKeys],
            "a table of the source",
            source.Mistakes);
        string? text = reader.RequiredText("table", "write the table's name on the server, such as public.orders");
        SourceTableOptions? options = kind.ReadTable(reader);
        reader.End(key => CursorKeys.Contains(key)
            ? $"leave it out: a source of kind {kind.Names[0]} cannot tell what changed, and is read whole each time"
            : null);
        if (text is null)
        {
            return null;
        }

        SourceTableName server = SourceTableName.Parse(text, kind.DefaultSchema);
        IntervalKind every = Holder(reader, "every").Word("every", "day", "hour") == "hour"
            ? IntervalKind.Hour : IntervalKind.Day;
        string? name = Name(reader, server, every);
        return name is null ? null : new SnapshotDefinition
        {
            Source = definition.Name,
            Owner = definition.Owner,
            ServerTable = server,
            Options = options,
            Name = name,
            Description = reader.Text("description") ?? $"{server} of {definition.Name}, as it was after each "
                + (every == IntervalKind.Hour ? "hour" : "day"),
            Columns = Names(reader, "columns"),
            Except = Names(reader, "except"),
            Types = Types(reader),
            Cursor = kind.HasCursor ? reader.Text("cursor") ?? "" : "",
            FullEvery = reader.Knows("full_every") && reader.Duration("full_every", unlimited: true) is (true, var span)
                ? span ?? TimeSpan.MaxValue : TimeSpan.FromDays(7),
            AllowsEmpty = Holder(reader, "empty").Word("empty", "fail", "allow") == "allow",
            Every = every,
            Schedule = Schedule(Holder(reader, "schedule")),
            Start = Start(Holder(reader, "start")),
            Retries = Retries(Holder(reader, "retries")),
            RetryAfter = Holder(reader, "retry_after").Duration("retry_after", unlimited: false).Value
                ?? TimeSpan.FromMinutes(1),
        };
    }

    private YamlReader Holder(YamlReader table, string key) => table.Find(key) is null ? source : table;

    private string? Name(YamlReader reader, SourceTableName table, IntervalKind every)
    {
        if (reader.Scalar("name", "a name for the table in schema mart") is not { } own)
        {
            string? name = SourceNames.TableOf(definition.Name, table, definition.Kind.DefaultSchema, every);
            if (name is null)
            {
                reader.Mistake(
                    reader.Mapping,
                    $"the name that {table} would get in schema mart is too long or cannot be made",
                    $"write a `name` of at most {LogNames.LengthMax} lower-case letters, digits and underscores");
            }

            return name;
        }

        if (LogNames.Fault(own.Text) is { } fault)
        {
            string mend = LogNames.Mended(own.Text) is { } mended ? $"write '{mended}'" : "use lower-case letters";
            reader.Mistake(own, $"the table's name '{own.Text}' {fault}", mend);
            return null;
        }

        return own.Text;
    }

    private static ImmutableArray<string> Names(YamlReader reader, string key) =>
        [.. (reader.Texts(key, single: true) ?? []).Select(static text => text.Text)];

    private ImmutableSortedDictionary<string, ColumnType> Types(YamlReader reader)
    {
        ImmutableSortedDictionary<string, ColumnType> types = ImmutableSortedDictionary<string, ColumnType>.Empty;
        foreach (YamlEntry entry in reader.Keys("types", "{payload: text}")?.Entries ?? [])
        {
            string text = (entry.Value as YamlScalar)?.Text ?? "";
            if (TypeOf(text) is { } type)
            {
                types = types.SetItem(entry.Key.Text, type);
            }
            else
            {
                source.Mistake(
                    entry.Value,
                    $"'{text}' is no type that a column can be read as",
                    "write text, json or decimal(38,6)");
            }
        }

        return types;
    }

    private static ColumnType? TypeOf(string text)
    {
        const string Decimal = "decimal(";
        if (text is "text" or "json")
        {
            return text == "text" ? ColumnType.String : ColumnType.Json;
        }

        if (!text.StartsWith(Decimal, StringComparison.Ordinal) || text[^1] != ')')
        {
            return null;
        }

        string[] parts = text[Decimal.Length..^1].Split(',', StringSplitOptions.TrimEntries);
        return parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int precision)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int scale)
            && precision is > 0 and <= DecimalDigitsMax && scale <= precision
            ? ColumnType.Decimal(precision, scale)
            : null;
    }

    private static CronSchedule? Schedule(YamlReader reader)
    {
        if (reader.Scalar("schedule", "a schedule such as 30 1 * * *") is not { } scalar)
        {
            return null;
        }

        CronSchedule? schedule = CronSchedule.TryParse(scalar.Text, out string error);
        if (schedule is null)
        {
            reader.Mistake(scalar, $"'schedule' cannot be read: {error}", "write it as 'schedule: 30 1 * * *'");
        }

        return schedule;
    }

    private long? Start(YamlReader reader)
    {
        if (reader.Scalar("start", "a day such as 2026-11-01") is not { } scalar)
        {
            return null;
        }

        if (DateOnly.TryParseExact(
            scalar.Text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day))
        {
            return zone.ToUtc((day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber)
                * ProjectZone.DayMicroseconds);
        }

        reader.Mistake(scalar, $"'start' is '{scalar.Text}', which is no day", "write it as 'start: 2026-11-01'");
        return null;
    }

    private static int Retries(YamlReader reader)
    {
        if (reader.Scalar("retries", "a whole number") is not { } scalar)
        {
            return 3;
        }

        if (int.TryParse(scalar.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int retries)
            && retries <= RetriesMax)
        {
            return retries;
        }

        reader.Mistake(scalar, $"'retries' is '{scalar.Text}'", $"write a whole number from 0 to {RetriesMax}");
        return 3;
    }
}
