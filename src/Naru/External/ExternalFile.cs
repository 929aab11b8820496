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

    private const int BytesMax = 256 * 1024;

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
        OutsideFormat? format = FileKeys.Format(_reader, location?.Parts[^1]);
        CsvShape csv = FileKeys.Csv(_reader, format);
        Dictionary<string, string> comments = new(StringComparer.Ordinal);
        ImmutableArray<Column> columns = FileKeys.Columns(_reader, "columns", comments);
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
}
