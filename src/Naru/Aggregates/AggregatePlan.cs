using System.Collections.Immutable;
using Naru.Core.Windows;
using Naru.Lake.Columns;

namespace Naru.Aggregates;

/// <summary>
/// A continuous query, compiled: what both executions run. An event goes through three steps, of which the first and
/// the last are SQL expressions that DuckDB evaluates for stream and batch alike:
///   project    per source: filter, and compute the group keys and the functions' arguments;
///   aggregate  per window and keys: the functions (in the stream C#, in the batch DuckDB's own GROUP BY);
///   output     per window and keys: the select list and HAVING, over keys and results.
/// Immutable.
/// </summary>
internal sealed record AggregatePlan
{
    /// <summary>The file's name without `.sql`, and the table's name in schema `agg`.</summary>
    public required string Name { get; init; }

    public required string Description { get; init; }

    public required string Owner { get; init; }

    /// <summary>The query as it stands in the file, without its header comments.</summary>
    public required string Sql { get; init; }

    /// <summary>
    /// The whole file, as it was compiled: a version that is no longer the file's goes on from it after a restart.
    /// </summary>
    public string Text { get; init; } = "";

    /// <summary>
    /// SHA-256 (hex) over the query, its window and the types of the columns that it reads: another fingerprint is
    /// another version, which is built anew. Header settings that change no result (description, owner, live, restate)
    /// are not in it.
    /// </summary>
    public required string Fingerprint { get; init; }

