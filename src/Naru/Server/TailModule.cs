using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Naru.Access;
using Naru.Core.Text;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Stream;

namespace Naru.Server;

/// <summary>
/// `GET /v1/tail/{log}`: the topic `valid` as lines, each event once, in the order of its partition, as it lands. The
/// answer does not end; `from` begins in the past, `where` keeps only some.
/// </summary>
internal static class TailModule
{
    private const int PieceBytes = 256 << 10;

    public static void MapTail(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/tail/{log}", TailAsync).Needs(Permission.Read)
            .WithSummary("Follows a log: a line of JSON for each event that lands, until the client goes.");

    private static async Task TailAsync(string log, HttpContext http)
    {
        if (Refuse(log, http, out TailRun? run) is { } refusal)
        {
            await refusal.ExecuteAsync(http).ConfigureAwait(false);
            return;
        }

        using TailRun following = run!;
        await EndlessAnswer.WriteAsync(http, "application/x-ndjson", following.FollowAsync).ConfigureAwait(false);
    }

    private static IResult? Refuse(string log, HttpContext http, out TailRun? run)
    {
        run = null;
        IServiceProvider services = http.RequestServices;
        Principal? principal = http.Asks();
        if (principal is null)
        {
            return AccessErrors.Unauthorized();
        }

        DefinitionSet definitions = services.GetRequiredService<IDefinitionSource>().Current;
        if (!definitions.TryGet(log, out LogDefinition? definition))
        {
            return ServerErrors.UnknownLog(log, definitions);
        }

        TableName table = new(definition.RegionGroup, definition.Name);
        if (!principal.MayRead(table))
        {
            return ServerErrors.Forbidden($"read {log}");
        }

        // Events are followed as they came in, where no filter and no mask is applied.
        if (!principal.MayReadPlainly(table))
        {
            return ServerErrors.Ruled(log);
        }

        bool secure = principal.MayReadPlainly(table with { Group = ColumnGroup.Secure });
        IEnumerable<string> conditions = http.Request.Query["where"].OfType<string>();
        if (TailFilter.Create(definition, secure, conditions, out string unknown) is not { } filter)
        {
            string? nearest = NearestName.Find(unknown, definition.Fields.Select(static field => field.Name));
            return ServerErrors.BadRequest(
                $"`where` names no field \"{unknown}\" of {log} that you may read",
                nearest is null ? "write where=field=value" : $"did you mean {nearest}?");
        }

        DateTimeOffset now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        if (!TryReadFrom(http.Request.Query["from"], now, out long? from))
        {
            return ServerErrors.BadRequest(
                "`from` is no time", "write an age such as 10m, a time such as 2026-11-20T09:00:00Z, or start");
        }

        run = new TailRun(services, definition, filter, from);
        return null;
    }

    /// <summary>Unix microseconds; null is from now on.</summary>
    private static bool TryReadFrom(string? text, DateTimeOffset now, out long? from)
    {
        from = null;
        if (text is null or "" or "now")
        {
            return true;
        }

        if (text == "start")
        {
            from = 0;
        }
        else if (DurationText.TryParse(text, out TimeSpan age))
        {
            from = (now - age).ToUnixTimeMilliseconds() * 1000;
        }
        else if (DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time))
        {
            from = time.ToUnixTimeMilliseconds() * 1000;
        }

        return from is not null;
    }

    /// <summary>One reader's way through the topic.</summary>
    private sealed class TailRun : IDisposable
    {
        private readonly ArrayBufferWriter<byte> _lines = new(PieceBytes);
        private readonly Utf8JsonWriter _json;
        private readonly Dictionary<int, TailFilter> _filters = [];
        private readonly ValidTopic _valid;
        private readonly StreamWorker _worker;
        private readonly ITopicLog _topic;
        private readonly IDefinitionSource _definitions;
        private readonly LogDefinition _log;
        private readonly TailFilter _filter;
        private readonly long[] _offsets;
        private long _landing;

