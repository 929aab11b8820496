namespace Naru.Core.Topics;

/// <summary>What became of a record. Persisted in landing records: values never change.</summary>
public enum RecordOutcome : byte
{
    Landed = 1,
    Duplicate = 2,
    Rejected = 3,
}

/// <summary>Told by the stream worker, waited for by `ack=lake`.</summary>
public interface ILandingOutcomes
{
    /// <summary>
    /// Asks for a landing soon and completes when all these records are in a durable landing; the result has one
    /// outcome per record, in offset order.
    /// </summary>
    ValueTask<RecordOutcome[]> WaitLandedAsync(AppendResult appended, CancellationToken cancellationToken);
}
