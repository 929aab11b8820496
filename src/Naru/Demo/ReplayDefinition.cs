using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;

namespace Naru.Demo;

/// <summary>
/// A first definition for a file that nobody has described yet: its columns and their types, guessed from the first
/// megabytes. It is written as `logs/replay.NAME.yaml`, for a person to improve.
/// </summary>
internal static class ReplayDefinition
{
    private const string Group = "replay";
    private const int SampleBytesMax = 8 << 20;
    private const int NameLengthMax = 60;

    /// <summary>Columns that often hold an event's time, best first.</summary>
    private static readonly string[] TimeNames =
    [
        "event_time", "timestamp", "time", "ts", "event_timestamp", "eventtime", "created_at", "datetime", "date_time",
        "originaltimestamp", "collector_tstamp",
    ];

    /// <summary>The log's full name; its definition is made unless the project has it already.</summary>
    public static string Ensure(IFileSystem files, ProjectPaths paths, string file)
    {
        string stem = Path.GetFileName(file);
        stem = stem[..(stem.IndexOf('.') is > 0 and var dot ? dot : stem.Length)];
        string log = $"{Group}.{NameOf(stem, "file")}";
        string path = $"{paths.Logs}/{log}{LogFile.Extension}";
        if (!files.FileExists(path))
        {
            string sample = ReadSample(files, file);
            WholeFile.Replace(files, path, Encoding.UTF8.GetBytes(Write(log, stem, sample)));
        }

        return log;
    }

    /// <summary>The definition's text.</summary>
    /// <param name="log">Full name.</param>
    /// <param name="title">What the file is called.</param>
    /// <param name="sample">The file's beginning, whole lines: CSV with a header, or one JSON object a line.</param>
    public static string Write(string log, string title, string sample)
    {
        List<GuessedField> fields = sample.TrimStart().StartsWith('{') ? FromJson(sample) : FromCsv(sample);
        if (fields.Count == 0)
        {
            throw new DemoException(
                "the file has no line with a field in it", "give NDJSON, or CSV whose first line names the columns");
        }

        GuessedField? time = TimeNames
            .Select(name => fields.Find(field => string.Equals(field.Key, name, StringComparison.OrdinalIgnoreCase)))
            .FirstOrDefault(static field => field is not null);
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"log: {log}\n");
        string description = Quote($"Lines of {title}, as guessed from its beginning.");
        text.Append(CultureInfo.InvariantCulture, $"description: {description}\n");
        text.Append("owner: demo\nfields:\n");
        HashSet<string> used = [];
        foreach (GuessedField field in fields.Where(field => field != time))
        {
            string name = NameOf(field.Key, "column");
            for (int number = 2; !used.Add(name); number++)
            {
                name = $"{NameOf(field.Key, "column")}_{number}";
            }

            string from = name == field.Key ? "" : $", from: {Quote(field.Key)}";
            text.Append(CultureInfo.InvariantCulture, $"  {name}: {{type: {field.Type}{from}}}\n");
        }

