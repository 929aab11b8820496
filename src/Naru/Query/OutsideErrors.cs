using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Naru.Access;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.DuckDb;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>
/// What is wrong with files of others, from the engine's words: the file, the line, the column. Where they stand on the
/// machine is left out, and so is the value where the caller sees not all rows and columns of the table.
/// </summary>
internal static partial class OutsideErrors
{
    private const string Mend = "the files are another's: have them mended there, or change the table's definition";

    public static QueryError Of(StorageException exception) => new(QueryCodes.TableFile, exception.Message)
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Hint = "ask again",
    };

    /// <summary>Null where the failure has nothing to do with them.</summary>
    public static QueryError? Find(
        RunFailed failed, ImmutableArray<TableSnapshot> tables, Func<TableName, TableRules> rulesOf)
    {
        if (failed.Kind == RunFailed.FilesKind)
        {
            return Bad($"{failed.Name}: {failed.Message}");
        }

        foreach (TableSnapshot table in tables.Where(static table => table.Outside is not null))
        {
            // The longest first: a name may begin with another.
            string? file = table.Files.OrderByDescending(static file => file.Length)
                .FirstOrDefault(file => failed.Message.Contains(file, StringComparison.Ordinal));
            if (file is not null)
            {
                return Bad($"{table.Name}: {What(failed, table, file, rulesOf(table.Name).Plain)}");
            }
        }

        // The engine names no file of Parquet whose values it cannot cast, but the value.
        return failed.Kind == nameof(DuckDbErrorKind.Conversion)
            && tables.FirstOrDefault(table => table.Outside is not null && !rulesOf(table.Name).Plain) is { } hidden
            ? Bad($"{hidden.Name}: a value does not fit its column")
            : null;
    }

    /// <summary>A file as people know it who know the table.</summary>
    public static string NameOf(string file, string folder) =>
        file.StartsWith(folder + "/", StringComparison.Ordinal) ? file[(folder.Length + 1)..] : Path.GetFileName(file);

    private static QueryError Bad(string message) => new(QueryCodes.TableFile, message)
    {
        Status = StatusCodes.Status422UnprocessableEntity, Hint = Mend,
    };

    private static string What(RunFailed failed, TableSnapshot table, string file, bool showsValues)
    {
        string name = NameOf(file, table.Outside!.Folder);
        string message = failed.Message;
        Match line = Line().Match(message);
        string place = line.Success ? $"{name}, line {line.Groups[1].Value}" : name;
        if (Conversion().Match(message) is { Success: true } bad)
        {
            string value = showsValues ? $"\"{bad.Groups[2].Value}\"" : "a value";
            int column = table.Schema.IndexOf(bad.Groups[1].Value);
            string type = column < 0 ? bad.Groups[3].Value : table.Schema.Columns[column].Type.Sql;
            return $"{place}: column \"{bad.Groups[1].Value}\" holds {value}, which is no {type}";
        }

        if (Count().Match(message) is { Success: true } count)
        {
            return $"{place}: has {count.Groups[2].Value} columns, not {count.Groups[1].Value}";
        }

        if (message.Contains("unterminated quote", StringComparison.Ordinal))
        {
            return $"{place}: a quote has no end";
        }

        if (message.Contains("Malformed JSON", StringComparison.Ordinal))
        {
            return $"{place}: is no JSON";
        }

        if (Cast().Match(message) is { Success: true } cast)
        {
            return showsValues ? $"{place}: {cast.Groups[1].Value}" : $"{place}: a value does not fit its column";
        }

        if (message.Contains("magic bytes", StringComparison.Ordinal)
            || message.Contains("too small to be a Parquet file", StringComparison.Ordinal))
        {
            return $"{place}: is no Parquet file";
        }

        _ = Enum.TryParse(failed.Kind, out DuckDbErrorKind kind);
        return kind is DuckDbErrorKind.Io or DuckDbErrorKind.Permission
            ? $"{place} cannot be read"
            : $"{place} is not as the table says";
    }

    [GeneratedRegex(@"\b[Ll]ine:? (\d+)")]
    private static partial Regex Line();

    [GeneratedRegex("converting column \"(.*?)\"\\. Could not convert string \"(.*)\" to '(.*?)'")]
    private static partial Regex Conversion();

    [GeneratedRegex(@"Expected Number of Columns: (\d+) Found: (\d+)")]
    private static partial Regex Count();

    [GeneratedRegex(@"JSON transform error .*?: (.*)")]
    private static partial Regex Cast();
}
