using System.Text;
using Naru.Core;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Topics;

namespace Naru.Collect;

/// <summary>
/// Appends the chunks of one request. A chunk is appended while the next one is received; the request is answered when
/// all are durable. A topic that takes nothing becomes the receipt's fault, and what was durable before it stays
/// counted.
/// </summary>
internal sealed class BatchAppender(ITopicLog topic, BatchHeader header, ReadOnlyMemory<byte> sender, Receipt receipt)
{
    /// <summary>Bytes of one request that may wait for their sync while it goes on.</summary>
    private const int PendingBytesMax = TopicLimits.BatchBytesMax;

    private readonly Queue<Pending> _pending = new();
    private long _pendingBytes;

    /// <summary>False when the topic refused: nothing more is appended.</summary>
    public bool IsOpen => receipt.Fault is null;

    /// <summary>Takes the chunk over. The log of the header is replaced by the one given.</summary>
    public ValueTask AppendAsync(EventChunk chunk, int logId, int logVersion) =>
        AppendAsync(chunk, header with { LogId = logId, LogVersion = logVersion }, default);

    /// <summary>Takes a chunk of events over that were found broken.</summary>
    public ValueTask AppendRejectedAsync(EventChunk chunk, BatchHeader rejected, string message) =>
        AppendAsync(
            chunk,
            header with
            {
                Flags = header.Flags | BatchFlags.Rejected,
                LogId = rejected.LogId,
                LogVersion = rejected.LogVersion,
                Reason = rejected.Reason,
            },
            Message(message));

    /// <summary>Waits until everything appended is durable or refused.</summary>
    public async ValueTask CompleteAsync()
    {
        while (_pending.Count > 0)
        {
            await SettleOneAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask AppendAsync(EventChunk chunk, BatchHeader with, ReadOnlyMemory<byte> message)
    {
        if (!IsOpen || chunk.Count == 0)
        {
            chunk.Dispose();
            return;
        }

        Invariant.Hold(chunk.Cut is > 0 and <= TopicLimits.BatchBytesMax);
        AppendBatch batch = new()
        {
            Header = with with
            {
                FirstIndex = chunk.FirstIndex,
                Flags = with.Flags | (chunk.Indexes.IsEmpty ? BatchFlags.None : BatchFlags.Indexed),
            },
            Sender = sender,
            Message = message,
            Lengths = chunk.Lengths,
            Body = chunk.Body,
            Indexes = chunk.Indexes,
        };
        _pending.Enqueue(new Pending(Start(batch), chunk, with.Reason != RejectReason.None));
        _pendingBytes += chunk.Cut;
        while (_pendingBytes > PendingBytesMax)
        {
            await SettleOneAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Not cancelled with the request: the buffers are the topic's until it is done with them.</summary>
    private ValueTask<AppendResult> Start(AppendBatch batch)
    {
        try
        {
            return topic.AppendAsync(batch, CancellationToken.None);
        }
        catch (IOException exception)
        {
            return ValueTask.FromException<AppendResult>(exception);
        }
    }

    private async ValueTask SettleOneAsync()
    {
        Pending pending = _pending.Dequeue();
        _pendingBytes -= pending.Chunk.Cut;
        try
        {
            AppendResult result = await pending.Append.ConfigureAwait(false);
            Invariant.Hold(result.Count == pending.Chunk.Count);
            Count(result, pending.IsRejected);
        }
        catch (TopicUnavailableException exception)
        {
            receipt.Fault ??= CollectFault.Unavailable(exception.Message, exception.RetryAfterSeconds);
        }
        catch (StorageException exception)
        {
            receipt.Fault ??= CollectFault.Unavailable(
                exception.Fault == StorageFault.NoSpace ? "the disk is full" : "the disk takes no writes now", 5);
        }
        finally
        {
            pending.Chunk.Dispose();
        }
    }

    private void Count(AppendResult result, bool isRejected)
    {
        receipt.Appended?.Add(result);
        if (isRejected)
        {
            receipt.Rejected += result.Count;
        }
        else
        {
            receipt.Accepted += result.Count;
        }
    }

    private static ReadOnlyMemory<byte> Message(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length <= TopicLimits.MessageBytesMax)
        {
            return bytes;
        }

        int end = TopicLimits.MessageBytesMax;
        while ((bytes[end] & 0xc0) == 0x80)
        {
            end--;
        }

        return bytes.AsMemory(0, end);
    }

    private readonly record struct Pending(ValueTask<AppendResult> Append, EventChunk Chunk, bool IsRejected);
}
