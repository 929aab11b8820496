using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Sources;
using Naru.Yaml;

namespace Naru.Server;

/// <summary>A change of a source's file that cannot be made: why, and the mend.</summary>
internal sealed class SourceEditException(string message, string hint) : Exception(message)
{
    public string Hint { get; } = hint;
}

/// <summary>
/// Writes files of `sources/` for those who choose in the console: the file that a person would write, and what it said
/// before stays as it was.
/// </summary>
internal sealed class SourceDesk(
    IFileSystem files, ProjectPaths paths, AuditTrail trail, SourceKinds kinds, ProjectZone zone)
{
    /// <summary>Keys of a new source of any kind, which stand behind its kind's own.</summary>
    private static readonly string[] Keys = ["owner", "description", "schedule", "start"];

    /// <summary>Keys of a table.</summary>
    private static readonly string[] TableKeys =
        ["table", "location", "ready", "format", "name", "columns", "cursor", "every", "schedule", "start", "empty"];

    private readonly Lock _gate = new();

    /// <summary>Writes the file of a new source.</summary>
    public void Create(string name, JsonObject fields, Principal asking)
    {
        StringBuilder text = new($"source: {name}\n");
        ISourceKind? kind = kinds.Find(fields["kind"]?.ToString() ?? "");
        foreach (string key in ((string[])["kind", .. kind?.Keys ?? [], .. Keys]).Where(key => HasValue(fields, key)))
        {
            text.Append(CultureInfo.InvariantCulture, $"{key}: {Value(fields[key]!)}\n");
        }

        lock (_gate)
        {
            if (LogNames.Fault(name) is { } fault)
            {
                throw new SourceEditException(
                    $"the source's name '{name}' {fault}", "use lower-case letters, digits and '_'");
            }

            if (files.FileExists(PathOf(name)))
            {
                throw new SourceEditException($"there is a source '{name}' already", "give it another name");
            }

            Write(name, text.ToString(), ("added", ""), asking);
        }
    }

    /// <summary>Adds a table to a source's file.</summary>
    public void Take(string name, JsonObject fields, Principal asking)
    {
        string entry = string.Join(", ", TableKeys.Where(key => HasValue(fields, key))
            .Select(key => $"{key}: {Value(fields[key]!)}"));
        lock (_gate)
        {
            string? before = WholeFile.Read(files, PathOf(name)) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;
            if (before is null)
            {
                throw new SourceEditException($"there is no file sources/{name}.yaml", "add the source first");
            }

            Write(name, With(name, before, entry), ("table added", $"{fields["table"]}"), asking);
        }
    }

    private static string With(string name, string text, string entry)
    {
        YamlMapping? root = YamlText.Parse(name, text, new MistakeList());
        string end = text.EndsWith('\n') || text.Length == 0 ? "" : "\n";
        YamlEntry tables = root?.Entries.FirstOrDefault(static each => each.Key.Text == "tables") ?? default;
        if (tables.Key is null)
        {
            return $"{text}{end}tables:\n  - {{{entry}}}\n";
        }

        bool isLast = root!.Entries.All(each => each.Key.Line <= tables.Key.Line);
        if (!isLast || tables.Value is not YamlSequence { Items.Length: > 0 } list
            || list.Line == tables.Key.Line)
        {
            throw new SourceEditException(
                $"`tables` of sources/{name}.yaml is not a list of lines at its end", "add the table in the file");
        }

        // An item stands two columns behind its dash.
        string indent = new(' ', Math.Max(0, list.Items[0].Column - 3));
        return $"{text}{end}{indent}- {{{entry}}}\n";
    }

    private void Write(string name, string text, (string Change, string Table) what, Principal asking)
    {
        MistakeList mistakes = new();
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        DefinitionFile[] all =
        [
            .. SourceFolder.Files(files, paths.Sources, new MistakeList()).Where(file => file.Name != name),
            new DefinitionFile($"sources/{name}.yaml", name, bytes),
        ];
        SourceSet set = SourceFolder.Compile(all, kinds, zone, mistakes);
        Mistake? first = mistakes.Sorted().FirstOrDefault(mistake => mistake.File == $"sources/{name}.yaml");
        if (first is not null || set.Find(name) is null)
        {
            throw new SourceEditException(first?.Message ?? "the file would be wrong", first?.Hint ?? "");
        }

        trail.Append(asking.Name, "source.change", AuditTrail.Detail(
            ("source", name), ("change", what.Change), ("table", what.Table)));
        files.CreateDirectory(paths.Sources);
        WholeFile.Replace(files, PathOf(name), bytes);
    }

    private string PathOf(string name) => $"{paths.Sources}/{name}{SourceFile.Extension}";

    private static bool HasValue(JsonObject fields, string key) => fields[key] switch
    {
        JsonArray list => list.Count > 0,
        JsonValue value => value.GetValueKind() is JsonValueKind.String or JsonValueKind.Number
            && value.ToString().Length > 0,
        _ => false,
    };

    /// <summary>
    /// In quotes, where JSON's escapes are YAML's: nothing that a field holds becomes YAML of its own.
    /// </summary>
    private static string Value(JsonNode node) => node is JsonArray list
        ? $"[{string.Join(", ", list.Select(static each => Quoted($"{each}")))}]"
        : Quoted(node.ToString());

    private static string Quoted(string text) =>
        text.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-') && !text.StartsWith('-')
            ? text
            : JsonSerializer.Serialize(text, DefinitionsJson.Readable);
}
