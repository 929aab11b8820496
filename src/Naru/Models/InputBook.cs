using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Ledger;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;

namespace Naru.Models;

/// <summary>What whoever reads the lake by intervals needs to know of the stream.</summary>
internal interface IInputState
{
    /// <summary>Unix microseconds: every event that was received before is in the lake.</summary>
    long LandedUntil { get; }

    /// <summary>The table of the lake that a name means now: of an aggregate the version that serves.</summary>
    TableName StoredAs(TableName name);

    /// <summary>
    /// Unix microseconds: windows of the aggregate that begin before are closed and in its table; null when it does not
    /// run, or is being counted from the lake.
    /// </summary>
    long? WatermarkOf(string aggregate);

    /// <summary>How long an interval of a log waits for stragglers.</summary>
    TimeSpan LateAfter(TableName log);

    /// <summary>Rows by the start of each hour (Unix microseconds) of one day of a log's table.</summary>
    Task<IReadOnlyDictionary<long, long>> CountHoursAsync(
        TableName log, Interval day, CancellationToken cancellationToken);

    /// <summary>
    /// Another when files of an external table came, went or changed: of all of them, or of those of some days. Empty
    /// where days are asked for and its folders name none, and where the files cannot be looked at.
    /// </summary>
    string FilesOf(TableName external, (DateOnly First, DateOnly Last)? days) => "";
}

