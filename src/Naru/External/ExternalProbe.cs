using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Naru.Access;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Parquet;
using Naru.Query;
using Naru.Query.Worker;

namespace Naru.External;

/// <summary>Finds out what files of others hold, in a worker.</summary>
internal sealed class ExternalProbe(FileProbe probe)
{
    /// <summary>So many of the first and of the last are looked at: files of one table are alike.</summary>
    private const int FilesLooked = 10;

    /// <summary>The columns that the files have together.</summary>
    /// <exception cref="FileProbeException">They are not of the format.</exception>
    /// <exception cref="QueryException">There is no worker.</exception>
    public async Task<ImmutableArray<Column>> ColumnsAsync(
        ExternalTable table, IReadOnlyList<string> files, CancellationToken cancellationToken)
    {
        string[] looked = files.Count <= 2 * FilesLooked
            ? [.. files] : [.. files.Take(FilesLooked), .. files.TakeLast(FilesLooked)];
        IReadOnlyList<JsonElement> rows = await probe.AskAsync(
            $"DESCRIBE SELECT * FROM {Sniffed(table, looked)}", looked, cancellationToken).ConfigureAwait(false);
        return
        [
            .. rows.Select(static (row, i) => new Column(
                row.GetProperty("column_name").GetString()!,
                TypeOf(row.GetProperty("column_type").GetString()!),
                Nullable: true,
                i + 1)),
        ];
    }

    /// <summary>Why the first rows of files cannot be read as the table says; null when they can.</summary>
    /// <exception cref="QueryException">There is no worker.</exception>
    public async Task<QueryError?> FaultAsync(
        TableSnapshot files, int rows, CancellationToken cancellationToken)
    {
        string limit = rows.ToString(CultureInfo.InvariantCulture);
        FileQuestion question = new(
            $"SELECT bit_xor(hash(COLUMNS(*))) FROM (SELECT * FROM {files.Name.Quoted} LIMIT {limit})", files.Files)
        {
            Format = ResultFormat.Ndjson,
            Setup = [.. TableViews.Sql([files], [], static _ => TableRules.None)],
        };
        try
        {
            await probe.RunAsync(question, static _ => { }, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (FileProbeException exception)
        {
            return OutsideErrors.Find(exception.Failed, [files], static _ => TableRules.None)
                ?? new QueryError(QueryCodes.TableFile, exception.Message.Split('\n')[0]);
        }
    }

    /// <summary>What is nested is JSON; what else the lake has no type for is its text.</summary>
    public static ColumnType TypeOf(string type) => ParquetImport.TypeOf(type)
        ?? (type is "HUGEINT" or "UHUGEINT" ? ColumnType.Decimal(38, 0)
            : type.EndsWith(']') || type.StartsWith("STRUCT(", StringComparison.Ordinal)
                || type.StartsWith("MAP(", StringComparison.Ordinal) ? ColumnType.Json
            : ColumnType.String);

    private static string Sniffed(ExternalTable table, IEnumerable<string> files)
    {
        string list = $"[{string.Join(", ", files.Select(Literal))}]";
        const string Rest = "union_by_name = true, hive_partitioning = false";
        CsvShape csv = table.Csv;
        return table.Format switch
        {
            OutsideFormat.Parquet => $"read_parquet({list}, {Rest})",
            OutsideFormat.Ndjson => $"read_json({list}, format = 'newline_delimited', {Rest})",
            _ => $"read_csv({list}, header = true, skip = {csv.Skip.ToString(CultureInfo.InvariantCulture)}, "
                + $"delim = {Literal(csv.Delimiter)}, quote = {Literal(csv.Quote)}, escape = {Literal(csv.Escape)}, "
                + $"nullstr = [{string.Join(", ", csv.Null.Select(Literal))}], "
                + $"dateformat = {Literal(csv.Dates.Length > 0 ? csv.Dates : "%Y-%m-%d")}, "
                + (csv.Timestamps.Length > 0 ? $"timestampformat = {Literal(csv.Timestamps)}, " : "")
                + $"comment = '', {Rest})",
        };
    }

    private static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
