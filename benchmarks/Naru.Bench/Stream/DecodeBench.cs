using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Stream.Decode;

namespace Naru.Bench.Stream;

/// <summary>
/// One core: events from bytes to columns, beside the floor of the same run: the framework's reader over the same
/// bytes, looking at nothing. Interleaved; medians.
/// </summary>
internal static class DecodeBench
{
    private const int Rounds = 9;
    private const int BatchRecords = 1000;

    public static int Run(string[] args)
    {
        int rows = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 200_000;
        (byte[] body, int[] lengths) = Events(rows, seed: 1);
        DecodePlan plan = DecodePlan.Compile(Log, TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"));
        EventDecoder decoder = new();
        Console.WriteLine($"{rows:N0} ad events, {body.Length / rows} bytes each, 8 fields");
        (string Name, Action Act)[] cases =
        [
            ("floor: Utf8JsonReader, tokens only", () => Tokenise(body, lengths)),
            ("decode into columns", () => Decode(decoder, plan, body, lengths)),
            ("check only", () => Check(decoder, plan, body, lengths)),
        ];
        Measure.Print(cases, rows, body.Length, Rounds);
        return 0;
    }

    private static LogDefinition Log { get; } = new()
    {
        Id = 1,
        Version = 1,
        RegionGroup = "kr_ad",
        Name = "click",
        Description = "A tap on an ad.",
        Owner = "ads",
        Fields =
        [
            Field(0, "ad_id", ColumnType.String) with { Required = true },
            Field(1, "campaign", ColumnType.Int64),
            Field(2, "user_id", ColumnType.String) with { Sensitive = true },
            Field(3, "placement", ColumnType.String) with { Enum = ["home", "search", "detail"] },
            Field(4, "cost", ColumnType.Decimal(18, 6)) with { Min = 0 },
            Field(5, "country", ColumnType.String),
            Field(6, "rank", ColumnType.Int32),
            Field(7, "context", ColumnType.Json),
        ],
    };

    internal static (byte[] Body, int[] Lengths) Events(int rows, int seed)
    {
        Random random = new(seed);
        StringBuilder text = new();
        List<int> lengths = [];
        string[] placements = ["home", "search", "detail"];
        string[] countries = ["kr", "jp", "us", "de"];
        long time = 1_760_000_000_000_000;
        for (int row = 0; row < rows; row++)
        {
            int before = text.Length;
            time += random.Next(2000);
            string iso = DateTime.UnixEpoch.AddMicroseconds(time)
                .ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
            string placement = placements[random.Next(3)];
            int ad = (int)(1_000_000 * Math.Pow(random.NextDouble(), 6));
            text.Append(
                CultureInfo.InvariantCulture,
                $"{{\"event_id\":\"{time / 1000:x12}{random.NextInt64():x16}{row & 0xffff:x4}\",");
            text.Append(
                CultureInfo.InvariantCulture,
                $"\"event_time\":\"{iso}\",\"ad_id\":\"ad-{ad}\",\"campaign\":{ad % 997},");
            text.Append(CultureInfo.InvariantCulture, $"\"user_id\":\"user-{random.Next(5_000_000):00000000}\",");
            text.Append(
                CultureInfo.InvariantCulture,
                $"\"placement\":\"{placement}\",\"cost\":0.{random.Next(1_000_000):000000},");
            text.Append(
                CultureInfo.InvariantCulture,
                $"\"country\":\"{countries[random.Next(4)]}\",\"rank\":{random.Next(100)},");
            text.Append(
                CultureInfo.InvariantCulture,
                $"\"context\":{{\"screen\":\"feed{random.Next(20)}\",\"ab\":\"v{random.Next(4)}\",");
            text.Append(CultureInfo.InvariantCulture, $"\"session\":\"{random.NextInt64():x16}\"}}}}\n");
            lengths.Add(text.Length - before);
        }

        return (Encoding.ASCII.GetBytes(text.ToString()), [.. lengths]);
    }

    private static FieldDefinition Field(int index, string name, ColumnType type) => new()
    {
        Name = name,
        Key = name,
        Type = type,
        FieldId = LogTables.FirstFieldId + index,
    };

    private static void Tokenise(byte[] body, int[] lengths)
    {
        int at = 0;
        foreach (int length in lengths)
        {
            Utf8JsonReader reader = new(body.AsSpan(at, length));
            while (reader.Read())
            {
            }

            at += length;
        }
    }

    private static void Decode(EventDecoder decoder, DecodePlan plan, byte[] body, int[] lengths)
    {
        using LogBatch target = new(plan);
        int at = 0;
        for (int first = 0; first < lengths.Length; first += BatchRecords)
        {
            TopicBatch batch = new()
            {
                Header = new BatchHeader { LogId = 1, LogVersion = 1, ReceivedMicroseconds = 1_760_000_000_000_000 },
                Partition = 0,
                BaseOffset = first,
                Sender = "app/phone-1"u8,
                Message = default,
                Lengths = lengths.AsSpan(first, Math.Min(BatchRecords, lengths.Length - first)),
                Body = body,
            };
            decoder.Begin(target, batch);
            for (int i = 0; i < batch.Count; i++)
            {
                int length = batch.Lengths[i];
                if (!decoder.TryDecode(batch, i, body.AsSpan(at, length), out Rejection rejection))
                {
                    throw new UnreachableException(rejection.ToString());
                }

                at += length;
            }
        }
    }

    private static void Check(EventDecoder decoder, DecodePlan plan, byte[] body, int[] lengths)
    {
        int at = 0;
        foreach (int length in lengths)
        {
            if (!decoder.TryCheck(plan, body.AsSpan(at, length), out Rejection rejection))
            {
                throw new UnreachableException(rejection.ToString());
            }

            at += length;
        }
    }
}