/// <summary>
/// Versions of what is read, and whether it is complete. A log's version is its count of rows in the window: rows
/// are only ever added, so one late event changes it, and compaction does not. A model's is how often each of its
/// intervals was filled; an aggregate's is its set of files, which are never rewritten under the same name. An
/// external table's is its list of files. System tables have none.
/// </summary>
internal sealed class InputBook(
    ITableStore tables, ScheduledThings things, IntervalLedger ledger, IInputState state, IntervalCalendar calendar)
{
    public const string AggregateSchema = "agg";

    private const string SystemSchema = "naru";
    private const string ExternalSchema = "ext";
    private const int GenerationsShown = 31;

    /// <summary>The day number of 1970-01-01.</summary>
    private const int EpochDay = 719_162;

    private readonly ConcurrentDictionary<TableName, RowsOfDays> _rows = new();
    private readonly ConcurrentDictionary<(TableName, long), CountedDay> _hours = new();

    /// <summary>Why the thing's interval must wait for the input; null when it is complete.</summary>
    public string? Awaits(IScheduled thing, ModelInput input, Interval interval)
    {
        switch (input.Table.Schema)
        {
            case SystemSchema or ExternalSchema:
                return null;
            case FilledTable.Schema:
                return things.Filling(input.Table) is { } upstream
                    ? AwaitsTable(upstream, input.Table, Window(input, interval)) : null;
            case AggregateSchema:
                return state.WatermarkOf(input.Table.Name) is { } watermark && watermark >= interval.End
                    ? null : $"windows of {input.Table} are still open";
            default:
                TimeSpan wait = thing.Rules.WaitForLate ?? state.LateAfter(input.Table);
                long until = interval.End + (wait.Ticks / TimeSpan.TicksPerMicrosecond);
                return state.LandedUntil >= until ? null : $"events of {input.Table} may come until {TimeOf(until)}";
        }
    }

    /// <summary>
    /// Unix microseconds: where the schedule begins with a thing; null when it never does, or when no input has a row
    /// yet.
    /// </summary>
    public long? StartOf(IScheduled thing)
    {
        if (!thing.Rules.StartsWithData)
        {
            return thing.Rules.Start;
        }

        if (thing is { Live: not null, Fills: { } own })
        {
            return FirstDay(own);
        }

        long? first = null;
        foreach (ModelInput input in thing.Inputs)
        {
            long? start = things.Filling(input.Table) is { } upstream
                ? StartOf(upstream)
                : FirstDay(input.Table);
            first = first is null || start < first ? start ?? first : first;
        }

        return first;
    }

    /// <summary>The version as of now; empty for what has none.</summary>
    public async ValueTask<string> VersionAsync(
        ModelInput input, Interval interval, CancellationToken cancellationToken)
    {
        Interval window = Window(input, interval);
        switch (input.Table.Schema)
        {
            case SystemSchema:
                return "";
            case ExternalSchema:
                return Listed(input, window);
            case FilledTable.Schema:
                return Generations(input, window);
            case AggregateSchema:
                return Paths(input, window);
            default:
                RowsOfDays rows = RowsOf(input.Table);
                if (input.IsAll)
                {
                    return Rows(rows.All, null);
                }

                long days = rows.Sum(window, calendar, hours: false);
                return window.Kind == IntervalKind.Day || rows.ByHour
                    ? Rows(rows.Sum(window, calendar, rows.ByHour), null)
                    : Rows(await CountAsync(input.Table, window, cancellationToken).ConfigureAwait(false), days);
        }
    }

    /// <summary>What changed since a version; null when nothing did.</summary>
    public async ValueTask<string?> ChangeAsync(
        ModelInput input, Interval interval, string recorded, CancellationToken cancellationToken)
    {
        Interval window = Window(input, interval);
        switch (input.Table.Schema)
        {
            case SystemSchema:
                return null;
            case ExternalSchema:
                string listed = Listed(input, window);
                return listed.Length == 0 || listed == recorded ? null : $"files of {input.Table} changed";
            case FilledTable.Schema:
                return Generations(input, window) == recorded ? null : $"{input.Table} was filled again";
            case AggregateSchema:
                return Paths(input, window) == recorded ? null : $"windows of {input.Table} were revised";
            default:
                (long before, long? ofDays) = ReadRows(recorded);
                if (ofDays is { } known && RowsOf(input.Table).Sum(window, calendar, hours: false) == known)
                {
                    return null;
                }

                string now = await VersionAsync(input, interval, cancellationToken).ConfigureAwait(false);
                long more = ReadRows(now).Rows - before;

                // Fewer: their lifetime ended, and what was made from them stays.
                return more > 0 ? $"{more} more {(more == 1 ? "event" : "events")} of {input.Table}" : null;
        }
    }

    /// <summary>What of the input belongs to the model's interval.</summary>
    public static Interval Window(ModelInput input, Interval interval) =>
        interval with { First = interval.First - (input.Back.Ticks / TimeSpan.TicksPerMicrosecond) };

    private string? AwaitsTable(IScheduled upstream, TableName table, Interval window)
    {
        foreach (Interval each in calendar.Between(upstream.Every, window.First, window.End))
        {
            if (StartOf(upstream) is { } start && each.First < start)
            {
                continue;
            }

            if (ledger.Find(upstream.Thing, each)?.Record is not { State: FillState.Done })
            {
                return $"{table} is not filled for {calendar.Name(each)}";
            }
        }

        return null;
    }

    private string Generations(ModelInput input, Interval window)
    {
        if (things.Filling(input.Table) is not { } upstream)
        {
            return "";
        }

        if (input.IsAll)
        {
            return Digest(string.Join(',', ledger.Of(upstream.Thing, upstream.Every).Select(static entry =>
                string.Create(CultureInfo.InvariantCulture, $"{entry.Interval.First}:{entry.Record.Generation}"))));
        }

        long[] filled =
        [
            .. calendar.Between(upstream.Every, window.First, window.End)
                .Select(each => ledger.Find(upstream.Thing, each)?.Record.Generation ?? 0),
        ];
        string list = string.Join(',', filled.Select(static each => each.ToString(CultureInfo.InvariantCulture)));
        return filled.Length <= GenerationsShown ? list : Digest(list);
    }

    private string Listed(ModelInput input, Interval window)
    {
        DateOnly first = DateOnly.FromDayNumber(EpochDay + calendar.Zone.DayAt(window.First, out _));
        DateOnly last = DateOnly.FromDayNumber(EpochDay + calendar.Zone.DayAt(window.End - 1, out _));
        return state.FilesOf(input.Table, input.IsAll ? null : (first, last));
    }

    private string Paths(ModelInput input, Interval window)
    {
        if (tables.Find(state.StoredAs(input.Table))?.Current is not { } version)
        {
            return "";
        }

        IEnumerable<string> files = version.Files
            .Where(file => input.IsAll || (file.MinEventTime ?? long.MinValue) < window.End
                && (file.MaxEventTime ?? long.MaxValue) >= window.First && IsIn(file, window))
            .Select(static file => file.Path);
        return Digest(string.Join('\n', files));
    }

    /// <summary>By the day, and the hour, that the file's windows begin in.</summary>
    private bool IsIn(DeltaFile file, Interval window)
    {
        int afterFirst = string.CompareOrdinal(
            file.PartitionValues[0], ModelText.Date(calendar.Zone.DayAt(window.First, out int firstHour)));
        int afterLast = string.CompareOrdinal(
            file.PartitionValues[0], ModelText.Date(calendar.Zone.DayAt(window.End - 1, out int lastHour)));
        if (afterFirst < 0 || afterLast > 0 || file.PartitionValues.Length < 2)
        {
            return afterFirst >= 0 && afterLast <= 0;
        }

        int hour = int.Parse(file.PartitionValues[1]!, CultureInfo.InvariantCulture);
        return (afterFirst > 0 || hour >= firstHour) && (afterLast < 0 || hour <= lastHour);
    }

    private RowsOfDays RowsOf(TableName table)
    {
        DeltaVersion? version = tables.Find(table)?.Current;
        RowsOfDays? known = _rows.GetValueOrDefault(table);
        if (known is null || !ReferenceEquals(known.Version, version))
        {
            _rows[table] = known = RowsOfDays.Of(version);
        }

        return known;
    }

    /// <summary>Where the first day begins of which the table has a file.</summary>
    private long? FirstDay(TableName table) =>
        tables.Find(state.StoredAs(table))?.Current.Files
            .Select(static file => file.PartitionValues[0]).Min(StringComparer.Ordinal) is { } day
        && calendar.TryParse(day, out Interval first) ? first.First : null;

    private async ValueTask<long> CountAsync(TableName table, Interval window, CancellationToken cancellationToken)
    {
        long sum = 0;
        foreach (Interval day in calendar.Between(IntervalKind.Day, window.First, window.End))
        {
            long ofDay = RowsOf(table).Sum(day, calendar, hours: false);
            if (ofDay == 0)
            {
                continue;
            }

            CountedDay? counted = _hours.GetValueOrDefault((table, day.First));
            if (counted is null || counted.Rows != ofDay)
            {
                counted = new CountedDay(
                    ofDay, await state.CountHoursAsync(table, day, cancellationToken).ConfigureAwait(false));
                _hours[(table, day.First)] = counted;
            }

            sum += counted.ByHour.Where(hour => hour.Key >= window.First && hour.Key < window.End)
                .Sum(static hour => hour.Value);
        }

        return sum;
    }

    private static string Rows(long rows, long? ofDays) => ofDays is null
        ? rows.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{rows}/{ofDays}");

    private static (long Rows, long? OfDays) ReadRows(string version)
    {
        string[] parts = version.Split('/');
        return (
            long.TryParse(parts[0], CultureInfo.InvariantCulture, out long rows) ? rows : 0,
            parts.Length == 2 && long.TryParse(parts[1], CultureInfo.InvariantCulture, out long days) ? days : null);
    }

    private static string Digest(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];

    private string TimeOf(long instant)
    {
        long offset = calendar.Zone.OffsetAt(instant);
        DateTimeOffset time = DateTimeOffset.UnixEpoch.AddTicks(instant * 10)
            .ToOffset(TimeSpan.FromMicroseconds(offset));
        return time.ToString("yyyy-MM-dd HH:mm:sszzz", CultureInfo.InvariantCulture);
    }

    /// <summary>Rows of a day, and of each of its hours by their start.</summary>
    private sealed record CountedDay(long Rows, IReadOnlyDictionary<long, long> ByHour);

    /// <summary>Rows of a table by partition, as of one version.</summary>
    private sealed record RowsOfDays(DeltaVersion? Version, bool ByHour, IReadOnlyDictionary<string, long> Rows)
    {
        public static RowsOfDays Of(DeltaVersion? version)
        {
            Dictionary<string, long> rows = new(StringComparer.Ordinal);
            bool byHour = version?.PartitionColumns.Length == 2;
            foreach (DeltaFile file in version?.Files ?? [])
            {
                Add(file.PartitionValues[0] ?? "", file.Rows);
                if (byHour)
                {
                    Add($"{file.PartitionValues[0]}/{file.PartitionValues[1]}", file.Rows);
                }
            }

            return new RowsOfDays(version, byHour, rows);

            void Add(string key, long count) => rows[key] = rows.GetValueOrDefault(key) + Math.Max(count, 0);
        }

        public long All => Version?.Rows ?? 0;

        public long Sum(Interval window, IntervalCalendar calendar, bool hours)
        {
            long sum = 0;
            IntervalKind kind = hours ? IntervalKind.Hour : IntervalKind.Day;
            foreach (Interval each in calendar.Between(kind, window.First, window.End))
            {
                int day = calendar.Zone.DayAt(each.First, out int hour);
                string key = hours
                    ? string.Create(CultureInfo.InvariantCulture, $"{ModelText.Date(day)}/{hour}")
                    : ModelText.Date(day);
                sum += Rows.GetValueOrDefault(key);
            }

            return sum;
        }
    }
}

/// <summary>What a model is called in the ledger.</summary>
internal static class ModelThing
{
    private const string Prefix = "model/";

    public static string Of(string name) => Prefix + name;
}
