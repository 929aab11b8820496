using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Core.Text;
using Naru.Lake.Columns;

namespace Naru.Definitions;

/// <summary>
/// Writes a definition as the text of its file; <see cref="LogFile"/> reads the same definition back.
/// </summary>
internal static class LogText
{
    private const int LineLengthMax = 110;

    /// <param name="log">What to write; its numbers are left out.</param>
    /// <param name="comments">Lines for the top of the file.</param>
    public static string Write(LogDefinition log, IEnumerable<string> comments)
    {
        StringBuilder text = new();
        foreach (string comment in comments)
        {
            text.Append("# ").Append(comment.ReplaceLineEndings(" ")).Append('\n');
        }

        LogDefinition defaults = log with
        {
            KeepUnknownFields = true,
            MaxFuture = TimeSpan.FromMinutes(10),
            MaxPast = TimeSpan.FromDays(7),
        };
        text.Append("log: ").Append(log.FullName).Append('\n');
        Line(text, "description", log.Description);
        Line(text, "owner", log.Owner);
        Line(text, "screen", log.Screen ?? "");
        text.Append(log.Fields.IsEmpty ? "fields: {}\n" : "fields:\n");
        foreach (FieldDefinition field in log.Fields)
        {
            Field(text, field);
        }

        if (!log.KeepUnknownFields)
        {
            text.Append("unknown_fields: reject\n");
        }

        Line(text, "time", log.TimeKey, "event_time");
        Line(text, "sent", log.SentKey, "sent_at");
        if (!log.IdKeys.SequenceEqual(["event_id", "messageId"]))
        {
            text.Append("id: ").Append(List(log.IdKeys)).Append('\n');
        }

        Line(text, "max_future", Written(log.MaxFuture), Written(defaults.MaxFuture));
        Line(text, "max_past", Written(log.MaxPast), Written(defaults.MaxPast));
        Line(text, "late_after", Written(log.LateAfter), "6h");
        LogLifetime life = log.Lifetime;
        text.Append("lifetime: {secure: ").Append(Written(life.Secure)).Append(", hot: ").Append(Written(life.Hot))
            .Append(", warm: ").Append(Written(life.Warm)).Append(", total: ").Append(Written(life.Total))
                .Append("}\n");
        text.Append(log.PartitionByHour ? "partition: hour\n" : "").Append(log.Retired ? "retired: true\n" : "");
        return text.ToString();
    }

    private static void Line(StringBuilder text, string key, string value, string otherwise = "")
    {
        if (value != otherwise)
        {
            text.Append(key).Append(": ").Append(Scalar(value)).Append('\n');
        }
    }

    private static void Field(StringBuilder text, FieldDefinition field)
    {
        List<string> parts = [$"type: {FieldTypes.Name(field.Type)}"];
        Add("required", field.Required ? "true" : null);
        Add("sensitive", field.Sensitive ? "true" : null);
        Add("from", field.Key == field.Name ? null : Scalar(field.Key));
        Add("min", field.Min?.ToString(CultureInfo.InvariantCulture));
        Add("max", field.Max?.ToString(CultureInfo.InvariantCulture));
        Add("enum", field.Enum.IsEmpty ? null : List(field.Enum));
        Add("pattern", field.Pattern is null ? null : Quoted(field.Pattern));
        Add("length", field.Length?.ToString(CultureInfo.InvariantCulture));
        Add("description", field.Description.Length == 0 ? null : Scalar(field.Description));
        Add("example", field.Example is { Length: > 0 } example ? Example(field, example) : null);
        string line = $"  {field.Name}: {{{string.Join(", ", parts)}}}";
        text.Append(line.Length <= LineLengthMax
            ? line + "\n"
            : $"  {field.Name}:\n{string.Concat(parts.Select(static part => $"    {part}\n"))}");

        void Add(string key, string? value)
        {
            if (value is not null)
            {
                parts.Add($"{key}: {value}");
            }
        }
    }

    private static string Example(FieldDefinition field, string example) =>
        field.Type.Kind == ColumnKind.StringArray
            ? List(JsonSerializer.Deserialize<string[]>(example)!)
            : Scalar(example);

    private static string List(IEnumerable<string> items) => $"[{string.Join(", ", items.Select(Scalar))}]";

    private static string Written(TimeSpan? duration) =>
        duration is { } value ? DurationText.Format(value) : "unlimited";

    /// <summary>Plain where YAML leaves it alone anywhere, else in double quotes.</summary>
    private static string Scalar(string text)
    {
        bool plain = text.Length > 0 && (char.IsAsciiLetterOrDigit(text[0]) || text[0] == '/') && text[^1] != ' '
            && text is not ("null" or "true" or "false")
            && text.All(static c => char.IsAsciiLetterOrDigit(c) || "_-./ ;()".Contains(c, StringComparison.Ordinal));
        return plain ? text : Quoted(text);
    }

    /// <summary>A JSON string is a YAML string too.</summary>
    private static string Quoted(string text) => JsonSerializer.Serialize(text, DefinitionsJson.Readable);
}
