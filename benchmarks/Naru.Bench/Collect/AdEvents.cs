using System.Globalization;
using System.Text;
using Naru.Definitions;
using Naru.Lake.Columns;

namespace Naru.Bench.Collect;

/// <summary>The ad event of PERFORMANCE.md: 292 bytes of JSON, eight fields.</summary>
internal sealed class AdEvents : IDefinitionSource
{
    public const string Log = "kr_ad.click";

    private const int EventBytes = 292;

    public DefinitionSet Current { get; } = new(TimeZoneInfo.Utc, [Definition()]);

    /// <summary>One event a line.</summary>
    public static byte[] Lines(int count)
    {
        StringBuilder lines = new();
        for (int i = 0; i < count; i++)
        {
            lines.Append(Event(i)).Append('\n');
        }

        return Encoding.UTF8.GetBytes(lines.ToString());
    }

    public static string Event(int number)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string text = string.Concat(
            string.Create(culture, $"{{\"event_id\":\"0193a7c2-5d1e-7{number % 1000:D3}-9a4f-3b{number:D10}\","),
            string.Create(culture, $"\"event_time\":\"2026-11-21T02:{number % 60:D2}:07.123456Z\","),
            string.Create(culture, $"\"ad_id\":\"ad-{number * 7919L % 100_000:D5}\","),
            string.Create(culture, $"\"user_id\":\"u-{number * 104_729L % 10_000_000:D7}\","))
            + string.Create(culture, $"\"campaign_id\":{number % 500},\"placement\":\"home\",")
            + string.Create(culture, $"\"cost\":0.{number % 1_000_000:D6},\"clicked\":true,")
            + string.Create(culture, $"\"page\":\"/p/{number % 9000}\",")
            + "\"context\":{\"os\":\"android\",\"app\":\"7.21.0\",\"pad\":\"";
        return text + new string('x', EventBytes - text.Length - 3) + "\"}}";
    }

    private static LogDefinition Definition() => new()
    {
        Id = 1,
        Version = 1,
        RegionGroup = "kr_ad",
        Name = "click",
        Description = "A tap on an ad.",
        Owner = "bench",
        Fields =
        [
            Field(0, "ad_id", ColumnType.String),
            Field(1, "user_id", ColumnType.String) with { Sensitive = true },
            Field(2, "campaign_id", ColumnType.Int64),
            Field(3, "placement", ColumnType.String) with { Enum = ["home", "search", "detail"] },
            Field(4, "cost", ColumnType.Decimal(18, 6)) with { Min = 0 },
            Field(5, "clicked", ColumnType.Boolean),
            Field(6, "page", ColumnType.String),
            Field(7, "context", ColumnType.Json) with { Required = false },
        ],
    };

    private static FieldDefinition Field(int index, string name, ColumnType type) => new()
    {
        Name = name, Key = name, Type = type, FieldId = LogTables.FirstFieldId + index, Required = true,
    };
}
