using System.Collections.Immutable;
using System.Globalization;
using Naru.Access;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Query.Gate;

namespace Naru.Query;

/// <summary>
/// Leaves out files that no place of a statement can need: of other days, hours and buckets than its conditions name.
/// The engine would skip the days itself; but a file in a bucket store has to be fetched before, and of hash buckets it
/// knows nothing. What cannot be shown is kept.
/// </summary>
internal static class FilePruning
{
    private const string Ymd = "p_ymd";
    private const string Hour = "p_hour";

    public static ImmutableArray<TableSnapshot> Of(
        ImmutableArray<TableSnapshot> tables, ImmutableArray<TableRead> reads, Func<TableName, TableRules> rulesOf) =>
        [.. tables.Select(table => Of(table, reads, rulesOf(table.Name)))];

    private static TableSnapshot Of(TableSnapshot table, ImmutableArray<TableRead> reads, TableRules rules)
    {
        ImmutableArray<ColumnCondition>[] places =
        [
            .. reads.Where(read => read.Table == table.Name)

                // A masked value is not the file's.
                .Select(read => read.Conditions.RemoveAll(each => rules.Columns.ContainsKey(each.Column))),
        ];
        if (table.Facts.Length != table.Files.Length || places.Length == 0
            || places.Any(static conditions => conditions.IsEmpty))
        {
            return table;
        }

        int[] kept =
        [
            .. Enumerable.Range(0, table.Files.Length).Where(at => table.Facts[at] is not { } file
                || places.Any(conditions => conditions.All(each => MayHold(table, file, each)))),
        ];
        return kept.Length == table.Files.Length
            ? table
            : table with
            {
                Files = [.. kept.Select(at => table.Files[at])],
                Facts = [.. kept.Select(at => table.Facts[at])],
            };
    }

    private static bool MayHold(TableSnapshot table, DeltaFile file, ColumnCondition condition)
    {
        int partition = table.PartitionColumns.IndexOf(condition.Column);
        if (partition < 0 || partition >= file.PartitionValues.Length)
        {
            return file.Bucket is not { } bucket || bucket.Column != condition.Column
                || condition.Kind != ConditionKind.In
                || condition.IsText != IsText(table, bucket.Column)
                || condition.Values.Any(value => bucket.MayHold(value));
        }

        if (condition.Column == Ymd && condition.IsText && Day(file.PartitionValues[partition]) is { } day
            && condition.Values.All(static value => Day(value) is not null))
        {
            return Holds(condition.Kind, condition.Values.Select(value => Day(value)!.Value.CompareTo(day)));
        }

        return condition.Column != Hour || condition.IsText || Number(file.PartitionValues[partition]) is not { } hour
            || Holds(condition.Kind, condition.Values.Select(value => Number(value)!.Value.CompareTo(hour)));
    }

    /// <param name="kind">How the file is held against the values.</param>
    /// <param name="sides">Of each value: below the file's, the same, above it.</param>
    private static bool Holds(ConditionKind kind, IEnumerable<int> sides) => kind switch
    {
        ConditionKind.In => sides.Any(static side => side == 0),
        ConditionKind.From => sides.All(static side => side <= 0),
        _ => sides.All(static side => side >= 0),
    };

    private static bool IsText(TableSnapshot table, string column) =>
        table.Schema.Columns[table.Schema.IndexOf(column)].Type.Kind == ColumnKind.String;

    private static DateOnly? Day(string? text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day)
            ? day : null;

    private static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            ? number : null;
}
