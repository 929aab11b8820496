using System.Globalization;
using System.Text.RegularExpressions;
using Naru.Lake.Catalog;
using Naru.Lake.DuckDb;

namespace Naru.Query.Worker;

/// <summary>
/// Values of texts, as they are written or not at all: the engine's own casts round 1.5 to 2 and 1.005 to 1.01, so that
/// two keys become one, and make a time that no clock shows null. Such columns are read as texts and cast here; what
/// the type does not hold exactly ends the statement with the file, the column, the value, and the line.
/// </summary>
internal static partial class ExactValues
{
    /// <summary>Name of the column that says which file a row is of.</summary>
    public const string File = "\u0001file";

    private const char Mark = '\u0001';

    /// <summary>How values of a type may be written, as a regular expression; null of types that the engine casts.
    /// </summary>
    public static string? FormOf(string type)
    {
        if (type is "TIMESTAMP WITH TIME ZONE" or "TIMESTAMPTZ")
        {
            return ".*";
        }

        Match counted = Counted().Match(type);
        string digits = counted.Groups[1].Value;
        return !counted.Success ? null
            : digits is "" or "0" ? "[+-]?[0-9]+(\\.0*)?"
            : $"[+-]?([0-9]+(\\.[0-9]{{0,{digits}}}0*)?|\\.[0-9]{{1,{digits}}}0*)";
    }

    /// <summary>What gives the value of a column that is read as text.</summary>
    public static string Sql(FileColumn column, string form)
    {
        string name = SqlIdentifier.Quote(column.Name);
        string cast = $"TRY_CAST(trim({name}) AS {column.Type})";
        string told = $"chr(1) || {SqlIdentifier.Quote(File)} || chr(1) || {Literal(column.Name)} || chr(1) "
            + $"|| {Literal(column.Type)} || chr(1) || {name} || chr(1)";
        return $"CASE WHEN {name} IS NULL OR (regexp_full_match(trim({name}), '{form}') AND {cast} IS NOT NULL) "
            + $"THEN {cast} ELSE error({told}) END AS {name}";
    }

    /// <summary>The failure in the words that the engine has for other types; null where it is none of these.</summary>
    /// <param name="failed">What the statement ended with.</param>
    /// <param name="lineOf">The line in a file that a column holds a value in, where it can be told.</param>
    public static DuckDbException? Find(DuckDbException failed, Func<string, string, string, long?> lineOf)
    {
        int from = failed.Message.IndexOf(Mark, StringComparison.Ordinal);
        string[] parts = from < 0 ? [] : failed.Message[(from + 1)..].Split(Mark);
        if (parts.Length < 5)
        {
            return null;
        }

        (string file, string column, string type, string value) = (parts[0], parts[1], parts[2], parts[3]);
        string line = lineOf(file, column, value) is { } found
            ? string.Create(CultureInfo.InvariantCulture, $"Line: {found} ") : "";
        return new DuckDbException(
            DuckDbErrorKind.Conversion,
            $"{line}File: {file} Error when converting column \"{column}\". Could not convert string \"{value}\" to "
            + $"'{type}'");
    }

    private static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    [GeneratedRegex(@"^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|DECIMAL\(\d+, ?(\d+)\))$")]
    private static partial Regex Counted();
}
