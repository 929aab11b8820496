using System.Globalization;
using System.IO.Compression;
using System.Text;
using Naru.Lake.Catalog;
using Naru.Lake.DuckDb;

// Files of others are read within the worker's confinement; nothing is written.
#pragma warning disable RS0030

namespace Naru.Query.Worker;

/// <summary>
/// The SQL that reads files of others. The engine can look for names, types and dialect of CSV itself, but then a bad
/// line near the beginning fails the search, and nobody is told of the line or the file; and without it columns go by
/// their place. So the first line of each file is read here, and files with the same one are read together, each column
/// with the type that the table says: what does not fit is told with its file and line.
/// </summary>
internal sealed class FileReader(DuckDbConnection connection)
{
    private const int HeaderCharsMax = 1 << 20;

    private const string NoQuote = "";

    public string Sql(FileRead read)
    {
        foreach (string file in read.Files)
        {
            if (Guarded(read, file, () => WholeFiles.Fault(file)) is { } fault)
            {
                throw new FilesException(read.Table, $"{Path.GetFileName(file)} {fault}");
            }
        }

        return read.Format switch
        {
            OutsideFormat.Parquet => $"read_parquet({List(read.Files)}, union_by_name = true, {Partitions(read)})",
            OutsideFormat.Ndjson => Exact(
                read,
                read.Columns,
                $"read_json({List(read.Files)}, format = 'newline_delimited', "
                + $"columns = {{{Columns(read, read.Columns)}}}, filename = {Literal(ExactValues.File)}, "
                + $"{Partitions(read)})"),
            _ => Csv(read),
        };
    }

    /// <summary>
    /// The line of a file that a column holds a value in: its place among the rows, where each has one line; null where
    /// it cannot be told.
    /// </summary>
    public long? LineOf(FileRead read, string file, string column, string value)
    {
        if (!read.Files.Contains(file))
        {
            return null;
        }

        try
        {
            FileRead one = read with
            {
                Files = [file],
                Columns = [new FileColumn(column, "VARCHAR")],
                Partitions = [],
            };
            using DuckDbResult result = connection.Materialize(
                $"SELECT n FROM (SELECT row_number() OVER () AS n, {SqlIdentifier.Quote(column)} AS v FROM {Sql(one)}) "
                + $"WHERE v = {Literal(value)} LIMIT 1");
            long before = read.Format == OutsideFormat.Csv ? read.Csv.Skip + (read.Csv.Header ? 1 : 0) : 0;
            return result.TryNext(out DuckDbChunk? chunk) && chunk.RowCount > 0
                ? chunk[0].Values<long>()[0] + before : null;
        }
        catch (Exception exception) when (exception is DuckDbException or FilesException)
        {
            return null;
        }
    }

    private static string Exact(FileRead read, IEnumerable<FileColumn> columns, string files)
    {
        IEnumerable<string> exact = columns.Where(column => FormOf(read, column) is not null)
            .Select(column => ExactValues.Sql(column, FormOf(read, column)!));
        string replaced = string.Join(", ", exact);
        string others = $"* EXCLUDE ({SqlIdentifier.Quote(ExactValues.File)})";
        return $"(SELECT {others}{(replaced.Length > 0 ? $" REPLACE ({replaced})" : "")} FROM {files})";
    }

    /// <summary>Times that are written in words of the table's own only the engine knows to read.</summary>
    private static string? FormOf(FileRead read, FileColumn column) =>
        read.Csv.Timestamps.Length > 0 && column.Type.StartsWith("TIMESTAMP", StringComparison.Ordinal)
            ? null : ExactValues.FormOf(column.Type);

