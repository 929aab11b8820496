using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Naru.Sim.Delta;
using Naru.Tests.Lake;

namespace Naru.Tests.Platform;

/// <summary>
/// A project of several logs, every field type and sensitive fields: what SQL says of every table equals what the
/// sender kept; the Delta protocol's rules hold for every table, and plain DuckDB reads every file.
/// </summary>
[Trait("Size", "Slow")]
public sealed class LakeTruthTests(ITestOutputHelper output)
{
    private const int Rounds = 4;
    private const int RoundEvents = 200;

    private const string Fields = """
        fields:
          n: {type: int32, required: true}
          big: {type: int64}
          ratio: {type: double}
          cost: {type: "decimal(18,6)"}
          on: {type: boolean}
          at: {type: timestamp}
          day: {type: date}
          word: {type: string}
          extra: {type: json}
          tags: {type: "string[]"}
          phone: {type: string, sensitive: true}
          salary: {type: "decimal(12,2)", sensitive: true}
        """;

    private static readonly string[] Logs = ["kr_a.order", "kr_a.view", "kr_b.item"];

    private static readonly (string Name, string Type, string Group)[] Columns =
    [
        ("n", "INT", ""), ("big", "INT", ""), ("ratio", "INT", ""), ("cost", "INT", ""), ("on", "INT", ""),
        ("at", "INT", ""), ("day", "INT", ""), ("word", "TEXT", ""), ("tags", "TEXT", ""), ("extra", "TEXT", ""),
        ("phone", "TEXT", "$secure"), ("salary", "INT", "$secure"),
    ];

    [Fact]
    public async Task Every_table_holds_what_the_sender_counted_and_every_file_opens_elsewhere()
    {
        Random random = TestSeed.Random(out _);
        using PlatformProject project = new([.. Logs.Select(static log =>
            $"log: {log}\ndescription: All types.\nowner: test\n"
            + (log == "kr_a.view" ? "partition: hour\n" : "") + Fields)]);
        Dictionary<string, Truth> truths = Logs.ToDictionary(static log => log, static _ => new Truth());
        await using (PlatformProcess platform = await PlatformProcess.StartAsync(project.Root))
        {
            for (int round = 0; round < Rounds; round++)
            {
                foreach (string log in Logs)
                {
                    await SendAsync(platform, log, truths[log], random, round);
                }
            }

            foreach (string log in Logs)
            {
                await CompareAsync(platform, log, truths[log]);
            }

            await CompareSystemAsync(platform, truths);
            await platform.StopAsync();
        }

        string lake = Path.Combine(project.Root, "data", "lake");
        Assert.Empty(DeltaValidator.ValidateAll(lake));
        await OpenElsewhereAsync(lake);
    }

