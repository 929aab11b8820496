namespace Naru.Cli.Send;

/// <summary>What the server said of one event.</summary>
internal sealed record SendRejection(long Line, string Reason, string Message);

/// <summary>
/// Running totals of a send, and the place up to which every line is acknowledged. Safe for all senders.
/// </summary>
internal sealed class SendCounts
{
    private const int RejectionsShown = 10;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, FilePlace> _ahead = [];
    private readonly List<SendRejection> _rejections = [];
    private int _next;

    public long Sent { get; private set; }

    public long Accepted { get; private set; }

    public long Rejected { get; private set; }

    public long Landed { get; private set; }

    public long Duplicates { get; private set; }

    public long RejectedInLake { get; private set; }

    public long Retries { get; private set; }

    /// <summary>Every line before this place is acknowledged.</summary>
    public FilePlace Done { get; private set; }

    /// <summary>The first few.</summary>
    public IReadOnlyList<SendRejection> Rejections => _rejections;

    public void Begin(FilePlace place) => Done = place;

    public void Retry()
    {
        lock (_lock)
        {
            Retries++;
        }
    }

    public void Add(SendBlock block, BlockAnswer answer)
    {
        lock (_lock)
        {
            Sent += block.Events;
            Accepted += answer.Accepted;
            Rejected += answer.Rejected;
            Landed += answer.Landed;
            Duplicates += answer.Duplicates;
            RejectedInLake += answer.RejectedInLake;
            _rejections.AddRange(answer.Rejections.Take(RejectionsShown - _rejections.Count));
            _ahead[block.Number] = block.End;
            while (_ahead.Remove(_next, out FilePlace end))
            {
                Done = end;
                _next++;
            }
        }
    }
}