    private string Csv(FileRead read)
    {
        if (!read.Csv.Header)
        {
            return Csv(read, read.Files, read.Columns);
        }

        List<(string Line, List<string> Files)> groups = [];
        foreach (string file in read.Files)
        {
            string? line = FirstLine(read, file);
            if (line is null)
            {
                continue;
            }

            int at = groups.FindIndex(group => group.Line == line);
            if (at < 0)
            {
                groups.Add((line, []));
                at = groups.Count - 1;
            }

            groups[at].Files.Add(file);
        }

        HashSet<string> there = new(StringComparer.OrdinalIgnoreCase);
        List<string> parts = [];
        foreach ((string line, List<string> files) in groups)
        {
            FileColumn[] columns = [.. ColumnsOf(read, line, files[0])];
            there.UnionWith(columns.Select(static column => column.Name));
            parts.Add(Csv(read, files, columns));
        }

        if (groups.Count > 0 && read.Columns.FirstOrDefault(column => !there.Contains(column.Name)) is { } missing)
        {
            throw new FilesException(
                read.Table, $"no file has the column \"{missing.Name}\"; columns: {string.Join(", ", there.Take(50))}");
        }

        if (parts.Count == 1 && read.Columns.All(column => there.Contains(column.Name)))
        {
            return parts[0];
        }

        // One empty relation with every column: a group of files may lack some.
        FileColumn[] every = [.. read.Columns.Concat(read.Partitions)];
        string empty = "SELECT " + string.Join(", ", every.Select(static column =>
            $"CAST(NULL AS {column.Type}) AS {SqlIdentifier.Quote(column.Name)}")) + " WHERE false";
        IEnumerable<string> all = parts.Select(static part => $"SELECT * FROM {part}");
        return $"({string.Join(" UNION ALL BY NAME ", every.Length == 0 ? all : all.Prepend(empty))})";
    }

    private static string Csv(FileRead read, IEnumerable<string> files, IEnumerable<FileColumn> columns)
    {
        CsvShape csv = read.Csv;
        StringBuilder sql = new();
        sql.Append(CultureInfo.InvariantCulture, $"read_csv({List(files)}, auto_detect = false, ");
        sql.Append(CultureInfo.InvariantCulture, $"header = {(csv.Header ? "true" : "false")}, skip = {csv.Skip}, ");
        sql.Append(CultureInfo.InvariantCulture, $"delim = {Literal(csv.Delimiter)}, quote = {Literal(csv.Quote)}, ");
        sql.Append(CultureInfo.InvariantCulture, $"escape = {Literal(csv.Escape)}, nullstr = {List(csv.Null)}, ");
        if (csv.Dates.Length > 0)
        {
            sql.Append(CultureInfo.InvariantCulture, $"dateformat = {Literal(csv.Dates)}, ");
        }

        if (csv.Timestamps.Length > 0)
        {
            sql.Append(CultureInfo.InvariantCulture, $"timestampformat = {Literal(csv.Timestamps)}, ");
        }

        FileColumn[] all = [.. columns];
        sql.Append(CultureInfo.InvariantCulture, $"columns = {{{Columns(read, all)}}}, ");
        sql.Append(CultureInfo.InvariantCulture, $"filename = {Literal(ExactValues.File)}, {Partitions(read)})");
        return Exact(read, all, sql.ToString());
    }

    /// <summary>In the file's order; those that the table does not know are texts that nobody reads.</summary>
    private static IEnumerable<FileColumn> ColumnsOf(FileRead read, string line, string file)
    {
        HashSet<string> taken = new(read.Partitions.Select(static each => each.Name), StringComparer.OrdinalIgnoreCase);
        int place = 0;
        foreach (string name in Split(read, line, file))
        {
            place++;
            FileColumn? known = read.Columns.FirstOrDefault(column => column.Name == name)
                ?? read.Columns.FirstOrDefault(column =>
                    string.Equals(column.Name, name, StringComparison.OrdinalIgnoreCase));
            string own = known?.Name ?? (name.Length == 0 ? "column" : name);
            if (!taken.Add(own))
            {
                if (known is not null && !read.Partitions.Any(each => each.Name == own))
                {
                    throw new FilesException(
                        read.Table, $"{Path.GetFileName(file)}: its first line names the column \"{own}\" twice");
                }

                own = string.Create(CultureInfo.InvariantCulture, $"{own} ({place})");
                taken.Add(own);
                known = null;
            }

            yield return known ?? new FileColumn(own, "VARCHAR");
        }
    }

