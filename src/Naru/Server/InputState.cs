using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Schedules;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.External;
using Naru.Lake.Catalog;
using Naru.Models;
using Naru.Query;
using Naru.Query.Pool;
using Naru.Query.Worker;
using Naru.Stream;
using Naru.Stream.Aggregate;

namespace Naru.Server;

/// <summary>
/// What models need to know of the stream. How far it has landed is known exactly: the ends of the topic are noted with
/// the time, and once all of them are landed, so is everything that was received before.
/// </summary>
internal sealed class InputState(
    StreamWorker worker,
    ITopicLog topic,
    IDefinitionSource definitions,
    IServiceProvider services,
    TimeProvider time) : IInputState
{
    private static readonly TimeSpan InFlight = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private (long At, ImmutableArray<long> Ends)? _noted;
    private long _landedUntil = long.MinValue;

    public long LandedUntil
    {
        get
        {
            lock (_gate)
            {
                ImmutableArray<long> landed = worker.Status.LandedOffsets;
                if (_noted is { } noted && IsPast(landed, noted.Ends))
                {
                    Invariant.Hold(noted.At >= _landedUntil);
                    _landedUntil = noted.At;
                    _noted = null;
                }

                _noted ??= Note();
                if (IsPast(landed, _noted.Value.Ends))
                {
                    _landedUntil = _noted.Value.At;
                    _noted = null;
                }

                return _landedUntil;
            }
        }
    }

    public TableName StoredAs(TableName name) =>
        worker.Status.Aggregates.FirstOrDefault(aggregate => aggregate.Name == name.Name)?.Table ?? name;

    public long? WatermarkOf(string aggregate) =>
        worker.Live.Standing(aggregate) is { Failure: null, Uncounted.IsEmpty: true } standing
            ? standing.ClosedUntil : null;

    public TimeSpan LateAfter(TableName log) => definitions.Current.Logs
        .FirstOrDefault(each => each.RegionGroup == log.Schema && each.Name == log.Name)?.LateAfter ?? TimeSpan.Zero;

    public async Task<IReadOnlyDictionary<long, long>> CountHoursAsync(
        TableName log, Interval day, CancellationToken cancellationToken)
    {
        // Asked for by name: the query service needs the catalog, which knows the tables of models.
        QueryService queries = services.GetRequiredService<QueryService>();
        string date = ModelText.Date(DayOf(day));
        JsonRows rows = new();
        await queries.RunAsync(
            new QueryRequest
            {
                Sql = "SELECT epoch_us(_event_time) // 60000000 AS minute, count(*) AS n "
                    + $"FROM {log.Schema}.{log.Name} WHERE p_ymd = DATE '{date}' GROUP BY minute",
                Principal = ModelReader.Of("versions", null),
                Format = ResultFormat.Ndjson,
                Pool = PoolName.Etl,
            },
            rows,
            cancellationToken).ConfigureAwait(false);
        IntervalCalendar calendar = services.GetRequiredService<IntervalCalendar>();
        Dictionary<long, long> hours = [];
        foreach (JsonElement row in rows.Read())
        {
            long minute = row.GetProperty("minute").GetInt64() * 60_000_000;
            long hour = calendar.At(IntervalKind.Hour, minute).First;
            hours[hour] = hours.GetValueOrDefault(hour) + row.GetProperty("n").GetInt64();
        }

        return hours;

        int DayOf(Interval interval) =>
            services.GetRequiredService<IntervalCalendar>().Zone.DayAt(interval.First, out _);
    }

    public string FilesOf(TableName external, (DateOnly First, DateOnly Last)? days)
    {
        // Asked for by name, as above.
        ExternalShapes shapes = services.GetRequiredService<ExternalShapes>();
        ExternalTable? table = shapes.Current.FirstOrDefault(view => view.Table.Table == external)?.Table;
        int key = table?.Partitions.ToList().FindIndex(static column => column.Name == LogTables.Ymd) ?? -1;
        if (table is null || (days is not null && key < 0))
        {
            return "";
        }

        try
        {
            IEnumerable<LocatedFile> found = LocationListing.Read(table.Location, shapes.Rules).Files;
            return LocationListing.PrintOf(days is not { } range ? found : found.Where(file =>
                DateOnly.TryParseExact(
                    file.Values[key], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day)
                && day >= range.First && day <= range.Last));
        }
        catch (LocationException)
        {
            // A disk that is away for an hour makes nothing stale; who reads it is told.
            return "";
        }
    }

    private static bool IsPast(ImmutableArray<long> landed, ImmutableArray<long> ends) =>
        landed.Length == ends.Length && landed.Zip(ends).All(static pair => pair.First >= pair.Second);

    private (long At, ImmutableArray<long> Ends) Note()
    {
        // What was received but is not durable yet has no offset to wait for.
        DateTimeOffset before = time.GetUtcNow() - InFlight;
        long now = (before - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        return (now, [.. Enumerable.Range(0, topic.PartitionCount).Select(each => topic.Offsets(each).Durable)]);
    }

    /// <summary>A small answer, as lines of JSON.</summary>
    private sealed class JsonRows : IResultSink
    {
        private readonly System.Buffers.ArrayBufferWriter<byte> _bytes = new();

        public void Admitted(string id)
        {
        }

        public ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken) =>
            ValueTask.CompletedTask;

        public ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken)
        {
            _bytes.Write(rows.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public IEnumerable<JsonElement> Read()
        {
            foreach (string line in System.Text.Encoding.UTF8.GetString(_bytes.WrittenSpan).Split(
                '\n', StringSplitOptions.RemoveEmptyEntries))
            {
                yield return JsonDocument.Parse(line).RootElement;
            }
        }
    }
}
