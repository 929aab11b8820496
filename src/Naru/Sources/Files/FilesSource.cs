using System.Collections.Immutable;
using System.Text.Json;
using Naru.Access;
using Naru.Definitions;
using Naru.External;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Query;
using Naru.Query.Sandbox;
using Naru.Query.Worker;

namespace Naru.Sources.Files;

/// <summary>The files of a folder, for the tables that are made of them.</summary>
internal sealed class FilesSource(SourceOpening opening) : ISourceServer
{
    private const int ListedMax = 1_000;

    private FilesPlace Place => (FilesPlace)opening.Place;

    public Task<IReadOnlyList<string>> DatabasesAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([]);

    /// <summary>Each file that stands in the folder itself could be one.</summary>
    public async Task<IReadOnlyList<SourceTableSize>> TablesAsync(CancellationToken cancellationToken)
    {
        IEnumerable<(string Name, long Bytes)> files;
        if (Place.Bucket is null)
        {
            LocationListing listing = List(opening, "*");
            files = listing.Files.Select(file =>
                (OutsideErrors.NameOf(file.Path, listing.Folder), file.Stamp.Bytes));
        }
        else
        {
            using BucketFiles bucket = new(opening);
            files = await bucket.ListAsync("*", cancellationToken).ConfigureAwait(false);
        }

        return
        [
            .. files.Take(ListedMax).Select(static file => new SourceTableSize(
                new SourceTableName("", file.Name), IsView: false, null, file.Bytes)),
        ];
    }

    public async Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken)
    {
        await using FilesSnapshot snapshot = new(opening);
        return await snapshot.DescribeAsync(table, options, cancellationToken).ConfigureAwait(false);
    }

    public Task<ISourceSnapshot> BeginAsync(int sessions, CancellationToken cancellationToken)
    {
        if (Place.Bucket is null)
        {
            // Said before anything else: a folder that is away fails the run as a server does that is.
            _ = List(opening, "*");
        }

        return Task.FromResult<ISourceSnapshot>(new FilesSnapshot(opening));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Files below the source's folder, by a pattern whose interval is filled in.</summary>
    internal static LocationListing List(SourceOpening opening, string pattern)
    {
        FilesPlace place = (FilesPlace)opening.Place;
        string folder = place.FolderIn(opening.Root);
        if (opening.Tools is not { } tools)
        {
            throw new SourceException($"files of source {opening.Source} are read by a running server");
        }

        try
        {
            // What is named fully is a pattern too: its folder is the source's in any case.
            return LocationListing.Read(
                new LocationPattern(pattern, folder, [.. pattern.Split('/')]), tools.Rules);
        }
        catch (LocationException exception)
        {
            throw new SourceException($"{exception.Message}; {exception.Hint}", passes: true, exception);
        }
    }
}

/// <summary>
/// The files of each table as they were when it was first asked for. Nobody can hold another's file: each part ends
/// with a look whether all of the table's files are still what they were, and fails the run where one is not.
/// </summary>
internal sealed class FilesSnapshot(SourceOpening opening) : ISourceSnapshot
{
    /// <summary>So much is read at once: its rows are a file of a worker's.</summary>
    private const long PartBytes = 256L << 20;

    private readonly Dictionary<SourceTableName, Found> _found = [];

    public string Point => "the files as they were listed";

    public bool IsConsistent => true;

    private readonly BucketFiles? _bucket =
        ((FilesPlace)opening.Place).Bucket is null ? null : new BucketFiles(opening);

    private SourceFileTools Tools => opening.Tools!;

