using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Yaml;

namespace Naru.External;

/// <summary>Reads one file of `tables/` (reference: docs/tables.md).</summary>
internal sealed class ExternalFile
{
    public const string Extension = ".yaml";

    public static readonly ImmutableArray<string> Keys =
        ["table", "description", "owner", "location", "format", "columns", "csv", "empty"];

    private static readonly ImmutableArray<string> CsvKeys =
        ["delimiter", "quote", "escape", "null", "header", "skip", "dates", "timestamps"];

    private static readonly ImmutableArray<string> ColumnKeys = ["type", "description"];

    private const int BytesMax = 256 * 1024;
    private const int SkipMax = 1000;

    private readonly YamlReader _reader;

    private ExternalFile(YamlReader reader) => _reader = reader;

    /// <summary>Null when anything in the file is wrong; every mistake is noted.</summary>
    public static ExternalTable? Read(DefinitionFile file, string root, MistakeList mistakes)
    {
        int before = mistakes.Count;
        if (DefinitionFiles.Text(file.Path, file.Bytes, BytesMax, mistakes) is null
            || YamlText.Parse(file.Path, file.Bytes, mistakes) is not { } mapping)
        {
            return null;
        }

        YamlReader reader = new(file.Path, mapping, Keys, "the table", mistakes);
        ExternalTable? table = new ExternalFile(reader).Table(file, root);
        reader.End();
        return mistakes.Count == before ? table : null;
    }

    private ExternalTable? Table(DefinitionFile file, string root)
    {
        Name(file.Name);
        LocationPattern? location = Location(root);
        OutsideFormat? format = Format(location);
        CsvShape csv = Csv(format);
        Dictionary<string, string> comments = new(StringComparer.Ordinal);
        ImmutableArray<Column> columns = Columns(comments);
        if (format == OutsideFormat.Csv && !csv.Header && columns.IsEmpty)
        {
            _reader.Mistake(
                _reader.Mapping, "CSV without a header needs 'columns'", "write the columns in the files' order");
        }

        if (location is null || format is not { } known)
        {
            return null;
        }

        ImmutableArray<Column> partitions = [.. location.Keys.Select(key => Partition(key, columns))];
        return new ExternalTable
        {
            Name = file.Name,
            Description = _reader.Text("description") ?? "",
            Owner = _reader.Text("owner") ?? "",
            Location = location,
            Format = known,
            Csv = csv,
            Columns = [.. columns.Where(column => partitions.All(part => part.Name != column.Name))],
            Partitions = partitions,
            Comments = comments.ToImmutableDictionary(StringComparer.Ordinal),
            AllowsEmpty = _reader.Word("empty", "fail", "allow") == "allow",
            Fingerprint = Convert.ToHexStringLower(SHA256.HashData(file.Bytes)),
        };
    }

    private void Name(string stem)
    {
        if (_reader.RequiredText("table", $"write 'table: {stem}'") is { } name && name != stem)
        {
            _reader.Mistake(
                _reader.Find("table")!,
                $"the table '{name}' is in a file named '{stem}{Extension}'",
                $"name the file '{name}{Extension}', or write 'table: {stem}'");
        }
    }

    private LocationPattern? Location(string root)
    {
        if (_reader.RequiredText("location", "write where the files are, such as /srv/share/partners/*.csv")
            is not { } text)
        {
            return null;
        }

        LocationPattern? location = LocationPattern.TryParse(text, root, out (string Message, string Hint) fault);
        if (location is null)
        {
            _reader.Mistake(_reader.Find("location")!, $"'location' is '{text}', which {fault.Message}", fault.Hint);
        }
        else if (location.Keys.GroupBy(static key => key).FirstOrDefault(static same => same.Count() > 1) is { } twice)
        {
            _reader.Mistake(_reader.Find("location")!, $"'location' names '{twice.Key}=' twice", "leave one out");
        }

        return location;
    }

    /// <summary>By the files' names where it is not said.</summary>
    private OutsideFormat? Format(LocationPattern? location)
    {
        if (_reader.Word("format", "csv", "ndjson", "parquet") is { } word)
        {
            return word switch
            {
                "csv" => OutsideFormat.Csv,
                "ndjson" => OutsideFormat.Ndjson,
                _ => OutsideFormat.Parquet,
            };
        }

        string name = location?.Parts[^1] ?? "";
        string bare = name.EndsWith(".gz", StringComparison.Ordinal) ? name[..^3]
            : name.EndsWith(".zst", StringComparison.Ordinal) ? name[..^4] : name;
        OutsideFormat? known = Path.GetExtension(bare) switch
        {
            ".csv" => OutsideFormat.Csv,
            ".ndjson" or ".jsonl" => OutsideFormat.Ndjson,
            ".parquet" => OutsideFormat.Parquet,
            _ => null,
        };
        if (known is null && _reader.Find("format") is null && location is not null)
        {
            _reader.Mistake(_reader.Mapping, "the table has no 'format'", "write csv, ndjson or parquet");
        }

        return known;
    }