    private static async Task SendAsync(PlatformProcess platform, string log, Truth truth, Random random, int round)
    {
        StringBuilder body = new();
        for (int i = 0; i < RoundEvents; i++)
        {
            string id = string.Create(CultureInfo.InvariantCulture, $"{round}-{i}");
            truth.Received += 2;
            if (i % 10 == 9)
            {
                truth.Rejected += 2;
                body.Append(CultureInfo.InvariantCulture, $$"""{"event_id":"{{id}}","big":1}""").Append('\n');
                body.Append(CultureInfo.InvariantCulture, $$"""{"event_id":"{{id}}","n":"x"}""").Append('\n');
                continue;
            }

            string line = truth.Make(random, id);
            body.Append(line).Append('\n').Append(line).Append('\n');
        }

        using StringContent content = new(body.ToString(), Encoding.UTF8, "application/x-ndjson");
        using HttpResponseMessage response = await platform.Http.PostAsync($"/v1/events/{log}?ack=lake", content);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    private static async Task CompareAsync(PlatformProcess platform, string log, Truth truth)
    {
        string[] parts = log.Split('.');
        foreach ((string group, long rows) in ((string, long)[])
            [("", truth.Rows), ("$raw", truth.Rows), ("$secure", truth.SecureRows)])
        {
            Assert.Equal(rows, await platform.CountAsync($"SELECT count(*) FROM {parts[0]}.\"{parts[1]}{group}\""));
        }

        foreach ((string name, string type, string group) in Columns)
        {
            string column = $"\"{name}\"";
            string value = name switch
            {
                "ratio" => $"({column} * 8)::BIGINT",
                "cost" => $"({column} * 1000000)::BIGINT",
                "salary" => $"({column} * 100)::BIGINT",
                "on" => $"{column}::INT",
                "at" => $"epoch_us({column})",
                "day" => $"({column} - DATE '1970-01-01')",
                "tags" => $"array_to_string({column}, ',')",
                "extra" => $"{column}::VARCHAR",
                _ => column,
            };
            string sum = type == "INT" ? "sum(v)" : "sum(length(v))";
            JsonElement row = (await platform.AskAsync(
                $"SELECT count(v)::VARCHAR, {sum}::VARCHAR, min(v)::VARCHAR, max(v)::VARCHAR FROM "
                + $"(SELECT {value} AS v FROM {parts[0]}.\"{parts[1]}{group}\")"))[0];
            string came = string.Join(' ', row.EnumerateArray().Select(static cell => cell.GetString()));
            Assert.Equal(truth.Of(name, type == "INT"), came);
        }
    }

    private static async Task CompareSystemAsync(PlatformProcess platform, Dictionary<string, Truth> truths)
    {
        foreach ((string log, Truth truth) in truths)
        {
            JsonElement volume = (await platform.AskAsync(
                "SELECT sum(received)::BIGINT, sum(landed)::BIGINT, sum(duplicate)::BIGINT, sum(rejected)::BIGINT "
                + $"FROM naru.volume WHERE log = '{log}'"))[0];
            Assert.Equal(
                [truth.Received, truth.Rows, truth.Rows, truth.Rejected],
                volume.EnumerateArray().Select(static cell => cell.GetInt64()));
            Assert.Equal(
                truth.Rejected,
                await platform.CountAsync($"SELECT count(*) FROM naru.rejected WHERE log = '{log}'"));
            string[] parts = log.Split('.');
            Assert.Equal(
                (2 * truth.Rows) + truth.SecureRows,
                await platform.CountAsync(
                    "SELECT sum(rows)::BIGINT FROM naru.files "
                    + $"WHERE schema = '{parts[0]}' AND \"table\" = '{parts[1]}'"));
        }

        Assert.Equal(
            truths.Values.Sum(static truth => truth.Rejected),
            await platform.CountAsync("SELECT count(*) FROM naru.\"rejected$secure\""));
        Assert.Equal(truths.Count, await platform.CountAsync("SELECT count(*) FROM naru.logs"));
    }

    /// <summary>Rows that the commits promise, by the log's own text, against rows that plain DuckDB reads.</summary>
    private async Task OpenElsewhereAsync(string lake)
    {
        SortedDictionary<string, long> promised = new(StringComparer.Ordinal);
        foreach (string entry in Directory.EnumerateFiles(lake, "*.json", SearchOption.AllDirectories))
        {
            string table = Path.GetDirectoryName(Path.GetDirectoryName(entry))!;
            foreach (string line in File.ReadLines(entry))
            {
                using JsonDocument action = JsonDocument.Parse(line);
                if (action.RootElement.TryGetProperty("add", out JsonElement add))
                {
                    using JsonDocument stats = JsonDocument.Parse(add.GetProperty("stats").GetString()!);
                    promised[Path.Combine(table, Uri.UnescapeDataString(add.GetProperty("path").GetString()!))] =
                        stats.RootElement.GetProperty("numRecords").GetInt64();
                }
            }
        }

        string[] files = [.. Directory.EnumerateFiles(lake, "*.parquet", SearchOption.AllDirectories)];
        IEnumerable<string> data = files.Where(static file => !file.Contains("_delta_log", StringComparison.Ordinal));
        Assert.Equal(promised.Keys, data.Order(StringComparer.Ordinal));
        IEnumerable<string> reads = files.Select(
            static file => $"SELECT '{file}', count(*), count(hash(t)) FROM read_parquet('{file}') t");
        string?[][] rows = await PlainDuckDb.QueryAsync(string.Join(" UNION ALL ", reads));
        Assert.Equal(files.Length, rows.Length);
        foreach (string?[] row in rows)
        {
            Assert.Equal(row[1], row[2]);
            if (promised.TryGetValue(row[0]!, out long count))
            {
                Assert.Equal(count, long.Parse(row[1]!, CultureInfo.InvariantCulture));
            }
        }

        output.WriteLine($"{files.Length} files read by plain DuckDB, {promised.Values.Sum()} rows");
    }

    /// <summary>What the sender keeps of one log: numbers as integers of their smallest unit.</summary>
    private sealed class Truth
    {
        private readonly Dictionary<string, (long Count, BigInteger Sum, object? Min, object? Max)> _columns = [];

        public long Received { get; set; }

        public long Rejected { get; set; }

        public long Rows { get; private set; }

        public long SecureRows { get; private set; }

        public string Make(Random random, string id)
        {
            Rows++;
            List<string> parts = [$"\"event_id\":\"{id}\""];
            long n = random.Next(int.MinValue, int.MaxValue);
            Number("n", n, $"{n}");
            long big = random.NextInt64(long.MinValue, long.MaxValue);
            Maybe(() => Number("big", big, $"{big}"));
            long eighths = random.Next(-1_000_000, 1_000_000);
            Maybe(() => Number("ratio", eighths, Text(eighths / 8m)));
            long micros = random.NextInt64(-999_999_999_999, 999_999_999_999);
            Maybe(() => Number("cost", micros, $"\"{Text(micros / 1_000_000m)}\""));
            long on = random.Next(2);
            Maybe(() => Number("on", on, on == 1 ? "true" : "false"));
            DateTime at = DateTime.UnixEpoch.AddTicks(random.NextInt64(0, 2_000_000_000_000_000) * 10);
            Maybe(() => Number(
                "at", (at - DateTime.UnixEpoch).Ticks / 10,
                $"\"{at.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture)}\""));
            long day = random.Next(0, 30_000);
            Maybe(() => Number(
                "day", day,
                $"\"{DateTime.UnixEpoch.AddDays(day).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}\""));
            string word = Word();
            Maybe(() => String("word", word, $"\"{word}\""));
            string[] tags = [Word(), Word()];
            Maybe(() => String("tags", string.Join(',', tags), $"[\"{tags[0]}\",\"{tags[1]}\"]"));
            string extra = $"{{\"k\":\"{Word()}\"}}";
            Maybe(() => String("extra", extra, extra));
            bool isSecure = false;
            string phone = Word();
            long cents = random.Next(0, 1_000_000_000);
            Maybe(() => { isSecure = true; String("phone", phone, $"\"{phone}\""); });
            Maybe(() => { isSecure = true; Number("salary", cents, $"\"{Text(cents / 100m)}\""); });
            SecureRows += isSecure ? 1 : 0;
            return $"{{{string.Join(',', parts)}}}";

            void Maybe(Action add)
            {
                if (random.Next(4) > 0)
                {
                    add();
                }
            }

            void Number(string name, long value, string json)
            {
                (long count, BigInteger sum, object? min, object? max) = _columns.GetValueOrDefault(name);
                _columns[name] = (count + 1, sum + value, Math.Min((long)(min ?? value), value),
                    Math.Max((long)(max ?? value), value));
                parts.Add($"\"{name}\":{json}");
            }

            void String(string name, string value, string json)
            {
                (long count, BigInteger sum, object? min, object? max) = _columns.GetValueOrDefault(name);
                _columns[name] = (
                    count + 1, sum + value.Length,
                    min is string least && string.CompareOrdinal(least, value) < 0 ? least : value,
                    max is string most && string.CompareOrdinal(most, value) > 0 ? most : value);
                parts.Add($"\"{name}\":{json}");
            }

            string Word() => random.NextInt64().ToString("x", CultureInfo.InvariantCulture);

            static string Text(decimal value) => value.ToString(CultureInfo.InvariantCulture);
        }

        public string Of(string name, bool isNumber)
        {
            (long count, BigInteger sum, object? min, object? max) = _columns[name];
            Assert.True(isNumber == min is long);
            return string.Create(CultureInfo.InvariantCulture, $"{count} {sum} {min} {max}");
        }
    }
}
