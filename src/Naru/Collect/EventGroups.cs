using Naru.Core.Events;
using Naru.Core.Topics;

namespace Naru.Collect;

/// <summary>What the records of one group have in common.</summary>
internal readonly record struct EventGroup(int LogId, int LogVersion, RejectReason Reason, string Message);

/// <summary>
/// Events that leave the main chunk: rejected ones, by reason and message, and those of a body whose events name their
/// logs, by log. Flushed after every chunk received, so that a group never outgrows a batch.
/// </summary>
internal sealed class EventGroups(ChunkBudget budget) : IDisposable
{
    /// <summary>A sender that makes more different messages in one chunk gets a general one.</summary>
    private const int GroupsMax = 256;

    private const int CapacityAtStart = 4096;

    private readonly Dictionary<EventGroup, EventChunk> _groups = [];

    public bool IsEmpty => _groups.Count == 0;

    public void Add(in EventGroup group, ReadOnlySpan<byte> record, int index)
    {
        EventGroup key = group;
        if (_groups.Count >= GroupsMax && key.Reason != RejectReason.None && !_groups.ContainsKey(key))
        {
            key = key with { Message = "" };
        }

        if (!_groups.TryGetValue(key, out EventChunk? chunk))
        {
            chunk = new EventChunk(budget, Math.Max(CapacityAtStart, record.Length));
            _groups.Add(key, chunk);
        }

        chunk.CopyRecord(record, index);
    }

    /// <summary>Hands all groups to the appender.</summary>
    public async ValueTask FlushAsync(BatchAppender appender)
    {
        if (_groups.Count == 0)
        {
            return;
        }

        KeyValuePair<EventGroup, EventChunk>[] groups = [.. _groups];
        _groups.Clear();
        foreach ((EventGroup group, EventChunk chunk) in groups)
        {
            if (group.Reason == RejectReason.None)
            {
                await appender.AppendAsync(chunk, group.LogId, group.LogVersion).ConfigureAwait(false);
            }
            else
            {
                BatchHeader header = new()
                {
                    LogId = group.LogId, LogVersion = group.LogVersion, Reason = group.Reason,
                };
                await appender.AppendRejectedAsync(chunk, header, group.Message).ConfigureAwait(false);
            }
        }
    }

    public void Dispose()
    {
        foreach (EventChunk chunk in _groups.Values)
        {
            chunk.Dispose();
        }

        _groups.Clear();
    }
}
