using Naru.Core;

namespace Naru.Collect;

[SettingSection("collect", "How events are received over HTTP.")]
internal sealed record CollectOptions
{
    [Setting("most bytes of one event", Unit = SettingUnit.Bytes, Min = "1KB", Max = "1000KB")]
    public int EventBytesMax { get; init; } = 1000 << 10;

    [Setting("most bytes of one body, as sent and after decompression", Unit = SettingUnit.Bytes, Min = "1MB")]
    public long BodyBytesMax { get; init; } = 20L << 20;

    [Setting("memory that all bodies being received may hold; beyond it 503", Unit = SettingUnit.Bytes, Min = "8MB")]
    public long BufferBytesMax { get; init; } = 128L << 20;

    [Setting("connections that the server holds at once; more are closed", Unit = SettingUnit.Count, Min = "10")]
    public int ConnectionsMax { get; init; } = 10_000;

    [Setting("connections that one address may hold; unlimited where a proxy stands in front",
        Unit = SettingUnit.Count, Min = "1")]
    public int? AddressConnectionsMax { get; init; }

    [Setting("time within which a request's headers must be there", Min = "1s", Max = "5m")]
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(10);

    [Setting("time after which a connection that sends nothing is closed", Min = "1s", Max = "1h")]
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(75);

    [Setting("bytes a second below which a body is given up", Min = "1")]
    public double BodyRateBytesMin { get; init; } = 240;

    [Setting("time that a body may be slower than that", Min = "2s", Max = "5m")]
    public TimeSpan BodyRateGrace { get; init; } = TimeSpan.FromSeconds(5);

    [Setting("bytes a second that one write key may send, on average; beyond it 429",
        Unit = SettingUnit.Bytes, Min = "1KB")]
    public long? KeyBytesPerSecondMax { get; init; }

    [Setting("longest time that `ack=lake` waits for the landing", Min = "1s", Max = "1h")]
    public TimeSpan LandingTimeout { get; init; } = TimeSpan.FromMinutes(2);
}
