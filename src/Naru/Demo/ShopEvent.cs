using System.Collections.Immutable;
using Naru.Core.Events;

namespace Naru.Demo;

/// <summary>Which time the platform should find for an event.</summary>
internal enum ShopClock
{
    /// <summary>The event's own.</summary>
    Created,

    /// <summary>Its clock is wrong and it says when it sent: corrected.</summary>
    Repaired,

    /// <summary>Its clock is years ahead and it does not say when it sent: the received time.</summary>
    OutOfBounds,
}

/// <summary>One event as it is sent, and what must become of it.</summary>
internal sealed record ShopEvent
{
    public required string Log { get; init; }

    /// <summary>Installation or host that sends it (header Naru-Source).</summary>
    public required string Source { get; init; }

    /// <summary>When it happened.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>One line of JSON, without its line feed.</summary>
    public required byte[] Json { get; init; }

    /// <summary>None when it must land.</summary>
    public RejectReason Rejected { get; init; }

    public ShopClock Clock { get; init; }

    /// <summary>Its numeric fields.</summary>
    public ImmutableArray<(string Field, decimal Value)> Numbers { get; init; } = [];

    public string? Ad { get; init; }

    public string? Campaign { get; init; }

    public string? Query { get; init; }
}

/// <summary>Events of one log and source, sent as one request.</summary>
/// <param name="Log">The log.</param>
/// <param name="Source">Header Naru-Source.</param>
/// <param name="Name">Header Naru-Batch: unique in a run, the same in the next run with the same options.</param>
/// <param name="Copies">How often it is sent: 2 for a sender that did not hear the answer.</param>
/// <param name="History">Header Naru-History.</param>
/// <param name="Events">In the order of the lines.</param>
internal sealed record ShopBatch(
    string Log, string Source, string Name, int Copies, bool History, ImmutableArray<ShopEvent> Events)
{
    /// <summary>NDJSON.</summary>
    public byte[] Body()
    {
        byte[] body = new byte[Events.Sum(static line => line.Json.Length + 1)];
        int at = 0;
        foreach (ShopEvent line in Events)
        {
            line.Json.CopyTo(body, at);
            at += line.Json.Length;
            body[at++] = (byte)'\n';
        }

        return body;
    }
}
