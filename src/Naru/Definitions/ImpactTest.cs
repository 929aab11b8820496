using System.Collections.Immutable;
using Naru.Core.Events;

namespace Naru.Definitions;

/// <summary>Events that a definition would reject for one reason: how many, and a few of them.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Path">The field that it is about; empty for the whole event.</param>
/// <param name="Events">How many.</param>
/// <param name="Examples">What was wrong with some, as messages of `naru.rejected`; no sensitive values.</param>
internal sealed record ImpactReason(RejectReason Reason, string Path, long Events, ImmutableArray<string> Examples);

/// <summary>What a definition would have done to events that were received.</summary>
/// <param name="Events">Events of the log that were looked at.</param>
/// <param name="Rejected">How many of them the new definition would reject.</param>
/// <param name="RejectedNow">How many of them were rejected under the version that they came with.</param>
/// <param name="Complete">False when there were more than were looked at: then the newest were.</param>
/// <param name="Reasons">Most frequent first.</param>
internal sealed record ImpactReport(
    long Events, long Rejected, long RejectedNow, bool Complete, ImmutableArray<ImpactReason> Reasons);

/// <summary>
/// Tries a definition on real events before it is published. Implemented over the topic by the stream.
/// </summary>
internal interface IImpactTest
{
    /// <summary>How long back `naru check` looks.</summary>
    static readonly TimeSpan Window = TimeSpan.FromHours(24);

    /// <summary>
    /// Judges the events of the log received since <paramref name="since"/>. Reads only; never lands or counts.
    /// </summary>
    /// <param name="next">The new definition, with the number of its published log.</param>
    /// <param name="since">Time of receipt, inclusive.</param>
    /// <param name="cancellationToken">Ends the reading early.</param>
    ValueTask<ImpactReport> RunAsync(LogDefinition next, DateTimeOffset since, CancellationToken cancellationToken);
}