        public TailRun(IServiceProvider services, LogDefinition log, TailFilter filter, long? from)
        {
            _json = new Utf8JsonWriter(
                _lines, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
            _valid = services.GetRequiredService<ValidTopic>();
            _worker = services.GetRequiredService<StreamWorker>();
            _topic = services.GetRequiredService<ITopicLog>();
            _definitions = services.GetRequiredService<IDefinitionSource>();
            _log = log;
            _filter = filter;
            _offsets = new long[_topic.PartitionCount];
            StreamStatus status = _worker.Status;
            for (int partition = 0; partition < _offsets.Length; partition++)
            {
                _offsets[partition] = from is long time ? _topic.OffsetAt(partition, time)
                    : partition < status.LandedOffsets.Length ? status.LandedOffsets[partition]
                    : _topic.Offsets(partition).Durable;
            }

            _landing = from is null ? Math.Max(1, status.Landing) : _valid.LandingBefore(_offsets);
        }

        public void Dispose() => _json.Dispose();

        public async Task FollowAsync(System.IO.Stream output, CancellationToken cancellationToken)
        {
            while (true)
            {
                Task next = _worker.NextLanding;
                long upTo = _worker.Status.Landing;
                for (int partition = 0; partition < _offsets.Length; partition++)
                {
                    bool more = true;
                    while (more)
                    {
                        more = ReadPiece(partition);
                        await output.WriteAsync(_lines.WrittenMemory, cancellationToken).ConfigureAwait(false);
                        _lines.ResetWrittenCount();
                    }
                }

                await output.FlushAsync(cancellationToken).ConfigureAwait(false);
                _landing = Math.Max(_landing, upTo);
                await next.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        /// <summary>True when there is more to read at once.</summary>
        private bool ReadPiece(int partition)
        {
            // Retention may have gone past a slow reader.
            _offsets[partition] = Math.Max(_offsets[partition], _topic.Offsets(partition).First);
            bool full = false;
            _offsets[partition] = _valid.Read(
                partition,
                _offsets[partition],
                _landing,
                (in TopicBatch batch, int position, ReadOnlySpan<byte> record) =>
                {
                    if (batch.Header.LogId == _log.Id)
                    {
                        Add(batch, position, record);
                    }

                    full = _lines.WrittenCount >= PieceBytes;
                    return !full;
                });
            return full;
        }

        private void Add(in TopicBatch batch, int position, ReadOnlySpan<byte> record)
        {
            Utf8JsonReader reader = new(record);
            using JsonDocument payload = JsonDocument.ParseValue(ref reader);
            TailFilter filter = FilterOf(batch.Header.LogVersion);
            if (!filter.Matches(payload.RootElement))
            {
                return;
            }

            bool replay = (batch.Header.Flags & BatchFlags.Replay) != 0;
            long received = replay ? batch.Origins[position].ReceivedMicroseconds : batch.Header.ReceivedMicroseconds;
            _json.Reset(_lines);
            _json.WriteStartObject();
            _json.WriteString("_received_at", DateTimeOffset.UnixEpoch.AddMicroseconds(received));
            _json.WriteNumber("_topic_partition", batch.Partition);
            _json.WriteNumber("_topic_offset", batch.BaseOffset + position);
            _json.WriteNumber("_log_version", batch.Header.LogVersion);
            _json.WriteString("_sender", Encoding.UTF8.GetString(batch.Sender));
            _json.WritePropertyName("event");
            filter.Write(_json, payload.RootElement);
            _json.WriteEndObject();
            _json.Flush();
            _lines.Write("\n"u8);
        }

        private TailFilter FilterOf(int version)
        {
            if (!_filters.TryGetValue(version, out TailFilter? filter))
            {
                filter = _filter.Of(_definitions.Current.Version(_log.Id, version));
                _filters.Add(version, filter);
            }

            return filter;
        }
    }
}
