using System.Text.RegularExpressions;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Lake.Catalog;
using Naru.Lake.DuckDb;
using Naru.Query.Functions.Scalars;
using Naru.Query.Worker;

namespace Naru.Query.Gate;

/// <summary>
/// DuckDB's words in our error shape: a code by kind, the position in the text as sent, a near name as the hint, and
/// never the name of a file or a setting.
/// </summary>
internal static partial class EngineErrors
{
    public static QueryError Map(RunFailed failed, SqlText text, IReadOnlyCollection<TableDescription> tables)
    {
        if (failed.Kind == RunFailed.RuleKind)
        {
            return new QueryError(
                QueryCodes.Forbidden, $"a row filter or mask of your roles does not fit table \"{failed.Name}\"")
            {
                Status = StatusCodes.Status403Forbidden,
                Hint = "an administrator mends it: `naru check` tells where",
            };
        }

        if (failed.Kind == RunFailed.WorkbookKind)
        {
            return new QueryError(QueryCodes.NotSupported, failed.Message)
            {
                Status = StatusCodes.Status422UnprocessableEntity,
                Hint = "ask for CSV or Parquet, which take any answer, or for fewer rows",
            };
        }

        _ = Enum.TryParse(failed.Kind, out DuckDbErrorKind kind);
        QueryError error = OfKind(kind, failed, tables);
        return failed.Offset is int offset && text.PositionOf(offset) is (int line, int column)
            ? error with { Line = line, Column = column }
            : error;
    }

    private const string NoSpace = "No space left on device";

    /// <summary>The mend is in it: of models and exports the message alone is kept.</summary>
    private const string FullDisk = "the disk is full: what the query writes on its way has no room; free space on the "
        + "project's volume or enlarge it";

    /// <summary>What a query reads could not be made ready for it.</summary>
    public static QueryException OfStorage(StorageException exception, string hint)
    {
        // A cache that is too small is another fault: its message says which setting.
        return new QueryException(
            exception.Message.Contains(NoSpace, StringComparison.Ordinal)
                ? new QueryError(QueryCodes.SpillFull, FullDisk)
                {
                    Status = StatusCodes.Status422UnprocessableEntity,
                }
                : new QueryError(QueryCodes.LakeFile, exception.Message)
                {
                    Status = StatusCodes.Status503ServiceUnavailable, Hint = hint,
                });
    }

    private static QueryError OfKind(
        DuckDbErrorKind kind, RunFailed failed, IReadOnlyCollection<TableDescription> tables)
    {
        string message = Clean(failed.Message);
        int unprocessable = StatusCodes.Status422UnprocessableEntity;
        return kind switch
        {
            DuckDbErrorKind.Binder or DuckDbErrorKind.Catalog => OfNames(message, failed, tables),
            DuckDbErrorKind.Parser or DuckDbErrorKind.Syntax => new QueryError(QueryCodes.SyntaxError, message),
            DuckDbErrorKind.NotImplemented or DuckDbErrorKind.MissingExtension or DuckDbErrorKind.Autoload =>
                new QueryError(QueryCodes.NotSupported, message),
            DuckDbErrorKind.MismatchType or DuckDbErrorKind.InvalidType or DuckDbErrorKind.UnknownType =>
                new QueryError(QueryCodes.TypeError, message),
            DuckDbErrorKind.InvalidInput when message == TextScalars.DivisionByZeroWords =>
                new QueryError(QueryCodes.DivisionByZero, message) { Status = unprocessable },
            DuckDbErrorKind.Conversion or DuckDbErrorKind.OutOfRange or DuckDbErrorKind.InvalidInput
                or DuckDbErrorKind.DivideByZero or DuckDbErrorKind.Constraint =>
                new QueryError(QueryCodes.ValueError, message) { Status = unprocessable },
            DuckDbErrorKind.OutOfMemory when message.Contains("temp_directory", StringComparison.Ordinal) =>
                new QueryError(QueryCodes.SpillFull, "the query spilled more data to disk than it may")
                {
                    Status = unprocessable, Hint = "ask for fewer rows, columns or groups at once",
                },
            DuckDbErrorKind.OutOfMemory => new QueryError(
                QueryCodes.OutOfMemory, "the query needed more memory than it may use")
            {
                Status = unprocessable, Hint = "ask for fewer rows, columns or groups at once",
            },
            DuckDbErrorKind.Io when message.Contains(NoSpace, StringComparison.Ordinal) =>
                new QueryError(QueryCodes.SpillFull, FullDisk) { Status = unprocessable },
            DuckDbErrorKind.Io or DuckDbErrorKind.Permission => new QueryError(
                QueryCodes.LakeFile, "a file of the lake could not be read")
            {
                Status = StatusCodes.Status500InternalServerError,
                Hint = "ask again; if it stays, `naru doctor` names the file",
            },
            DuckDbErrorKind.Fatal or DuckDbErrorKind.Internal => new QueryError(
                QueryCodes.Internal, "the SQL engine failed on this statement")
            {
                Status = StatusCodes.Status500InternalServerError, Hint = "write it another way, and report it",
            },
            _ => new QueryError(QueryCodes.InvalidQuery, message),
        };
    }

    private static QueryError OfNames(
        string message, RunFailed failed, IReadOnlyCollection<TableDescription> tables)
    {
        switch (failed.Subtype)
        {
            case "COLUMN_NOT_FOUND" when failed.Name is string name:
                IEnumerable<string> known = tables.SelectMany(static table => table.Schema.Columns)
                    .Select(static column => column.Name).Distinct(StringComparer.Ordinal);
                string? near = NearestName.Find(name, known)
                    ?? failed.Candidates.Select(static near => near.Split('.')[^1].Trim('"', ' ')).FirstOrDefault();
                return new QueryError(QueryCodes.UnknownColumn, $"column \"{name}\" does not exist")
                {
                    Hint = near is null || near == name ? null : $"did you mean {near}?",
                };
            case "NO_MATCHING_FUNCTION":
                return new QueryError(QueryCodes.TypeError, message);
            default:
                bool types = message.StartsWith("Cannot compare", StringComparison.Ordinal)
                    || message.StartsWith("Cannot mix", StringComparison.Ordinal)
                    || message.Contains("explicit type casts", StringComparison.Ordinal);
                return new QueryError(types ? QueryCodes.TypeError : QueryCodes.InvalidQuery, message);
        }
    }

    /// <summary>
    /// Without the kind in front, without paths, without the name that stands for information_schema.
    /// </summary>
    private static string Clean(string message)
    {
        string text = Kind().Replace(message, "", 1);
        text = VirtualTables.AsWritten(text);
        text = OwnAggregates.AsWritten(text);
        text = text.Replace("memory.", "", StringComparison.Ordinal);
        return FilePath().Replace(text, "(a file)").Trim();
    }

    [GeneratedRegex(@"^[A-Z][A-Za-z ]{0,30} Error: ")]
    private static partial Regex Kind();

    [GeneratedRegex(@"(file://)?(/[^\s""',;:()\[\]]+){2,}|[^\s""']*\.parquet\b")]
    private static partial Regex FilePath();
}
