using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core.Windows;
using Naru.Lake.Columns;

namespace Naru.Tests.Stream.Batch;

/// <summary>Plans over the log of <see cref="BatchLake"/>, written by hand.</summary>
internal static class BatchPlans
{
    public static readonly long Second = 1_000_000;
    public static readonly long Minute = 60 * Second;
    public static readonly long Hour = 60 * Minute;

    public static WindowSpec Tumble(long size) => new(WindowKind.Tumble, size, size, false);

    public static WindowSpec Hop(long slide, long size) => new(WindowKind.Hop, size, slide, false);

    public static WindowSpec Session(long gap) => new(WindowKind.Session, gap, 0, false);

    public static WindowSpec Days(long size) => new(WindowKind.Tumble, size, size, true);

    public static WindowSpec HopDays(long slide, long size) => new(WindowKind.Hop, size, slide, true);

    /// <summary>Every function but sums over doubles, by ad.</summary>
    public static AggregatePlan EveryFunction(WindowSpec window) => Make(
        window,
        [("ad", "ad_id", ColumnType.String)],
        [
            ("n", ColumnType.Int64), ("small", ColumnType.Int32), ("cost", ColumnType.Decimal(18, 6)),
            ("x", ColumnType.Double), ("flag", ColumnType.Boolean), ("user_id", ColumnType.String),
            ("ad_id", ColumnType.String),
        ],
        [
            Call(AggregateFunction.CountAll, -1, ColumnType.Int64),
            Call(AggregateFunction.Count, 2, ColumnType.Int64),
            Call(AggregateFunction.Sum, 0, ColumnType.Decimal(38, 0)),
            Call(AggregateFunction.Sum, 1, ColumnType.Int64),
            Call(AggregateFunction.Sum, 2, ColumnType.Decimal(38, 6)),
            Call(AggregateFunction.Min, 3, ColumnType.Double),
            Call(AggregateFunction.Max, 3, ColumnType.Double),
            Call(AggregateFunction.CountDistinct, 5, ColumnType.Int64),
            new AggregateMeasure(AggregateFunction.ArgMin, 6, 1, ColumnType.String),
            new AggregateMeasure(AggregateFunction.ArgMax, 2, 1, ColumnType.Decimal(18, 6)),
            Call(AggregateFunction.BoolAnd, 4, ColumnType.Boolean),
            Call(AggregateFunction.BoolOr, 4, ColumnType.Boolean),
            Call(AggregateFunction.First, 0, ColumnType.Int64),
            Call(AggregateFunction.Last, 3, ColumnType.Double),
            Call(AggregateFunction.Max, 2, ColumnType.Decimal(18, 6)),
            Call(AggregateFunction.Min, 6, ColumnType.String),
        ]);

    /// <summary>Rows by key alone.</summary>
    public static AggregatePlan Counts(WindowSpec window, params (string Name, string Sql, ColumnType Type)[] keys) =>
        Make(window, [.. keys], [], [Call(AggregateFunction.CountAll, -1, ColumnType.Int64)]);

    public static AggregateMeasure Call(AggregateFunction function, int argument, ColumnType type) =>
        new(function, argument, -1, type);

    /// <summary>
    /// A plan whose select list is the window, the keys and the measures. A key is an expression; an argument a column.
    /// </summary>
    public static AggregatePlan Make(
        WindowSpec window,
        ImmutableArray<(string Name, string Sql, ColumnType Type)> keys,
        ImmutableArray<(string Name, ColumnType Type)> arguments,
        ImmutableArray<AggregateMeasure> measures,
        string where = "true")
    {
        ImmutableArray<AggregateOutput> outputs =
        [
            new("window_start", ColumnType.Timestamp, "window_start", 0),
            new("window_end", ColumnType.Timestamp, "window_end", 1),
            .. keys.Select(static (key, i) => new AggregateOutput(key.Name, key.Type, $"k{i}", 2 + i)),
            .. measures.Select((measure, i) =>
                new AggregateOutput($"measure{i}", measure.Type, $"m{i}", 2 + keys.Length + i)),
        ];
        return new AggregatePlan
        {
            Name = "test",
            Description = "",
            Owner = "",
            Sql = "",
            Fingerprint = "",
            Window = window,
            Sources = [Source("kr_shop.ad_click", keys, arguments, where)],
            Keys = [.. keys.Select(static key => new AggregateColumn(key.Name, key.Type))],
            Arguments = [.. arguments.Select(static argument => new AggregateColumn(argument.Name, argument.Type))],
            Measures = measures,
            Outputs = outputs,
            Schema = SchemaOf(outputs),
        };
    }

    public static TableSchema SchemaOf(ImmutableArray<AggregateOutput> outputs) => new(
    [
        .. outputs.Select(static (output, i) => new Column(output.Name, output.Type, true, 100 + i)),
        new("_revision", ColumnType.Int32, false, 11),
        new("_final", ColumnType.Boolean, false, 12),
        new("p_ymd", ColumnType.Date, false, 90),
        new("p_hour", ColumnType.Int32, false, 91),
    ]);

    private static AggregateSource Source(
        string log,
        ImmutableArray<(string Name, string Sql, ColumnType Type)> keys,
        ImmutableArray<(string Name, ColumnType Type)> arguments,
        string where)
    {
        IEnumerable<string> columns = keys
            .Select(static (key, i) => $"CAST({key.Sql} AS {key.Type.Sql}) AS k{i}")
            .Concat(arguments.Select(static (each, i) => $"CAST(\"{each.Name}\" AS {each.Type.Sql}) AS a{i}"));
        return new AggregateSource
        {
            Log = log,
            Columns =
            [
                new("_event_time", ColumnType.Timestamp, false),
                .. BatchLake.Columns.Select(static column =>
                    new SourceColumn(column.Name, column.Type, column.Name == "user_id")),
            ],
            DirectColumns = [.. keys.Select(static _ => (string?)null), .. arguments.Select(static _ => (string?)null)],
            Sql = $"SELECT _event_time, _id, {string.Join(", ", columns)} FROM {AggregateSource.RowsMark} WHERE {where}"
                .Replace(",  FROM", " FROM", StringComparison.Ordinal),
            IsFiltered = true,
        };
    }
}