        if (time is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"time: {Quote(time.Key)}\n");
        }

        return text.Append("max_past: unlimited\nmax_future: unlimited\n").ToString();
    }

    private static string ReadSample(IFileSystem files, string file)
    {
        try
        {
            using IFile opened = files.Open(file, FileOpen.Read);
            byte[] bytes = new byte[(int)Math.Min(opened.Length, SampleBytesMax)];
            int read = opened.Read(bytes, 0);
            bool cut = opened.Length > read;
            if (read > 2 && bytes[0] == 0x1f && bytes[1] == 0x8b)
            {
                (bytes, cut) = Unpack(bytes.AsMemory(0, read).ToArray());
                read = bytes.Length;
            }

            string text = Encoding.UTF8.GetString(bytes, 0, read).TrimStart('\ufeff');
            return cut && text.LastIndexOf('\n') is > 0 and var end ? text[..(end + 1)] : text;
        }
        catch (StorageException exception)
        {
            throw new DemoException(exception.Message, "name a file of NDJSON or CSV that can be read");
        }
    }

    private static (byte[] Bytes, bool Cut) Unpack(byte[] packed)
    {
        using GZipStream gzip = new(new MemoryStream(packed), CompressionMode.Decompress);
        using MemoryStream plain = new();
        byte[] buffer = new byte[65_536];
        try
        {
            int read;
            while (plain.Length < SampleBytesMax && (read = gzip.Read(buffer)) > 0)
            {
                plain.Write(buffer, 0, read);
            }
        }
        catch (InvalidDataException)
        {
            // The sample ends in the middle of the packed file.
        }

        return (plain.ToArray(), true);
    }

    private static List<GuessedField> FromJson(string sample)
    {
        List<GuessedField> fields = [];
        foreach (string line in sample.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                using JsonDocument document = JsonDocument.Parse(line);
                foreach (JsonProperty member in document.RootElement.EnumerateObject())
                {
                    GuessedField? field = fields.Find(known => known.Key == member.Name);
                    if (field is null)
                    {
                        fields.Add(field = new GuessedField(member.Name));
                    }

                    field.See(member.Value);
                }
            }
            catch (Exception exception) when (exception is JsonException or InvalidOperationException)
            {
                // One bad line is for the platform to reject, not for the guess to fail on.
            }
        }

        return fields;
    }

    private static List<GuessedField> FromCsv(string sample)
    {
        string[] lines = sample.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0)
        {
            return [];
        }

        char separator = lines[0].Contains('\t') && !lines[0].Contains(',') ? '\t' : ',';
        List<GuessedField?> columns = [.. Cells(lines[0], separator)
            .Select(static key => key.Length == 0 ? null : new GuessedField(key))];
        foreach (string line in lines.Skip(1))
        {
            List<string> cells = Cells(line, separator);
            for (int index = 0; index < Math.Min(cells.Count, columns.Count); index++)
            {
                columns[index]?.See(cells[index]);
            }
        }

        return [.. columns.OfType<GuessedField>()];
    }

    private static List<string> Cells(string line, char separator)
    {
        List<string> cells = [];
        StringBuilder cell = new();
        bool quoted = false;
        foreach (char letter in line.TrimEnd('\r'))
        {
            if (letter == '"')
            {
                quoted = !quoted;
            }
            else if (letter == separator && !quoted)
            {
                cells.Add(cell.ToString());
                cell.Clear();
            }
            else
            {
                cell.Append(letter);
            }
        }

        cells.Add(cell.ToString());
        return cells;
    }

    /// <summary>A name that a field may have: lower case, digits and underscores, a letter first.</summary>
    private static string NameOf(string key, string otherwise)
    {
        StringBuilder name = new();
        foreach (char letter in key.ToLowerInvariant())
        {
            bool plain = char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter);
            if (plain || (name.Length > 0 && name[^1] != '_'))
            {
                name.Append(plain ? letter : '_');
            }
        }

        string trimmed = name.ToString().Trim('_');
        trimmed = trimmed.Length > NameLengthMax ? trimmed[..NameLengthMax] : trimmed;
        return trimmed.Length > 0 && char.IsAsciiLetterLower(trimmed[0]) ? trimmed
            : trimmed.Length > 0 ? $"{otherwise}_{trimmed}" : otherwise;
    }

    private static string Quote(string text) => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";

    /// <summary>What the values of one column have in common.</summary>
    private sealed class GuessedField(string key)
    {
        private bool _seen;
        private bool _whole = true;
        private bool _number = true;
        private bool _flag = true;
        private bool _nested;

        public string Key { get; } = key;

        public string Type => _nested ? "json"
            : !_seen ? "string"
            : _whole ? "int64"
            : _number ? "double"
            : _flag ? "boolean" : "string";

        public void See(JsonElement value)
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.Null:
                    break;
                case JsonValueKind.Object or JsonValueKind.Array:
                    _nested = true;
                    break;
                case JsonValueKind.String:
                    // A string stays one, even when it looks like a number: zip codes, phone numbers.
                    (_seen, _whole, _number, _flag) = (true, false, false, false);
                    break;
                default:
                    See(value.GetRawText());
                    break;
            }
        }

        public void See(string text)
        {
            if (text.Length == 0)
            {
                return;
            }

            _seen = true;
            CultureInfo culture = CultureInfo.InvariantCulture;
            _whole &= long.TryParse(text, NumberStyles.AllowLeadingSign, culture, out _);
            _number &= double.TryParse(text, NumberStyles.Float, culture, out double number) && double.IsFinite(number);
            _flag &= text is "true" or "false" or "True" or "False";
        }
    }
}
