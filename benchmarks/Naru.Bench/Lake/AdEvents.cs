using System.Globalization;
using System.Text;
using Naru.Lake.Columns;

namespace Naru.Bench.Lake;

/// <summary>Seeded ad events of ten columns, about 290 bytes each as JSON: as a batch, and as NDJSON lines.</summary>
internal static class AdEvents
{
    internal static readonly TableSchema Schema = new(
    [
        new Column("_id", ColumnType.String, false, 1),
        new Column("_event_time", ColumnType.Timestamp, false, 2),
        new Column("_received_at", ColumnType.Timestamp, false, 3),
        new Column("ad_id", ColumnType.String, true, 4),
        new Column("campaign", ColumnType.Int64, true, 5),
        new Column("user_id", ColumnType.String, true, 6),
        new Column("placement", ColumnType.String, true, 7),
        new Column("cost", ColumnType.Decimal(18, 6), true, 8),
        new Column("country", ColumnType.String, true, 9),
        new Column("context", ColumnType.Json, true, 10),
    ]);

    private const long StartMicroseconds = 1_735_689_600_000_000;
    private static readonly string[] Placements = ["home", "search", "detail"];
    private static readonly string[] Countries = ["kr", "jp", "us", "de"];

    internal static ColumnBatch Batch(int rows, int seed)
    {
        ColumnBatch batch = new(Schema);
        ColumnVector[] columns = batch.Columns;
        Span<byte> text = stackalloc byte[256];
        foreach (Event one in Make(rows, seed))
        {
            columns[0].AppendString(Utf8(text, one.Id));
            columns[1].AppendInt64(one.Time);
            columns[2].AppendInt64(one.Received);
            columns[3].AppendString(Utf8(text, one.Ad));
            columns[4].AppendInt64(one.Campaign);
            columns[5].AppendString(Utf8(text, one.User));
            columns[6].AppendString(Utf8(text, one.Placement));
            columns[7].AppendDecimal(one.CostMicros);
            columns[8].AppendString(Utf8(text, one.Country));
            columns[9].AppendString(Utf8(text, one.Context));
            batch.EndRow();
        }

        return batch;
    }

    /// <summary>Returns the bytes written.</summary>
    internal static long WriteNdjson(string path, int rows, int seed)
    {
        using StreamWriter writer = new(path, append: false, new UTF8Encoding(false), bufferSize: 1 << 20);
        foreach (Event one in Make(rows, seed))
        {
            writer.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"{{\"_id\":\"{one.Id}\",\"_event_time\":\"{Iso(one.Time)}\","));
            writer.Write($"\"_received_at\":\"{Iso(one.Received)}\",");
            writer.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"\"ad_id\":\"{one.Ad}\",\"campaign\":{one.Campaign},\"user_id\":\"{one.User}\","));
            writer.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"\"placement\":\"{one.Placement}\",\"cost\":0.{one.CostMicros:000000},"));
            writer.Write($"\"country\":\"{one.Country}\",\"context\":{one.Context}}}\n");
        }

        writer.Flush();
        return writer.BaseStream.Length;
    }

    /// <summary>The columns as read_ndjson takes them.</summary>
    internal static string NdjsonColumns() =>
        "{" + string.Join(", ", Schema.Columns.Select(column => $"'{column.Name}': '{NdjsonType(column.Type)}'")) + "}";

    private static string NdjsonType(ColumnType type) => type.Kind == ColumnKind.Json ? "JSON" : type.Sql;

    private static IEnumerable<Event> Make(int rows, int seed)
    {
        Random random = new(seed);
        long time = StartMicroseconds;
        for (int row = 0; row < rows; row++)
        {
            time += random.Next(2000);
            int ad = (int)(1_000_000 * Math.Pow(random.NextDouble(), 6));
            long user = random.NextInt64(5_000_000);
            yield return new Event(
                Id: string.Create(
                    CultureInfo.InvariantCulture, $"{time / 1000:x12}{random.NextInt64():x16}{row & 0xffff:x4}"),
                Time: time - random.Next(5_000_000),
                Received: time,
                Ad: string.Create(CultureInfo.InvariantCulture, $"ad-{ad}"),
                Campaign: ad % 997,
                User: string.Create(CultureInfo.InvariantCulture, $"user-{user:00000000}"),
                Placement: Placements[random.Next(Placements.Length)],
                CostMicros: random.Next(1_000_000),
                Country: Countries[random.Next(Countries.Length)],
                Context: Context(random));
        }
    }

    private static string Context(Random random) => string.Create(
        CultureInfo.InvariantCulture,
        $"{{\"screen\":\"feed{random.Next(20)}\",\"rank\":{random.Next(100)},\"ab\":\"v{random.Next(4)}\"}}");

    private static string Iso(long microseconds) => DateTime.UnixEpoch.AddMicroseconds(microseconds)
        .ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private static ReadOnlySpan<byte> Utf8(Span<byte> buffer, string text) =>
        buffer[..Encoding.UTF8.GetBytes(text, buffer)];

    private readonly record struct Event(
        string Id,
        long Time,
        long Received,
        string Ad,
        long Campaign,
        string User,
        string Placement,
        int CostMicros,
        string Country,
        string Context);
}