    /// <summary>How long after its end a window still takes events and is revised.</summary>
    public TimeSpan Lateness { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How far the watermark stays behind the newest event of a partition.</summary>
    public TimeSpan Disorder { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long after its end a window stays in memory for the live API.</summary>
    public TimeSpan Live { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Windows of events that came too late are recomputed without being asked.</summary>
    public bool RestatesItself { get; init; } = true;

    public required WindowSpec Window { get; init; }

    /// <summary>One for a plain query, several for a UNION ALL.</summary>
    public required ImmutableArray<AggregateSource> Sources { get; init; }

    /// <summary>Group keys besides the window, in the order of GROUP BY.</summary>
    public required ImmutableArray<AggregateColumn> Keys { get; init; }

    /// <summary>Distinct arguments of the functions, by position; each source computes all of them.</summary>
    public required ImmutableArray<AggregateColumn> Arguments { get; init; }

    /// <summary>
    /// Distinct function calls; `avg(x)` is a sum and a count here, and a division among the outputs.
    /// </summary>
    public required ImmutableArray<AggregateMeasure> Measures { get; init; }

    /// <summary>The select list, in its order.</summary>
    public required ImmutableArray<AggregateOutput> Outputs { get; init; }

    /// <summary>HAVING over the base columns (see <see cref="OutputSql"/>), or null.</summary>
    public string? Having { get; init; }

    /// <summary>
    /// Columns of `agg.[Name]`: the outputs (field ids from 100 in order of their names' first appearance), then
    /// `_revision` INTEGER (11), `_final` BOOLEAN (12), and the partition columns `p_ymd` DATE (90) and `p_hour`
    /// INTEGER (91) of window_start in the project's zone.
    /// </summary>
    public required TableSchema Schema { get; init; }

    /// <summary>Every output is a base column as it is and there is no HAVING.</summary>
    public bool OutputsAreDirect => Having is null && Outputs.All(static output => output.Base >= 0);

    /// <summary>
    /// The base columns that outputs are computed from: `window_start`, `window_end` (TIMESTAMP WITH TIME ZONE),
    /// then `k0`, `k1`, … and `m0`, `m1`, …
    /// </summary>
    public TableSchema BaseSchema => new(
    [
        new("window_start", ColumnType.Timestamp, false, 1),
        new("window_end", ColumnType.Timestamp, false, 2),
        .. Keys.Select(static (key, i) => new Column($"k{i}", key.Type, true, 3 + i)),
        .. Measures.Select((measure, i) => new Column($"m{i}", measure.Type, true, 3 + Keys.Length + i)),
    ]);

    /// <summary>
    /// `SELECT outputs[, more] FROM rows [WHERE having]`, where <paramref name="rows"/> stands after FROM and has the
    /// base columns, and what <paramref name="more"/> names. Only when the outputs are not direct.
    /// </summary>
    public string OutputSql(string rows, params ReadOnlySpan<string> more) =>
        $"SELECT {string.Join(", ", [.. Outputs.Select(static output => output.Sql), .. more])} FROM {rows}"
        + (Having is null ? "" : $" WHERE {Having}");
}

/// <summary>A named value of one of the types that the stream holds (<see cref="ColumnKind"/>, no arrays).</summary>
internal sealed record AggregateColumn(string Name, ColumnType Type);

/// <summary>One log that an aggregate reads.</summary>
internal sealed record AggregateSource
{
    /// <summary>`region_group.name`.</summary>
    public required string Log { get; init; }

    /// <summary>
    /// Columns of the log that are read, `_event_time` and what else the expressions name; sensitive ones are in the
    /// secure group and appear in counting functions only.
    /// </summary>
    public required ImmutableArray<SourceColumn> Columns { get; init; }

    /// <summary>Keys, then arguments: for each the log's column that it is, or null when it is computed.</summary>
    public required ImmutableArray<string?> DirectColumns { get; init; }

    /// <summary>
    /// SQL of one SELECT with the columns `_event_time` (TIMESTAMP WITH TIME ZONE), `_id` (VARCHAR), then all keys
    /// (`k0`…) and arguments (`a0`…), cast to their types; it reads the log's columns from <see cref="RowsMark"/>.
    /// An expression that fails on a row is NULL for it (TRY), on both sides.
    /// </summary>
    public required string Sql { get; init; }

    /// <summary>Rows may be left out (WHERE).</summary>
    public required bool IsFiltered { get; init; }

    /// <summary>No expression has to be evaluated: the stream reads the decoded columns as they are.</summary>
    public bool IsDirect => !IsFiltered && DirectColumns.All(static column => column is not null);

    /// <summary>Stands for the rows' source in <see cref="Sql"/>.</summary>
    public const string RowsMark = "$rows$";

    public string SelectFrom(string rows) => Sql.Replace(RowsMark, rows, StringComparison.Ordinal);
}

internal sealed record SourceColumn(string Name, ColumnType Type, bool IsSensitive);

/// <summary>What a function call is, for both executions.</summary>
internal enum AggregateFunction : byte
{
    /// <summary>Rows: no argument. Type BIGINT.</summary>
    CountAll = 1,

    /// <summary>Rows whose argument is not null. BIGINT.</summary>
    Count = 2,

    /// <summary>
    /// Of INTEGER: BIGINT. Of BIGINT: DECIMAL(38,0). Of DECIMAL(p,s) with p at most 28: DECIMAL(38,s). Of DOUBLE:
    /// DOUBLE, the exact sum rounded once. Null when no argument was a value.
    /// </summary>
    Sum = 3,

    Min = 4,
    Max = 5,

    /// <summary>Exact number of different values, as 128-bit hashes in the stream. BIGINT.</summary>
    CountDistinct = 6,

    /// <summary>HyperLogLog, 4,096 registers, 1.6% RMS. BIGINT.</summary>
    ApproxCountDistinct = 7,

    /// <summary>The first argument where the second is least; of several the one with the least `_id`.</summary>
    ArgMin = 8,

    /// <summary>The first argument where the second is greatest; of several the one with the greatest `_id`.</summary>
    ArgMax = 9,

    BoolAnd = 10,
    BoolOr = 11,

    /// <summary>
    /// The argument (not null) with the least (_event_time, _id). Values are persisted, so they never change.
    /// </summary>
    First = 12,

    /// <summary>The argument (not null) with the greatest (_event_time, _id).</summary>
    Last = 13,
}

/// <summary>One function call over arguments of the plan, by position; -1 where it has none.</summary>
internal sealed record AggregateMeasure(AggregateFunction Function, int Argument, int SecondArgument, ColumnType Type);

/// <summary>
/// One item of the select list: its SQL over the base columns, cast to its type; <see cref="Base"/> is the position of
/// the base column that it is, or -1 when it is computed.
/// </summary>
internal sealed record AggregateOutput(string Name, ColumnType Type, string Sql, int Base);