    public async Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken)
    {
        FilesTableOptions files = (FilesTableOptions?)options ?? Guessed(table);
        string pattern = FileNames.Of(files.Location, opening.Interval, opening.Zone);
        await RequireReadyAsync(table, files, cancellationToken).ConfigureAwait(false);
        LocationListing listing = _bucket is null
            ? FilesSource.List(opening, pattern)
            : await _bucket.FetchAsync(pattern, cancellationToken).ConfigureAwait(false);
        if (listing.Files.IsEmpty)
        {
            throw new SourceException(
                $"no file matches {pattern} in \"{((FilesPlace)opening.Place).Path}\"; it may still come",
                passes: true);
        }

        Found found = new(files, listing, [.. KeysOf(pattern)]);
        _found[table] = found;
        return new SourceTable
        {
            Name = table,
            Columns = await ColumnsAsync(table, found, cancellationToken).ConfigureAwait(false),
            Bytes = listing.Files.Sum(static file => file.Stamp.Bytes),
            Options = options,
        };
    }

    /// <summary>Whole files, together not too large.</summary>
    public Task<IReadOnlyList<SourceChunk>> SplitAsync(
        SourceTable table, long rowsPerChunk, CancellationToken cancellationToken)
    {
        ImmutableArray<LocatedFile> files = _found[table.Name].Listing.Files;
        List<SourceChunk> chunks = [];
        for (int from = 0; from < files.Length;)
        {
            int to = from;
            for (long bytes = 0; to < files.Length && bytes < PartBytes; to++)
            {
                bytes += files[to].Stamp.Bytes;
            }

            string first = OutsideErrors.NameOf(files[from].Path, _found[table.Name].Listing.Folder);
            chunks.Add(new SourceChunk(to == from + 1 ? first : $"{to - from} files from {first} on", $"{from}-{to}"));
            from = to;
        }

        return Task.FromResult<IReadOnlyList<SourceChunk>>(chunks);
    }

    public Task<string?> GreatestAsync(SourceTable table, SourceColumn column, CancellationToken cancellationToken) =>
        Task.FromResult<string?>(null);

    public async Task ReadAsync(SourceRead read, IRowSink sink, CancellationToken cancellationToken)
    {
        Found found = _found[read.Table.Name];
        string[] range = read.Chunk.Condition.Split('-');
        LocatedFile[] files = read.Chunk.Condition.Length == 0
            ? [.. found.Listing.Files] : found.Listing.Files.AsSpan()[ToInt(range[0])..ToInt(range[1])].ToArray();
        TableSnapshot table = Snapshot(found, files, read.Columns.Select(static column => (column.Name, column.Type)));
        string columns = string.Join(
            ", ", read.Columns.Select(static column => SqlIdentifier.Quote(column.Name)));
        FileQuestion question = new($"SELECT {columns} FROM {table.Name.Quoted}", table.Files)
        {
            Format = ResultFormat.Parquet,
            Setup = [.. TableViews.Sql([table], [], static _ => TableRules.None)],
            TakeFile = path => FileRows.PassAsync(path, read, sink, cancellationToken),
        };
        await AskAsync(
            () => Tools.Probe.RunAsync(question, static _ => { }, cancellationToken), read.Table.Name, table)
            .ConfigureAwait(false);
        Verify(read.Table.Name, found);
    }

    public ValueTask DisposeAsync()
    {
        _bucket?.Dispose();
        return ValueTask.CompletedTask;
    }

    private static int ToInt(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Of a file that is only looked at.</summary>
    private static FilesTableOptions Guessed(SourceTableName table)
    {
        string name = table.ToString();
        return new FilesTableOptions
        {
            Location = name,
            Format = FileKeys.FormatOf(name) ?? throw new SourceException(
                $"{name} is no file whose name says what it holds; see `format` of the source's tables"),
        };
    }

    private async Task RequireReadyAsync(
        SourceTableName table, FilesTableOptions files, CancellationToken cancellationToken)
    {
        if (files.Ready.Length == 0 || opening.Interval is null)
        {
            return;
        }

        string name = FileNames.Of(files.Ready, opening.Interval, opening.Zone);
        FilesPlace place = (FilesPlace)opening.Place;
        bool isThere = _bucket is null
            ? FileStamp.Of($"{place.FolderIn(opening.Root)}/{name}") is { IsFile: true }
            : await _bucket.HasAsync(name, cancellationToken).ConfigureAwait(false);
        if (!isThere)
        {
            throw new SourceException(
                $"{table} is not ready: {name} is not there; it is looked for again after `retry_after`", passes: true);
        }
    }

    /// <summary>Columns of folders' names; days and hours are the interval's own.</summary>
    private static IEnumerable<string> KeysOf(string pattern) =>
        new LocationPattern(pattern, "", [.. pattern.Split('/')]).Keys
            .Where(static key => key is not (LogTables.Ymd or LogTables.Hour)).Distinct(StringComparer.Ordinal);

    private async Task<ImmutableArray<SourceColumn>> ColumnsAsync(
        SourceTableName name, Found found, CancellationToken cancellationToken)
    {
        TableSnapshot table = Snapshot(found, found.Listing.Files, []);
        List<(string Name, string Type)> columns =
            found.Options is { Format: OutsideFormat.Csv, Csv.Header: false }
                ? [.. found.Options.Fields.Select(static field => (field.Name, field.Type.Sql))]
                : await DescribedAsync(name, found, table, cancellationToken).ConfigureAwait(false);
        if (found.Options.Fields.FirstOrDefault(field =>
            columns.All(column => !string.Equals(column.Name, field.Name, StringComparison.OrdinalIgnoreCase)))
            is { } missing)
        {
            throw new SourceException(
                $"no file of {name} has the column {missing.Name}, which `fields` names; columns: "
                + string.Join(", ", columns.Take(50).Select(static column => column.Name)));
        }

        return
        [
            .. columns.Select(column => Column(found.Options, column.Name, column.Type))
                .Concat(found.Keys.Select(static key => new SourceColumn
                {
                    Name = key, ServerType = "folder", Type = ColumnType.String,
                })),
        ];
    }

    private async Task<List<(string Name, string Type)>> DescribedAsync(
        SourceTableName name, Found found, TableSnapshot table, CancellationToken cancellationToken)
    {
        string list = string.Join(", ", table.Files.Select(static file =>
            $"'{file.Replace("'", "''", StringComparison.Ordinal)}'"));

        // All of NDJSON is looked at: a key that comes late is a column, too. The names of CSV stand in its files.
        FileQuestion question = found.Options.Format switch
        {
            OutsideFormat.Csv => new FileQuestion("DESCRIBE files", table.Files)
            {
                Format = ResultFormat.Ndjson,
                Setup =
                [
                    new SetupStatement($"CREATE VIEW files AS SELECT * FROM {FileRead.Mark}")
                    {
                        Read = FileRead.Of(table with { PartitionColumns = [], Schema = new TableSchema([]) }),
                    },
                ],
            },
            OutsideFormat.Ndjson => new FileQuestion(
                $"DESCRIBE SELECT * FROM read_json([{list}], format = 'newline_delimited', sample_size = -1, "
                + "union_by_name = true, hive_partitioning = false)",
                table.Files)
            {
                Format = ResultFormat.Ndjson,
            },
            _ => new FileQuestion(
                $"DESCRIBE SELECT * FROM read_parquet([{list}], union_by_name = true, hive_partitioning = false)",
                table.Files)
            {
                Format = ResultFormat.Ndjson,
            },
        };
        List<(string, string)> columns = [];
        await AskAsync(
            async () =>
            {
                foreach (JsonElement row in
                    await Tools.Probe.AskAsync(question, cancellationToken).ConfigureAwait(false))
                {
                    columns.Add((
                        row.GetProperty("column_name").GetString()!, row.GetProperty("column_type").GetString()!));
                }
            },
            name,
            table).ConfigureAwait(false);
        return columns;
    }

    private static SourceColumn Column(FilesTableOptions options, string name, string type)
    {
        Column? field = options.Fields.FirstOrDefault(field =>
            string.Equals(field.Name, name, StringComparison.OrdinalIgnoreCase));
        ColumnType taken = field?.Type
            ?? (options.Format == OutsideFormat.Csv ? ColumnType.String : ExternalProbe.TypeOf(type));
        string note = field is not null || options.Format == OutsideFormat.Csv ? ""
            : taken.Kind == ColumnKind.Double && options.Format == OutsideFormat.Ndjson
                ? "as double; a decimal in `fields` keeps every digit"
            : taken.Kind == ColumnKind.Json && type != "JSON" ? "as JSON"
            : taken.Kind == ColumnKind.String && type != "VARCHAR" ? "as text"
            : type == "TIMESTAMP_NS" ? "to the microsecond"
            : "";
        return new SourceColumn
        {
            Name = name,
            ServerType = options.Format == OutsideFormat.Csv
                ? field is null ? "text" : FieldTypes.Name(field.Type) : type,
            Type = taken,
            Note = note,
        };
    }

    private static TableSnapshot Snapshot(
        Found found,
        IReadOnlyCollection<LocatedFile> files,
        IEnumerable<(string Name, ColumnType Type)> columns) => new(
        new TableName("src", "files"),
        new TableSchema(
        [
            .. columns.Where(column => !found.Keys.Contains(column.Name))
                .Concat(found.Keys.Select(static key => (Name: key, Type: ColumnType.String)))
                .Select(static (column, i) => new Column(column.Name, column.Type, Nullable: true, i + 1)),
        ]),
        found.Keys,
        [.. files.Select(static file => file.Path)],
        [])
        {
            Outside = new OutsideFiles(found.Options.Format, found.Options.Csv, found.Listing.Folder),
        };

    private static async Task AskAsync(Func<Task> ask, SourceTableName name, TableSnapshot table)
    {
        try
        {
            await ask().ConfigureAwait(false);
        }
        catch (FileProbeException exception)
        {
            string what = OutsideErrors.Find(exception.Failed, [table], static _ => TableRules.None)?.Message
                ?? exception.Message.Split('\n')[0];
            const string Standing = "src.files: ";
            string told = what.StartsWith(Standing, StringComparison.Ordinal) ? what[Standing.Length..] : what;
            throw new SourceException($"{name}: {told}", inner: exception);
        }
        catch (QueryException exception)
        {
            throw new SourceException($"{name}: {exception.Error.Message}", passes: true, exception);
        }
    }

    private static void Verify(SourceTableName name, Found found)
    {
        foreach (LocatedFile file in found.Listing.Files)
        {
            FileStamp? now = FileStamp.Of(file.Path);
            if (now != file.Stamp)
            {
                string what = now is null ? "was taken away" : "was changed";
                string path = OutsideErrors.NameOf(file.Path, found.Listing.Folder);
                throw new SourceException(
                    $"{name}: {path} {what} while it was read; nothing of it is taken, the next attempt reads it anew");
            }
        }
    }

    /// <param name="Options">What the table says.</param>
    /// <param name="Listing">Its files.</param>
    /// <param name="Keys">Columns of folders' names.</param>
    private sealed record Found(FilesTableOptions Options, LocationListing Listing, ImmutableArray<string> Keys);
}
