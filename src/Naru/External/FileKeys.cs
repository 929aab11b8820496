using System.Collections.Immutable;
using System.Globalization;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Yaml;

namespace Naru.External;

/// <summary>Reads the keys that say what files of others are: of external tables, and of sources.</summary>
internal static class FileKeys
{
    private static readonly ImmutableArray<string> CsvKeys =
        ["delimiter", "quote", "escape", "null", "header", "skip", "dates", "timestamps"];

    private static readonly ImmutableArray<string> ColumnKeys = ["type", "description"];

    private const int SkipMax = 1000;

    /// <summary>By the files' names where it is not said.</summary>
    public static OutsideFormat? Format(YamlReader reader, string? name)
    {
        if (reader.Word("format", "csv", "ndjson", "parquet") is { } word)
        {
            return word switch
            {
                "csv" => OutsideFormat.Csv,
                "ndjson" => OutsideFormat.Ndjson,
                _ => OutsideFormat.Parquet,
            };
        }

        name ??= "";
        OutsideFormat? known = FormatOf(name);
        if (known is null && reader.Find("format") is null && name.Length > 0)
        {
            reader.Mistake(reader.Mapping, "the table has no 'format'", "write csv, ndjson or parquet");
        }

        return known;
    }

    /// <summary>By a file's name; null where that says nothing.</summary>
    public static OutsideFormat? FormatOf(string name)
    {
        string bare = name.EndsWith(".gz", StringComparison.Ordinal) ? name[..^3]
            : name.EndsWith(".zst", StringComparison.Ordinal) ? name[..^4] : name;
        return Path.GetExtension(bare) switch
        {
            ".csv" => OutsideFormat.Csv,
            ".ndjson" or ".jsonl" => OutsideFormat.Ndjson,
            ".parquet" => OutsideFormat.Parquet,
            _ => null,
        };
    }

    /// <summary>Names and types; empty where they are not said.</summary>
    public static ImmutableArray<Column> Columns(YamlReader reader, string key, Dictionary<string, string> comments)
    {
        if (reader.Keys(key, key + ": {id: int64, name: string}") is not { } mapping)
        {
            return [];
        }

        ImmutableArray<Column>.Builder columns = ImmutableArray.CreateBuilder<Column>();
        foreach (YamlEntry entry in mapping.Entries)
        {
            string name = entry.Key.Text;
            if (name.Length is 0 or > 200 || name.Any(char.IsControl))
            {
                reader.Mistake(entry.Key, $"'{name}' is no name of a column", "write it as the files do");
            }
            else if (columns.Any(column => string.Equals(column.Name, name, StringComparison.OrdinalIgnoreCase)))
            {
                reader.Mistake(entry.Key, $"the column '{name}' is there twice", "SQL does not tell capitals apart");
            }
            else if (TypeOf(reader, entry, comments) is { } type)
            {
                columns.Add(new Column(name, type, Nullable: true, columns.Count + 1));
            }
        }

        if (columns.Count == 0 && mapping.Entries.IsEmpty)
        {
            reader.Mistake(mapping, $"'{key}' is empty", "name the columns, or leave the key out");
        }

        return columns.ToImmutable();
    }

    private static ColumnType? TypeOf(YamlReader reader, YamlEntry entry, Dictionary<string, string> comments)
    {
        YamlScalar? text = entry.Value as YamlScalar;
        if (entry.Value is YamlMapping mapping)
        {
            YamlReader own = new(
                reader.File, mapping, ColumnKeys, $"column '{entry.Key.Text}'", reader.Mistakes);
            text = own.Scalar("type", "a type such as int64");
            if (text is null && own.Find("type") is null)
            {
                own.Mistake(mapping, $"column '{entry.Key.Text}' has no 'type'", "write one such as int64");
            }

            if (own.Text("description") is { } description)
            {
                comments[entry.Key.Text] = description;
            }

            own.End();
            if (text is null)
            {
                return null;
            }
        }

        if (text is null || text.IsNull)
        {
            reader.Mistake(
                entry.Value, $"column '{entry.Key.Text}' holds {entry.Value.Kind}", "write a type such as int64");
            return null;
        }

        if (FieldTypes.TryParse(text.Text, out ColumnType type, out string hint))
        {
            return type;
        }

        reader.Mistake(text, $"there is no type '{text.Text}'", hint);
        return null;
    }

    /// <summary>How CSV is written.</summary>
    public static CsvShape Csv(YamlReader of, OutsideFormat? format)
    {
        if (of.Keys("csv", "csv: {delimiter: ';'}") is not { } mapping)
        {
            return CsvShape.Usual;
        }

        if (format is not (null or OutsideFormat.Csv))
        {
            of.Mistake(mapping, "'csv' is for tables of format csv", "leave the key out");
        }

        YamlReader reader = new(of.File, mapping, CsvKeys, "'csv'", of.Mistakes);
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
