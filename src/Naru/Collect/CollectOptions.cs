using Naru.Core.Topics;

namespace Naru.Collect;

/// <summary>Settings of collect (section `collect:` of naru.yaml, keys in snake_case).</summary>
internal sealed record CollectOptions
{
    /// <summary>Most bytes of one event. At most <see cref="TopicLimits.BatchBytesMax"/>.</summary>
    public int EventBytesMax { get; init; } = TopicLimits.BatchBytesMax;

    /// <summary>Most bytes of one body, as sent and after decompression.</summary>
    public long BodyBytesMax { get; init; } = 20L << 20;

    /// <summary>Bytes that all bodies being received may hold in memory; beyond it requests are answered 503.</summary>
    public long BufferBytesMax { get; init; } = 128L << 20;

    /// <summary>Connections that the server holds at once; more are closed at once.</summary>
    public int ConnectionsMax { get; init; } = 10_000;

    /// <summary>Connections that one address may hold; null: no limit (a proxy in front has one address).</summary>
    public int? AddressConnectionsMax { get; init; }

    /// <summary>A request's headers must be there within this time.</summary>
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A connection that sends nothing is closed after this time.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>Bytes a second below which a body is given up, after <see cref="BodyRateGrace"/>.</summary>
    public double BodyRateBytesMin { get; init; } = 240;

    public TimeSpan BodyRateGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes a second that one write key may send, on average; beyond it 429. Null: no limit.</summary>
    public long? KeyBytesPerSecondMax { get; init; }

    /// <summary>How long `ack=lake` waits for the landing.</summary>
    public TimeSpan LandingTimeout { get; init; } = TimeSpan.FromMinutes(2);
}