    private static List<string> Split(FileRead read, string line, string file)
    {
        (string delimiter, string quote) = (read.Csv.Delimiter, read.Csv.Quote);
        List<string> names = [];
        StringBuilder name = new();
        bool quoted = false;
        for (int at = 0; at <= line.Length; at++)
        {
            bool isQuote = quote.Length > 0 && at < line.Length && line[at] == quote[0];
            if (isQuote && quoted && at + 1 < line.Length && line[at + 1] == quote[0])
            {
                name.Append(quote);
                at++;
            }
            else if (isQuote)
            {
                quoted = !quoted;
            }
            else if (at == line.Length
                || (!quoted && string.CompareOrdinal(line, at, delimiter, 0, delimiter.Length) == 0))
            {
                names.Add(name.ToString().Trim());
                name.Clear();
                at += delimiter.Length - 1;
            }
            else
            {
                name.Append(line[at]);
            }
        }

        return quoted
            ? throw new FilesException(
                read.Table, $"{Path.GetFileName(file)}: a quote of its first line has no end")
            : names;
    }

    /// <summary>Null where there is none.</summary>
    private string? FirstLine(FileRead read, string file) => Guarded(read, file, () =>
    {
        string? line = file.EndsWith(".zst", StringComparison.OrdinalIgnoreCase)
            ? FirstLineOf(file, read.Csv.Skip) : FirstLine(file, read.Csv.Skip);
        return string.IsNullOrEmpty(line) ? null : line;
    });

    private static string? Guarded(FileRead read, string file, Func<string?> look)
    {
        try
        {
            return look();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException
            or InvalidDataException)
        {
            throw new FilesException(read.Table, $"{Path.GetFileName(file)} cannot be read");
        }
    }

    private static string? FirstLine(string file, int skip)
    {
        using FileStream bytes = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using System.IO.Stream text = file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)
            ? new GZipStream(bytes, CompressionMode.Decompress) : bytes;
        using StreamReader reader = new(text, Encoding.UTF8);
        StringBuilder line = new();
        while (true)
        {
            int letter = reader.Read();
            if (letter is -1 or '\n' or '\r')
            {
                if (letter == '\r' && reader.Peek() == '\n')
                {
                    reader.Read();
                }

                if (skip == 0)
                {
                    return line.Length == 0 && letter == -1 ? null : line.ToString();
                }

                if (letter == -1)
                {
                    return null;
                }

                skip--;
                line.Clear();
            }
            else
            {
                line.Append((char)letter);
                if (line.Length > HeaderCharsMax)
                {
                    throw new InvalidDataException("the first line has no end");
                }
            }
        }
    }

    /// <summary>What only the engine can unpack.</summary>
    private string? FirstLineOf(string file, int skip)
    {
        string lines = skip.ToString(CultureInfo.InvariantCulture);
        using DuckDbResult result = connection.Materialize(
            $"SELECT line FROM read_csv([{Literal(file)}], auto_detect = false, header = false, skip = {lines}, "
            + $"delim = {Literal("\u0001")}, quote = {Literal(NoQuote)}, escape = {Literal(NoQuote)}, "
            + "columns = {'line': 'VARCHAR'}, hive_partitioning = false) LIMIT 1");
        return result.TryNext(out DuckDbChunk? chunk) && chunk.RowCount > 0 ? chunk[0].StringAt(0) : null;
    }

    private static string Partitions(FileRead read) => read.Partitions.Count == 0
        ? "hive_partitioning = false"
        : $"hive_partitioning = true, hive_types = {{{string.Join(
            ", ", read.Partitions.Select(static column => $"{Literal(column.Name)}: {column.Type}"))}}}";

    private static string Columns(FileRead read, IEnumerable<FileColumn> columns) => string.Join(
        ", ", columns.Select(column =>
            $"{Literal(column.Name)}: {Literal(FormOf(read, column) is null ? column.Type : "VARCHAR")}"));

    private static string List(IEnumerable<string> texts) => $"[{string.Join(", ", texts.Select(Literal))}]";

    private static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
