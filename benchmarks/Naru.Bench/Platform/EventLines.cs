using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Naru.Bench.Platform;

/// <summary>
/// The ad event of PERFORMANCE.md with values as they come in life: 292 bytes of JSON and a line feed, eight fields,
/// Zipf-like ads, random users. Every line is as long as the others and carries what differs from event to event at the
/// same places, so that a generator makes a new event of a prepared line for the price of a copy.
/// </summary>
internal sealed class EventLines
{
    public const int LineBytes = 293;

    public const string Log = "kr_ad.click";

    private const int IdAt = 13;
    private const int TimeAt = IdAt + 36 + 16;
    private const int AdAt = TimeAt + 41;
    private const int StreamAt = TimeAt + 65;
    private const int UserAt = StreamAt + 17;
    private const int CostAt = UserAt + 18;
    private const int SessionAt = LineBytes - 16;
    private const int Prepared = 16_384;
    private const string Fields = """
        fields:
          ad_id:       {type: string, required: true}
          user_id:     {type: string, sensitive: true}
          campaign_id: {type: int64, required: true}
          placement:   {type: string, enum: [home, search, detail]}
          cost:        {type: "decimal(18,6)", min: 0}
          clicked:     {type: boolean}
          page:        {type: string}
          context:     {type: json}
        """;

    private readonly byte[] _lines;
    private readonly ulong _run;

    /// <param name="seed">Of the values.</param>
    /// <param name="run">Of the ids: two runs make different events.</param>
    public EventLines(int seed, int run)
    {
        Random random = new(seed);
        StringBuilder text = new(Prepared * LineBytes);
        for (int i = 0; i < Prepared; i++)
        {
            text.Append(Line(random));
        }

        _lines = Encoding.ASCII.GetBytes(text.ToString());
        _run = (ulong)run << 40;
    }

    /// <summary>
    /// Three aggregates over <see cref="Log"/>, for a bill, a report and a ranking: per ad and minute, per campaign and
    /// hour, and five minutes of every ad every minute.
    /// </summary>
    public static (string Name, string Sql)[] Aggregates { get; } =
    [
        ("ad_minutes", $"""
            SELECT window_start, window_end, ad_id, count(*) AS clicks, sum(cost) AS cost
            FROM tumble({Log}, event_time, INTERVAL '1 minute')
            GROUP BY window_start, window_end, ad_id
            """),
        ("campaign_hours", $"""
            SELECT window_start, window_end, campaign_id, count(*) AS clicks, sum(cost) AS cost, max(cost) AS dearest,
                count_if(clicked) AS clicked
            FROM tumble({Log}, event_time, INTERVAL '1 hour')
            GROUP BY window_start, window_end, campaign_id
            """),
        ("top_ads_5m", $"""
            SELECT window_start, window_end, ad_id, count(*) AS clicks
            FROM hop({Log}, event_time, INTERVAL '1 minute', INTERVAL '5 minutes')
            GROUP BY window_start, window_end, ad_id
            """),
    ];

    public static string Definition(string log) =>
        $"log: {log}\ndescription: A tap on an ad.\nowner: bench\n{Fields}\n";

    /// <summary>
    /// Writes the events from this number on, each with this time; with a stream (0 to 999) campaign_id is 1000 and
    /// that, without one (-1) any.
    /// </summary>
    public void Fill(Span<byte> lines, long first, int stream, DateTime time)
    {
        Span<byte> when = stackalloc byte[27];
        time.TryFormat(when, out _, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        Span<byte> from = stackalloc byte[3];
        Math.Max(0, stream).TryFormat(from, out _, "D3", CultureInfo.InvariantCulture);
        long milliseconds = new DateTimeOffset(time).ToUnixTimeMilliseconds();
        for (int at = 0; at < lines.Length; at += LineBytes, first++)
        {
            Span<byte> line = lines.Slice(at, LineBytes);
            ulong mixed = Mix(_run + (ulong)first);
            _lines.AsSpan((int)(mixed % Prepared) * LineBytes, LineBytes).CopyTo(line);
            WriteId(line.Slice(IdAt, 36), milliseconds, mixed);
            WriteValues(line, Mix(mixed));
            when.CopyTo(line[TimeAt..]);
            if (stream >= 0)
            {
                from.CopyTo(line[StreamAt..]);
            }
        }
    }

    /// <summary>Makes a line an event of the ad with this number.</summary>
    public static void SetAd(Span<byte> line, int ad) =>
        ad.TryFormat(line.Slice(AdAt, 7), out _, "D7", CultureInfo.InvariantCulture);

    private static string Line(Random random)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        int ad = (int)(1_000_000 * Math.Pow(random.NextDouble(), 6));
        string placement = random.Next(3) switch { 0 => "home", 1 => "search", _ => "detail" };
        string text = string.Create(culture, $"{{\"event_id\":\"{new string('0', 36)}\",")
            + string.Create(culture, $"\"event_time\":\"{new string('0', 27)}\",")
            + string.Create(culture, $"\"ad_id\":\"ad-{ad:D7}\",\"campaign_id\":{1000 + random.Next(1000)},")
            + string.Create(culture, $"\"user_id\":\"u-0000000\",\"cost\":0.000000,\"placement\":\"{placement}\",")
            + (random.Next(20) == 0 ? "\"clicked\":true," : "\"clicked\":false,")
            + string.Create(culture, $"\"page\":\"/p/{random.Next(9000)}\",")
            + string.Create(culture, $"\"context\":{{\"os\":\"android\",\"app\":\"7.2{random.Next(10)}\",")
            + "\"session\":\"";
        StringBuilder line = new(text);
        while (line.Length < LineBytes - 4)
        {
            line.Append("0123456789abcdef"[random.Next(16)]);
        }

        return line.Append("\"}}\n").ToString();
    }

    /// <summary>As a UUID of version 7: the time, then what looks random and is never the same twice.</summary>
    private static void WriteId(Span<byte> id, long milliseconds, ulong mixed)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, (milliseconds << 16) | 0x7000 | (long)(mixed & 0xfff));
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], mixed);
        int at = 0;
        for (int i = 0; i < 16; i++)
        {
            id[at++] = "0123456789abcdef"u8[bytes[i] >> 4];
            id[at++] = "0123456789abcdef"u8[bytes[i] & 15];
            if (i is 3 or 5 or 7 or 9)
            {
                id[at++] = (byte)'-';
            }
        }
    }

    private static void WriteValues(Span<byte> line, ulong mixed)
    {
        uint user = (uint)(mixed % 10_000_000);
        uint cost = (uint)((mixed >> 24) % 1_000_000);
        for (int i = 6; i >= 0; i--, user /= 10)
        {
            line[UserAt + i] = (byte)('0' + (user % 10));
        }

        for (int i = 5; i >= 0; i--, cost /= 10)
        {
            line[CostAt + i] = (byte)('0' + (cost % 10));
        }

        for (int i = 0; i < 12; i++, mixed >>= 4)
        {
            line[SessionAt + i] = "0123456789abcdef"u8[(int)(mixed & 15)];
        }
    }

    /// <summary>SplitMix64: a permutation of the 64-bit numbers.</summary>
    private static ulong Mix(ulong value)
    {
        value += 0x9e3779b97f4a7c15;
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}
