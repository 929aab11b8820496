using Naru.Core.Events;
using Naru.Core.Topics;

namespace Naru.Collect;

/// <summary>Who gave the events their ids, as far as collect can tell.</summary>
internal enum IdSource
{
    /// <summary>
    /// Lines are not read before the acknowledgement: an event with an own id keeps it, others got one from the server.
    /// </summary>
    OwnOrServer,

    /// <summary>The request carries a batch name: sent again, every event has the same id.</summary>
    Batch,

    /// <summary>Every event carries its own id.</summary>
    Own,

    /// <summary>At least one event carries no id: sent again, it is a new event.</summary>
    Server,
}

/// <param name="Index">Position in what the client sent.</param>
/// <param name="Path">The key at fault; empty when it is the event as a whole.</param>
internal readonly record struct RejectedEvent(int Index, RejectReason Reason, string Path, string Message);

/// <summary>What is known of one request while it is received; the answer is written from it.</summary>
internal sealed class Receipt
{
    /// <summary>More rejected events than this are counted, not listed.</summary>
    public const int ListedMax = 1000;

    private List<RejectedEvent>? _listed;

    /// <summary>Durable events, without those rejected at receipt.</summary>
    public int Accepted { get; set; }

    /// <summary>Durable events that were rejected at receipt.</summary>
    public int Rejected { get; set; }

    public long BodyBytes { get; set; }

    public CollectFault? Fault { get; set; }

    public IdSource Ids { get; set; }

    public IReadOnlyList<RejectedEvent> Listed => _listed ?? [];

    /// <summary>Kept for `ack=lake` alone.</summary>
    public List<AppendResult>? Appended { get; init; }

    public RecordCounts? Landing { get; set; }

    public void List(in RejectedEvent rejected)
    {
        _listed ??= [];
        if (_listed.Count < ListedMax)
        {
            _listed.Add(rejected);
        }
    }
}

/// <summary>What became of the records of a request.</summary>
internal readonly record struct RecordCounts(int Landed, int Duplicate, int Rejected);
