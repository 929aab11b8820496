using System.Collections.Immutable;
using System.Globalization;
using Naru.Aggregates;
using Naru.Core;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;

namespace Naru.Stream.Batch;

/// <summary>
/// The statements of one batch. Every one yields `w` and `e` (BIGINT: the window's start in the unit of
/// <see cref="BatchWindows"/>, and of sessions their end), then the keys `k0`… and the results `m0`….
/// </summary>
internal sealed class BatchSql(AggregatePlan plan, ImmutableArray<BatchSource> sources, BatchWindows windows)
{
    private const string EventTime = "_event_time";
    private const string Id = "_id";
    private const string Time = "epoch_us(f._event_time)";

    /// <summary>Rows of windows of a fixed size that begin in the pass, in order.</summary>
    public string Fixed(BatchPass pass)
    {
        (long from, long to) = windows.EventsOf(pass);
        string placed = $"SELECT {windows.Sql(from, to)} AS w, * FROM ({Canonical(from, to)})";
        return Text($"SELECT w, 0::BIGINT AS e{Results()} FROM ({placed}) ")
            + Text($"WHERE w >= {pass.First} AND w < {pass.End} GROUP BY ALL{Order()}");
    }

    /// <summary>Rows of sessions that begin in the pass, in order; events are read up to a time.</summary>
    public string Sessions(BatchPass pass, long to) =>
        Text($"SELECT min(t) AS w, max(t) + {windows.Spec.Size} AS e{Results()} ")
        + Text($"FROM ({Numbered(pass, to)}) GROUP BY s{List(plan.Keys.Length, ", k")} ")
        + Text($"HAVING min(t) >= {pass.First} AND min(t) < {pass.End}{Order()}");

    /// <summary>The last event of all sessions that begin in the pass, as far as events before `to` tell.</summary>
    public string LastOfSessions(BatchPass pass, long to) =>
        Text($"SELECT max(last) FROM (SELECT min(t) AS first, max(t) AS last FROM ({Numbered(pass, to)}) ")
        + Text($"GROUP BY s{List(plan.Keys.Length, ", k")}) WHERE first >= {pass.First} AND first < {pass.End}");

    /// <summary>Start of the first session in a table that an event in [from, to) would join, or null.</summary>
    public static long? FirstTouched(BatchTable table, AggregatePlan plan, (long From, long To) range)
    {
        string[] files = [.. table.Version.Files.Select(table.PathOf)];
        if (files.Length == 0)
        {
            return null;
        }

        TableSchema schema = new(
        [
            .. plan.Outputs.Select((output, i) => (output, i))
                .Where(static pair => pair.output.Base is 0 or 1)
                .OrderBy(static pair => pair.output.Base)
                .Select(pair => plan.Schema.Columns[pair.i]),
        ]);
        string start = SqlIdentifier.Quote(schema.Columns[0].Name);
        string end = SqlIdentifier.Quote(schema.Columns[^1].Name);
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory(new KeyValuePair<string, string>("threads", "1"));
        using DuckDbConnection connection = database.Connect();
        using DuckDbResult result = connection.Materialize(
            $"SELECT epoch_us(min({start})) FROM {ParquetScan.Sql(files, schema)} "
            + Text($"WHERE {end} >= make_timestamptz({range.From}) ")
            + Text($"AND {start} <= make_timestamptz({range.To + plan.Window.Size})"));
        Invariant.Hold(result.TryNext(out DuckDbChunk? chunk));
        return chunk[0].IsNull(0) ? null : chunk[0].Values<long>()[0];
    }

    /// <summary>One source's rows with event times in [from, to), as the plan projects them.</summary>
    public string Projected(int source, long from, long to) =>
        plan.Sources[source].SelectFrom(Rows(plan.Sources[source], sources[source], from, to));

    /// <summary>First and last event time of a file.</summary>
    public static string Bounds(string path, int fieldId)
    {
        TableSchema schema = new([new Column(EventTime, ColumnType.Timestamp, false, fieldId)]);
        return $"SELECT epoch_us(min({EventTime})), epoch_us(max({EventTime})) FROM {ParquetScan.Sql([path], schema)}";
    }

    /// <summary>
    /// Events of all keys, numbered by session: one begins where the event before is more than the gap away. Events of
    /// one time are peers and get one number.
    /// </summary>
    private string Numbered(BatchPass pass, long to)
    {
        string keys = List(plan.Keys.Length, "k", ", ");
        string over = $"OVER ({(keys.Length == 0 ? "" : $"PARTITION BY {keys} ")}ORDER BY t)";
        string before = $"SELECT *, lag(t) {over} AS before FROM ({Canonical(pass.First - windows.Spec.Size, to)})";
        string begins = Text($"CASE WHEN t - before <= {windows.Spec.Size} THEN 0 ELSE 1 END");
        return $"SELECT *, sum({begins}) {over} AS s FROM ({before})";
    }

    /// <summary>Projected rows of all sources, with `t`; doubles that are equal are one value.</summary>
    private string Canonical(long from, long to)
    {
        IEnumerable<string> columns =
        [
            $"epoch_us({EventTime}) AS t",
            EventTime,
            Id,
            .. plan.Keys.Select(static (key, i) => Canonical($"k{i}", key.Type)),
            .. plan.Arguments.Select(static (argument, i) => Canonical($"a{i}", argument.Type)),
        ];
        string rows = string.Join(
            " UNION ALL ",
            plan.Sources.Zip(sources, (source, files) => $"({source.SelectFrom(Rows(source, files, from, to))})"));
        return $"SELECT {string.Join(", ", columns)} FROM ({rows})";
    }

