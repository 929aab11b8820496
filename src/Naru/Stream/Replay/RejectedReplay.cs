using System.Text;
using System.Text.Json;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Stream.Landing;

namespace Naru.Stream.Replay;

/// <param name="Found">Rejected events that were not replayed before.</param>
/// <param name="Landed">Valid under today's definition.</param>
/// <param name="Duplicate">An event of the same id had landed meanwhile.</param>
/// <param name="Rejected">Rejected again: they stand in `naru.rejected` anew and may be replayed again.</param>
/// <param name="Expired">Their bytes are gone: the secure lifetime has passed.</param>
/// <param name="NoLog">They name no log that is defined.</param>
internal sealed record ReplaySummary(long Found, long Landed, long Duplicate, long Rejected, long Expired, long NoLog);

/// <summary>
/// Sends rejected events through the topic again, under today's definition, with the id and the received time that they
/// had. Never twice: what became of each is landed in `naru.replays` in the landing of its verdict, a replay begins
/// when all that is durable has landed, and one replay runs at a time.
/// </summary>
internal sealed class RejectedReplay(
    StreamWorker worker, ILakeCatalog catalog, ITopicLog topic, IDefinitionSource definitions, TimeProvider clock)
    : IDisposable
{
    private const int BatchRecordsMax = 1000;

    private readonly SemaphoreSlim _one = new(1, 1);

    public async Task<ReplaySummary> RunAsync(ReplayFilter filter, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // An earlier replay that was cut off is in the topic and not in the tables: it must land first.
            await worker.LandEverythingAsync(cancellationToken).ConfigureAwait(false);
            using ISnapshotLease lease = await catalog
                .LeaseAsync(RejectedReader.Tables, cancellationToken).ConfigureAwait(false);
            return await ReplayAsync(lease, filter, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task<ReplaySummary> ReplayAsync(
        ISnapshotLease lease, ReplayFilter filter, CancellationToken cancellationToken)
    {
        ReplaySummary summary = new(0, 0, 0, 0, 0, 0);
        List<AppendResult> appended = [];
        ReplayBatch batch = new();
        foreach (RejectedEventRow row in RejectedReader.Read(lease, filter))
        {
            LogDefinition? log = LogOf(row);
            if (filter.Log is not null && log?.FullName != filter.Log)
            {
                continue;
            }

            summary = summary with { Found = summary.Found + 1 };
            if (row.Raw is null)
            {
                summary = summary with { Expired = summary.Expired + 1 };
            }
            else if (log is null)
            {
                summary = summary with { NoLog = summary.NoLog + 1 };
            }
            else
            {
                if (!batch.Fits(log, row))
                {
                    appended.Add(await AppendAsync(batch, cancellationToken).ConfigureAwait(false));
                    batch = new ReplayBatch();
                }

                batch.Add(log, row, topic.Incarnation);
            }
        }

        if (batch.Count > 0)
        {
            appended.Add(await AppendAsync(batch, cancellationToken).ConfigureAwait(false));
        }

        foreach (AppendResult append in appended)
        {
            RecordOutcome[] outcomes = await worker.WaitLandedAsync(append, cancellationToken).ConfigureAwait(false);
            summary = summary with
            {
                Landed = summary.Landed + outcomes.Count(static outcome => outcome == RecordOutcome.Landed),
                Duplicate = summary.Duplicate + outcomes.Count(static outcome => outcome == RecordOutcome.Duplicate),
                Rejected = summary.Rejected + outcomes.Count(static outcome => outcome == RecordOutcome.Rejected),
            };
        }

        return summary;
    }

    private ValueTask<AppendResult> AppendAsync(ReplayBatch batch, CancellationToken cancellationToken) =>
        topic.AppendAsync(batch.ToAppend(clock.GetUtcNow().ToUnixTimeMilliseconds() * 1000), cancellationToken);

    /// <summary>The log it was sent to, else the one that it names, which may have been defined since.</summary>
    private LogDefinition? LogOf(RejectedEventRow row)
    {
        string? name = row.Log ?? (row.Raw is null ? null : NamedLog(row.Raw));
        return name is not null && definitions.Current.TryGet(name, out LogDefinition? log) ? log : null;
    }

    private static string? NamedLog(byte[] raw)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(raw);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("_log", out JsonElement log)
                && log.ValueKind == JsonValueKind.String
                    ? log.GetString()
                    : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Events of one log and one sender, as a batch must be.</summary>
    private sealed class ReplayBatch
    {
        private readonly List<byte> _body = [];
        private readonly List<int> _lengths = [];
        private readonly List<RecordOrigin> _origins = [];
        private LogDefinition? _log;
        private string _sender = "";

        public int Count => _lengths.Count;

        public bool Fits(LogDefinition log, RejectedEventRow row) =>
            Count == 0
            || (ReferenceEquals(log, _log) && row.Sender == _sender && Count < BatchRecordsMax
                && _body.Count + row.Raw!.Length <= TopicLimits.BatchBytesMax / 2);

        public void Add(LogDefinition log, RejectedEventRow row, Guid incarnation)
        {
            _log = log;
            _sender = row.Sender;
            _body.AddRange(row.Raw!);
            _lengths.Add(row.Raw!.Length);
            _origins.Add(row.HasId ? row.Origin : row.Origin with { Id = IdOf(row, incarnation) });
        }

        public AppendBatch ToAppend(long nowMicroseconds) => new()
        {
            Header = new BatchHeader
            {
                Flags = BatchFlags.Replay | BatchFlags.History,
                LogId = _log!.Id,
                LogVersion = _log.Version,
                ReceivedMicroseconds = nowMicroseconds,
            },
            Sender = Encoding.UTF8.GetBytes(_sender),
            Lengths = _lengths.ToArray(),
            Body = _body.ToArray(),
            Origins = _origins.ToArray(),
        };

        /// <summary>An event found broken at receipt has no id yet: its place in the topic is its identity.</summary>
        private static EventId IdOf(RejectedEventRow row, Guid incarnation)
        {
            Span<byte> bytes = stackalloc byte[16];
            incarnation.TryWriteBytes(bytes);
            ulong high = System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            return EventIdentity.Of("naru/replay"u8, bytes)
                .ByIndex(0, high, (ulong)row.Origin.Offset, row.Origin.Partition);
        }
    }
}
