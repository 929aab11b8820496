using System.Collections.Immutable;
using System.Globalization;
using Naru.Connections;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.External;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Models;
using Naru.Yaml;

namespace Naru.Sources.Files;

/// <summary>A folder of this machine, or a bucket.</summary>
internal sealed record FilesPlace : SourcePlace
{
    /// <summary>As it is written: absolute, or within the project.</summary>
    public required string Path { get; init; }

    /// <summary>Null for a folder.</summary>
    public BucketAddress? Bucket { get; init; }

    public override string Label => Path;

    public override ImmutableArray<string> Secrets => Bucket is null ? [] : [Bucket.SecretKey];

    public string FolderIn(string root) => Path.StartsWith('/') ? Path : $"{root}/{Path}";

    /// <summary>What workers may read for all sources of files: paths without links.</summary>
    public static IEnumerable<string> Folders(SourceSet sources, LocationRules rules) => sources.Sources
        .SelectMany(static source => source.Shards).Select(static shard => shard.Place).OfType<FilesPlace>()
        .Where(static place => place.Bucket is null)
        .Select(place => rules.Resolve(place.FolderIn(rules.Root), out _)).OfType<string>();
}

/// <summary>Which files a table is made of, and what they are.</summary>
internal sealed record FilesTableOptions : SourceTableOptions
{
    /// <summary>Below the source's path, with `{ymd}` and `{hour}` for the interval.</summary>
    public required string Location { get; init; }

    /// <summary>The file without which the others are not finished; empty for none. Of the interval, too.</summary>
    public string Ready { get; init; } = "";

    public required OutsideFormat Format { get; init; }

    public CsvShape Csv { get; init; } = CsvShape.Usual;

    /// <summary>Columns and types that the file says; those it does not are the files'.</summary>
    public ImmutableArray<Column> Fields { get; init; } = [];
}

/// <summary>CSV, NDJSON and Parquet that others put into a folder.</summary>
internal sealed class FilesKind : ISourceKind
{
    public ImmutableArray<string> Names => ["files"];

    public ImmutableArray<string> Keys => ["path", .. BucketAddress.Keys];

    public ImmutableArray<string> TableKeys => ["location", "ready", "format", "fields", "csv"];

    public bool HasParts => false;

    public bool HasCursor => false;

    public SourcePlace Read(ConnectionReader reader)
    {
        string path = reader.RequiredText(
            "path", "write the folder that the files come to, such as /srv/incoming/shop");
        if (BucketAddress.Is(path))
        {
            return new FilesPlace { Path = path.TrimEnd('/'), Bucket = BucketAddress.Read(reader, path) };
        }

        BucketAddress.RefuseKeys(reader);
        string[] parts = (path.StartsWith('/') ? path[1..] : path).Split('/');
        if (path.Length > 0 && (path.Any(static letter => letter is '*' or '?' or '{') || parts.Any(
            static part => part is "" or "." or "..")))
        {
            reader.Mistake(
                "path",
                $"'path' is '{path}', which is no folder",
                "write wildcards and {ymd} into `location` of the tables");
        }

        return new FilesPlace { Path = path };
    }

    public SourceTableOptions? ReadTable(YamlReader reader)
    {
        string location = reader.Text("location") ?? reader.Text("table") ?? "";
        YamlNode at = reader.Find("location") ?? reader.Find("table") ?? reader.Mapping;
        LocationPattern? pattern = Pattern(reader, at, location);
        string ready = reader.Text("ready") ?? "";
        if (ready.Length > 0)
        {
            Pattern(reader, reader.Find("ready")!, ready);
        }

        OutsideFormat? format = FileKeys.Format(reader, pattern?.Parts[^1]);
        CsvShape csv = FileKeys.Csv(reader, format);
        ImmutableArray<Column> fields = FileKeys.Columns(reader, "fields", []);
        if (format == OutsideFormat.Csv && !csv.Header && fields.IsEmpty)
        {
            reader.Mistake(
                reader.Mapping, "CSV without a header needs 'fields'", "write names and types in the files' order");
        }

        return pattern is null || format is not { } known ? null : new FilesTableOptions
        {
            Location = location, Ready = ready, Format = known, Csv = csv, Fields = fields,
        };
    }

    public ISourceServer Open(SourceOpening opening) => new FilesSource(opening);

    public SourceColumn? ReadAs(SourceColumn column, ColumnType type) => column with { Type = type, Note = "" };

    private static LocationPattern? Pattern(YamlReader reader, YamlNode at, string text)
    {
        string bare = FileNames.With(text, "0", "0", "0", "0");
        if (text.Length > 0 && !text.StartsWith('/')
            && LocationPattern.TryParse("x/" + bare, "/", out (string Message, string Hint) fault) is { } pattern)
        {
            return pattern;
        }

        if (text.Length > 0)
        {
            string what = text.StartsWith('/') ? "begins with '/'" : FaultOf(bare);
            reader.Mistake(
                at,
                $"'{text}' {what}",
                "write a path below the source's `path`, such as orders-{ymd}.csv or *.parquet");
        }

        return null;
    }

    private static string FaultOf(string text)
    {
        LocationPattern.TryParse("x/" + text, "/", out (string Message, string Hint) fault);
        return fault.Message;
    }
}

/// <summary>Names of files with parts of the interval in them.</summary>
internal static class FileNames
{
    /// <summary>With those of an interval; without one, every file that may be one's.</summary>
    public static string Of(string text, Interval? interval, ProjectZone zone)
    {
        if (interval is not { } known)
        {
            return With(text, "*", "*", "*", "*").Replace("**", "*", StringComparison.Ordinal);
        }

        string day = ModelText.Date(zone.DayAt(known.First, out int hour));
        return With(text, day[..4], day[5..7], day[8..], hour.ToString("00", CultureInfo.InvariantCulture));
    }

    public static string With(string text, string year, string month, string day, string hour) => text
        .Replace("{ymd}", year == "*" ? "*" : $"{year}-{month}-{day}", StringComparison.Ordinal)
        .Replace("{year}", year, StringComparison.Ordinal)
        .Replace("{month}", month, StringComparison.Ordinal)
        .Replace("{day}", day, StringComparison.Ordinal)
        .Replace("{hour}", hour, StringComparison.Ordinal);
}