    private static string Canonical(string name, ColumnType type) =>
        type.Kind == ColumnKind.Double ? $"CASE WHEN {name} = 0 THEN 0 ELSE {name} END AS {name}" : name;

    /// <summary>The log's rows with event times in [from, to): its columns, the sensitive ones joined by key.</summary>
    private string Rows(AggregateSource source, BatchSource files, long from, long to)
    {
        string[] fields = [.. files.FieldsFiles.Where(file => file.Holds(from, to)).Select(static file => file.Path)];
        if (fields.Length == 0)
        {
            return Empty(source);
        }

        IEnumerable<SourceColumn> secret = source.Columns.Where(static column => column.IsSensitive);
        string[] secure = secret.Any()
            ? [.. files.SecureFiles.Where(file => file.Holds(from, to)).Select(static file => file.Path)]
            : [];
        string all = string.Join(", ", Columns(source).Select(column => Column(column, secure.Length > 0, from, to)));
        string range = $"SELECT * FROM {Scan(fields, files.Fields, source, false)}"
            + Text($" WHERE {EventTime} >= make_timestamptz({from}) AND {EventTime} < make_timestamptz({to})");
        return secure.Length == 0
            ? $"(SELECT {all} FROM ({range}) f)"
            : $"(SELECT {all} FROM ({range}) f LEFT JOIN {Scan(secure, files.Secure!, source, true)} s"
                + " USING (_topic_partition, _topic_offset))";
    }

    private string Column(SourceColumn column, bool hasSecure, long from, long to)
    {
        string name = SqlIdentifier.Quote(column.Name);
        return column.Name switch
        {
            // Landed files hold the columns that they are partitioned by only in their folders' names.
            LogTables.Ymd => $"DATE '1970-01-01' + CAST({windows.Day(Time, from, to)} AS INTEGER) AS {name}",
            LogTables.Hour => $"CAST({windows.Hour(Time, from, to)} AS INTEGER) AS {name}",
            _ when column.IsSensitive => hasSecure ? $"s.{name}" : $"CAST(NULL AS {column.Type.Sql}) AS {name}",
            _ => $"f.{name}",
        };
    }

    /// <summary>Those columns of a group that the source reads, and the key where the groups are joined.</summary>
    private static string Scan(string[] paths, TableSchema schema, AggregateSource source, bool isSecure)
    {
        List<Column> columns =
        [
            schema.Columns[LogTables.PartitionColumn],
            schema.Columns[LogTables.OffsetColumn],
        ];
        foreach (SourceColumn column in Columns(source).Where(column => column.IsSensitive == isSecure))
        {
            int at = schema.IndexOf(column.Name);
            bool isHere = columns.Exists(each => each.Name == column.Name);
            if (!isHere && column.Name is not (LogTables.Ymd or LogTables.Hour))
            {
                // A field that the log no longer has, by a definition published since, reads as null.
                int fieldId = at < 0 ? int.MaxValue : schema.Columns[at].FieldId;
                columns.Add(new Column(column.Name, column.Type, true, fieldId));
            }
        }

        return ParquetScan.Sql(paths, new TableSchema([.. columns]));
    }

    private static IEnumerable<SourceColumn> Columns(AggregateSource source) => source.Columns
        .Append(new SourceColumn(EventTime, ColumnType.Timestamp, false))
        .Append(new SourceColumn(Id, ColumnType.String, false))
        .DistinctBy(static column => column.Name);

    private static string Empty(AggregateSource source) => $"(SELECT {string.Join(", ", Columns(source).Select(
        static column => $"CAST(NULL AS {column.Type.Sql}) AS {SqlIdentifier.Quote(column.Name)}"))} WHERE false)";

    private string Results()
    {
        IEnumerable<string> results = plan.Measures.Select(static (measure, i) =>
            $"CAST({Call(measure)} AS {measure.Type.Sql}) AS m{i}");
        return List(plan.Keys.Length, ", k") + string.Concat(results.Select(static result => $", {result}"));
    }

    private string Order() => $" ORDER BY w{List(plan.Keys.Length, ", k")}";

    private static string Call(AggregateMeasure measure)
    {
        string argument = $"a{measure.Argument}";
        string second = $"a{measure.SecondArgument}";
        return measure.Function switch
        {
            AggregateFunction.CountAll => "count(*)",
            AggregateFunction.Count => $"count({argument})",
            AggregateFunction.Sum when measure.Type.Kind == ColumnKind.Double => $"naru_sum({argument})",
            AggregateFunction.Sum => $"sum({argument})",
            AggregateFunction.Min => $"min({argument})",
            AggregateFunction.Max => $"max({argument})",
            AggregateFunction.CountDistinct => $"count(DISTINCT {argument})",
            AggregateFunction.ApproxCountDistinct => $"naru_approx_count_distinct({argument})",
            AggregateFunction.ArgMin => Extreme("arg_min", argument, second),
            AggregateFunction.ArgMax => Extreme("arg_max", argument, second),
            AggregateFunction.BoolAnd => $"bool_and({argument})",
            AggregateFunction.BoolOr => $"bool_or({argument})",
            AggregateFunction.First => Extreme("arg_min", argument, "t"),
            AggregateFunction.Last => Extreme("arg_max", argument, "t"),
            _ => throw new ArgumentOutOfRangeException(nameof(measure), measure.Function, "no such function"),
        };
    }

    /// <summary>Rows are compared as (what orders them, id); one without a value does not take part.</summary>
    private static string Extreme(string function, string argument, string by) =>
        $"{function}({argument}, ({by}, {Id})) FILTER (WHERE {argument} IS NOT NULL AND {by} IS NOT NULL)";

    private static string List(int count, string prefix, string separator = "") =>
        string.Join(separator, Enumerable.Range(0, count).Select(i => Text($"{prefix}{i}")));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