    private ImmutableArray<Column> Columns(Dictionary<string, string> comments)
    {
        if (_reader.Keys("columns", "columns: {id: int64, name: string}") is not { } mapping)
        {
            return [];
        }

        ImmutableArray<Column>.Builder columns = ImmutableArray.CreateBuilder<Column>();
        foreach (YamlEntry entry in mapping.Entries)
        {
            string name = entry.Key.Text;
            if (name.Length is 0 or > 200 || name.Any(char.IsControl))
            {
                _reader.Mistake(entry.Key, $"'{name}' is no name of a column", "write it as the files do");
            }
            else if (columns.Any(column => string.Equals(column.Name, name, StringComparison.OrdinalIgnoreCase)))
            {
                _reader.Mistake(entry.Key, $"the column '{name}' is there twice", "SQL does not tell capitals apart");
            }
            else if (TypeOf(entry, comments) is { } type)
            {
                columns.Add(new Column(name, type, Nullable: true, columns.Count + 1));
            }
        }

        if (columns.Count == 0 && mapping.Entries.IsEmpty)
        {
            _reader.Mistake(mapping, "'columns' of the table is empty", "name the columns, or leave the key out");
        }

        return columns.ToImmutable();
    }

    private ColumnType? TypeOf(YamlEntry entry, Dictionary<string, string> comments)
    {
        YamlScalar? text = entry.Value as YamlScalar;
        if (entry.Value is YamlMapping mapping)
        {
            YamlReader reader = new(
                _reader.File, mapping, ColumnKeys, $"column '{entry.Key.Text}'", _reader.Mistakes);
            text = reader.Scalar("type", "a type such as int64");
            if (text is null && reader.Find("type") is null)
            {
                reader.Mistake(mapping, $"column '{entry.Key.Text}' has no 'type'", "write one such as int64");
            }

            if (reader.Text("description") is { } description)
            {
                comments[entry.Key.Text] = description;
            }

            reader.End();
            if (text is null)
            {
                return null;
            }
        }

        if (text is null || text.IsNull)
        {
            _reader.Mistake(
                entry.Value, $"column '{entry.Key.Text}' holds {entry.Value.Kind}", "write a type such as int64");
            return null;
        }

        if (FieldTypes.TryParse(text.Text, out ColumnType type, out string hint))
        {
            return type;
        }

        _reader.Mistake(text, $"there is no type '{text.Text}'", hint);
        return null;
    }

    /// <summary>Days and hours have the types that they have in the lake.</summary>
    private static Column Partition(string key, ImmutableArray<Column> columns) =>
        columns.FirstOrDefault(column => column.Name == key) ?? new Column(
            key,
            key switch
            {
                LogTables.Ymd => ColumnType.Date,
                LogTables.Hour => ColumnType.Int32,
                _ => ColumnType.String,
            },
            Nullable: true,
            1);

    private CsvShape Csv(OutsideFormat? format)
    {
        if (_reader.Keys("csv", "csv: {delimiter: ';'}") is not { } mapping)
        {
            return CsvShape.Usual;
        }

        if (format is not (null or OutsideFormat.Csv))
        {
            _reader.Mistake(mapping, "'csv' is for tables of format csv", "leave the key out");
        }

        YamlReader reader = new(_reader.File, mapping, CsvKeys, "'csv'", _reader.Mistakes);
        CsvShape csv = new()
        {
            Delimiter = Letter(reader, "delimiter", ",", 4),
            Quote = Letter(reader, "quote", "\"", 1),
            Escape = Letter(reader, "escape", "\"", 1),
            Null = Nulls(reader),
            Header = reader.Boolean("header") ?? true,
            Skip = Skip(reader),
            Dates = reader.Text("dates") ?? "",
            Timestamps = reader.Text("timestamps") ?? "",
        };
        reader.End();
        return csv;
    }

    /// <summary>A text of at most so many letters; `tab` is one.</summary>
    private static string Letter(YamlReader reader, string key, string otherwise, int most)
    {
        if (reader.Find(key) is not YamlScalar scalar)
        {
            return reader.Scalar(key, "a letter")?.Text ?? otherwise;
        }

        string text = scalar.Text is "tab" or "\\t" ? "\t" : scalar.Text;
        if (text.Length > most || (text.Length == 0 && key == "delimiter")
            || text.Any(static letter => letter is '\n' or '\r' or '\0' || letter > 127))
        {
            reader.Mistake(scalar, $"'{key}' of 'csv' is '{scalar.Text}'", "write one letter in quotes, such as ';'");
            return otherwise;
        }

        return text;
    }

    /// <summary>An empty text counts here, unlike elsewhere.</summary>
    private static ImmutableArray<string> Nulls(YamlReader reader) => reader.Find("null") switch
    {
        null => CsvShape.Usual.Null,
        YamlScalar scalar => [scalar.Text],
        YamlSequence list when list.Items.Length > 0 && list.Items.All(static item => item is YamlScalar) =>
            [.. list.Items.Select(static item => ((YamlScalar)item).Text)],
        YamlNode other => Wrong(reader, other),
    };

    private static ImmutableArray<string> Wrong(YamlReader reader, YamlNode node)
    {
        reader.Mistake(node, $"'null' of 'csv' holds {node.Kind}", "write the texts for no value, such as ['', NULL]");
        return CsvShape.Usual.Null;
    }

    private static int Skip(YamlReader reader)
    {
        YamlScalar? skip = reader.Scalar("skip", "a number of lines");
        if (skip is null)
        {
            return 0;
        }

        if (int.TryParse(skip.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int lines) && lines <= SkipMax)
        {
            return lines;
        }

        reader.Mistake(skip, $"'skip' of 'csv' is '{skip.Text}'", $"write a number of lines from 0 to {SkipMax}");
        return 0;
    }
}
