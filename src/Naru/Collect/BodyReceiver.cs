using Naru.Access;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Definitions;

namespace Naru.Collect;

/// <summary>What receiving needs of the house.</summary>
internal sealed record CollectParts(
    ITopicLog Topic, ChunkBudget Budget, CollectOptions Options, IEventChecker? Checker);

/// <summary>One request whose headers were checked.</summary>
internal sealed record ReceiveJob
{
    public required CollectRequest Request { get; init; }

    public required Principal Principal { get; init; }

    public required DefinitionSet Definitions { get; init; }

    /// <summary>Null where each event names its log.</summary>
    public required LogDefinition? Log { get; init; }

    public required long ReceivedMicroseconds { get; init; }

    public required Receipt Receipt { get; init; }

    /// <summary>Bytes of the body as sent, null when it does not say.</summary>
    public required long? ContentLength { get; init; }
}

/// <summary>
/// Takes one body from the connection to the topic: fills a chunk of at most 1 MB, cuts it into events, appends it
/// while the next one fills. Lines are only cut, unless they are to be judged; a single event and those of an array are
/// judged always. Whatever breaks, what was appended is settled and counted before this returns.
/// </summary>
internal sealed partial class BodyReceiver : IDisposable
{
    private const int ChunkBytesMax = TopicLimits.BatchBytesMax;
    private const int ChunkBytesAtStart = 16 << 10;

    /// <summary>Of an event that is too large or has no end, so much is kept among the rejected.</summary>
    private const int KeptBytesMax = 64 << 10;

    private readonly CollectParts _parts;
    private readonly ReceiveJob _job;
    private readonly BodySource _source;
    private readonly Receipt _receipt;
    private readonly BatchAppender _appender;
    private readonly EventGroups _groups;
    private EventChunk _chunk;

    /// <summary>Where in the chunk the next event begins. Events kept are moved down to the chunk's cut.</summary>
    private int _at;

    /// <summary>Index of the next event.</summary>
    private int _next;

    public BodyReceiver(CollectParts parts, ReceiveJob job, BodySource source)
    {
        _parts = parts;
        _job = job;
        _source = source;
        _receipt = job.Receipt;
        _next = job.Request.Header.FirstIndex;
        _appender = new BatchAppender(
            parts.Topic,
            job.Request.Header with { ReceivedMicroseconds = job.ReceivedMicroseconds },
            job.Request.Sender,
            job.Receipt);
        _groups = new EventGroups(parts.Budget);

        // One byte more than the body, so that its end is seen without growing.
        long expected = job.Request.Coding == BodyCoding.Identity && job.ContentLength is { } length
            ? length + 1
            : ChunkBytesAtStart;
        _chunk = new EventChunk(parts.Budget, (int)Math.Clamp(expected, 256, ChunkBytesAtStart * 4));
    }

    public async ValueTask ReceiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ReceiveFormAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await _appender.CompleteAsync().ConfigureAwait(false);
            _receipt.BodyBytes = _source.Total;
        }
    }

    public void Dispose()
    {
        _chunk.Dispose();
        _groups.Dispose();
    }

    private async ValueTask ReceiveFormAsync(CancellationToken cancellationToken)
    {
        await FillAsync(cancellationToken).ConfigureAwait(false);
        _at = _chunk.Data.StartsWith("\ufeff"u8) ? 3 : 0;
        BodyShape shape = _job.Request.Form == BodyForm.Lines ? BodyShape.Lines : Sniff(_chunk.Data[_at..]);
        switch (shape)
        {
            case BodyShape.Lines:
                await ReceiveLinesAsync(cancellationToken).ConfigureAwait(false);
                break;
            case BodyShape.Array:
                await ReceiveArrayAsync(cancellationToken).ConfigureAwait(false);
                break;
            default:
                await ReceiveSingleAsync().ConfigureAwait(false);
                break;
        }

        if (_receipt.Fault is null && _source.IsTooLarge)
        {
            _receipt.Fault = CollectFault.BodyTooLarge(_parts.Options.BodyBytesMax);
        }
    }

    private enum BodyShape
    {
        Single,
        Array,
        Lines,
    }

    /// <summary>
    /// `[` is an array. Several lines, of which the first ends with `}` and the next begins with `{`, are one event a
    /// line: no single JSON value looks like that. Everything else is one event.
    /// </summary>
    private static BodyShape Sniff(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes.TrimStart(" \t\r\n"u8);
        if (bytes.IsEmpty || bytes[0] == (byte)'[')
        {
            return bytes.IsEmpty ? BodyShape.Lines : BodyShape.Array;
        }

        int end = bytes.IndexOf((byte)'\n');
        return end > 0
            && bytes[..end].TrimEnd(" \t\r"u8).EndsWith("}"u8)
            && bytes[end..].TrimStart(" \t\r\n"u8).StartsWith("{"u8)
            ? BodyShape.Lines
            : BodyShape.Single;
    }

    /// <summary>Reads until the chunk is full or the body is at its end.</summary>
    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        while (!_source.IsCompleted && _chunk.Used < ChunkBytesMax)
        {
            if (_chunk.Used == _chunk.Bytes.Length)
            {
                _chunk.Grow(Math.Min(ChunkBytesMax, _chunk.Bytes.Length * 2));
            }

            int room = Math.Min(_chunk.Bytes.Length, ChunkBytesMax) - _chunk.Used;
            _chunk.Used += await _source
                .ReadAsync(_chunk.Bytes.AsMemory(_chunk.Used, room), cancellationToken)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Hands over what was cut; what was not stays at the start of a new chunk.</summary>
    private async ValueTask FlushAsync()
    {
        EventChunk full = _chunk;
        int rest = full.Used - _at;
        if (full.Count == 0)
        {
            full.Bytes.AsSpan(_at, rest).CopyTo(full.Bytes);
            full.Used = rest;
        }
        else
        {
            int room = _source.IsCompleted ? rest : Math.Min(ChunkBytesMax, full.Bytes.Length);
            EventChunk next = new(_parts.Budget, room);
            full.Bytes.AsSpan(_at, rest).CopyTo(next.Bytes);
            next.Used = rest;
            _chunk = next;
            LogDefinition log = _job.Log!;
            await _appender.AppendAsync(full, log.Id, log.Version).ConfigureAwait(false);
        }

        _at = 0;
        await _groups.FlushAsync(_appender).ConfigureAwait(false);
    }

    /// <summary>Moves the event down to the events kept before it and takes it into the batch.</summary>
    private void Keep(int start, int length, int index)
    {
        if (start != _chunk.Cut)
        {
            _chunk.Bytes.AsSpan(start, length).CopyTo(_chunk.Bytes.AsSpan(_chunk.Cut));
        }

        _chunk.AddRecord(length, index);
    }

    private void Reject(int start, int length, in RejectedEvent rejected, LogDefinition? log)
    {
        _receipt.List(rejected);
        string message = BatchMessage.Join(rejected.Path, rejected.Message);
        ReadOnlySpan<byte> record = length == 0
            ? " "u8
            : _chunk.Bytes.AsSpan(start, length);
        _groups.Add(
            new EventGroup(log?.Id ?? 0, log?.Version ?? 0, rejected.Reason, message), record, rejected.Index);
    }
}
