using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Naru.Core.Events;

namespace Naru.Demo;

/// <summary>
/// What the platform must answer, counted by the sender: events whose batches were acknowledged, and nothing else.
/// Not safe for several threads at once; the caller locks.
/// </summary>
internal sealed class ShopTruth(ShopOptions options)
{
    private const int TopCount = 20;

    private readonly SortedDictionary<string, LogCounts> _logs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AdCounts> _ads = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, AdCounts> _campaigns = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _queries = new(StringComparer.Ordinal);

    /// <summary>Batches that were sent and never answered: their events may have landed or not.</summary>
    public long BatchesInDoubt { get; set; }

    /// <summary>Adds an acknowledged batch.</summary>
    /// <param name="batch">What was sent.</param>
    /// <param name="copies">How often it was acknowledged, from 1.</param>
    public void Add(ShopBatch batch, int copies)
    {
        if (!_logs.TryGetValue(batch.Log, out LogCounts? log))
        {
            _logs.Add(batch.Log, log = new LogCounts());
        }

        foreach (ShopEvent line in batch.Events)
        {
            log.Sent += copies;
            if (line.Rejected != RejectReason.None)
            {
                Count(log.Rejected, line.Rejected.Text(), copies);
                continue;
            }

            log.Events++;
            log.Duplicates += copies - 1;
            AddTime(log, line);
            foreach ((string field, decimal value) in line.Numbers)
            {
                log.Fields[field] = log.Fields.GetValueOrDefault(field, FieldSums.None).With(value);
            }

            AddNames(line);
        }
    }

    public ShopTruthDocument ToDocument() => new()
    {
        Seed = options.Seed,
        Start = options.Start,
        TimeZone = options.TimeZone.Id,
        BatchesInDoubt = BatchesInDoubt,
        Logs = new SortedDictionary<string, LogCounts>(_logs, StringComparer.Ordinal),
        Campaigns = new SortedDictionary<string, AdCounts>(_campaigns, StringComparer.Ordinal),
        TopAds =
        [
            .. _ads.OrderByDescending(static ad => ad.Value.Impressions)
                .ThenBy(static ad => ad.Key, StringComparer.Ordinal)
                .Take(TopCount)
                .Select(static ad => new TopAd(ad.Key, ad.Value.Impressions, ad.Value.Clicks, ad.Value.Cost)),
        ],
        TopQueries =
        [
            .. _queries.OrderByDescending(static query => query.Value)
                .ThenBy(static query => query.Key, StringComparer.Ordinal)
                .Take(TopCount)
                .Select(static query => new TopQuery(query.Key, query.Value)),
        ],
    };

    /// <summary>truth.json.</summary>
    public byte[] ToJson() =>
        JsonSerializer.SerializeToUtf8Bytes(ToDocument(), ShopTruthContext.Default.ShopTruthDocument);

    private void AddTime(LogCounts log, ShopEvent line)
    {
        Count(log.TimeSources, line.Clock switch
        {
            ShopClock.Repaired => "repaired",
            ShopClock.OutOfBounds => "out_of_bounds",
            _ => "created",
        });
        if (line.Clock == ShopClock.Created)
        {
            DateTimeOffset local = TimeZoneInfo.ConvertTime(line.Time, options.TimeZone);
            Count(log.Days, local.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
            Count(log.Hours, local.ToString("yyyy-MM-dd HH", CultureInfo.InvariantCulture));
        }
    }

    private void AddNames(ShopEvent line)
    {
        if (line.Query is { } query)
        {
            Count(_queries, query);
        }

        if (line is { Ad: { } ad, Campaign: { } campaign })
        {
            _ads[ad] = _ads.GetValueOrDefault(ad, AdCounts.None).With(line);
            _campaigns[campaign] = (_campaigns.TryGetValue(campaign, out AdCounts? counts) ? counts : AdCounts.None)
                .With(line);
        }
    }

    private static void Count<TMap>(TMap map, string key, long by = 1)
        where TMap : IDictionary<string, long> => map[key] = (map.TryGetValue(key, out long count) ? count : 0) + by;
}

/// <summary>truth.json. Decimals are strings, so that no reader takes them for doubles.</summary>
internal sealed record ShopTruthDocument
{
    public required long Seed { get; init; }

    public required DateTimeOffset Start { get; init; }

    /// <summary>Of days and hours.</summary>
    public required string TimeZone { get; init; }

    public required long BatchesInDoubt { get; init; }

    /// <summary>By full name.</summary>
    public required IReadOnlyDictionary<string, LogCounts> Logs { get; init; }

    /// <summary>What each campaign is billed: the cost of its distinct taps.</summary>
    public required IReadOnlyDictionary<string, AdCounts> Campaigns { get; init; }

    /// <summary>The 20 ads most often shown.</summary>
    public required IReadOnlyList<TopAd> TopAds { get; init; }

    /// <summary>The 20 queries most often searched.</summary>
    public required IReadOnlyList<TopQuery> TopQueries { get; init; }
}

/// <summary>One log: sent = events + duplicates + the sum of rejected.</summary>
internal sealed record LogCounts
{
    /// <summary>Lines of acknowledged requests, copies included.</summary>
    public long Sent { get; set; }

    /// <summary>Distinct events that must land.</summary>
    public long Events { get; set; }

    public long Duplicates { get; set; }

    /// <summary>By reason.</summary>
    public SortedDictionary<string, long> Rejected { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Of distinct events, by `_time_source`.</summary>
    public SortedDictionary<string, long> TimeSources { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Distinct events whose own time holds, by day of the zone.</summary>
    public SortedDictionary<string, long> Days { get; init; } = new(StringComparer.Ordinal);

    /// <summary>The same by hour, `yyyy-MM-dd HH`.</summary>
    public SortedDictionary<string, long> Hours { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Numeric fields of distinct events.</summary>
    public SortedDictionary<string, FieldSums> Fields { get; init; } = new(StringComparer.Ordinal);
}

internal sealed record FieldSums(long Count, decimal Sum, decimal Min, decimal Max)
{
    public static readonly FieldSums None = new(0, 0, decimal.MaxValue, decimal.MinValue);

    public FieldSums With(decimal value) => new(Count + 1, Sum + value, Math.Min(Min, value), Math.Max(Max, value));
}

internal sealed record AdCounts(long Impressions, long Clicks, decimal Cost)
{
    public static readonly AdCounts None = new(0, 0, 0);

    public AdCounts With(ShopEvent line) => line.Log == "kr_ad.click"
        ? this with { Clicks = Clicks + 1, Cost = Cost + line.Numbers[0].Value }
        : this with { Impressions = Impressions + 1 };
}

internal sealed record TopAd(string Ad, long Impressions, long Clicks, decimal Cost);

internal sealed record TopQuery(string Query, long Searches);

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    Converters = [typeof(DecimalText)])]
[JsonSerializable(typeof(ShopTruthDocument))]
internal sealed partial class ShopTruthContext : JsonSerializerContext;

internal sealed class DecimalText : JsonConverter<decimal>
{
    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        decimal.Parse(reader.GetString()!, CultureInfo.InvariantCulture);

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
}
