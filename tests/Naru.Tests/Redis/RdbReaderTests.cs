using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Redis;
using Naru.Sources.Redis;
using Naru.Tests.Platform;

namespace Naru.Tests.Redis;

/// <summary>Files of Redis: what is in them, in every form, and what comes of those that are damaged.</summary>
public sealed class RdbReaderTests
{
    private const int Unpacked = 40;
    private const long Soon = 2_000_000_000_000;

    [Fact]
    public void Every_pair_of_a_file_and_its_json_is_equal()
    {
        string folder = Pairs();
        string[] files = Directory.GetFiles(folder, "*.rdb");
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            JsonArray wanted = JsonNode.Parse(File.ReadAllText(Path.ChangeExtension(file, ".json")))!.AsArray();
            Assert.Equal(wanted.Select(static key => Known(key!.AsObject())), Read(File.ReadAllBytes(file)));
        }
    }

    [Fact]
    public void Every_form_of_a_value_is_read()
    {
        byte[] file = EveryForm();
        Assert.Equal(
            [
                "3 int8 string -1", "3 int16 string 12345", "3 int32 string -2147483648",
                "3 list list until 67305985000 [\"a\",\"\"]", $"3 set set until {Soon} [\"a\",\"b\"]",
                "3 old zset sortedset {\"j\":\"-inf\",\"m\":1.5,\"k\":7,\"i\":\"inf\"}", "3 zset sortedset {\"m\":0.1}",
                "3 hash hash {\"f\":\"v\"}",
                "3 list of a ziplist list [\"a\",\"12\",\"-70000\",\"-3\",\"300\",\"1099511627776\"]",
                "3 zset of a ziplist sortedset {\"m\":2.5,\"n\":3}",
                "3 hash of a ziplist hash {\"7\":\"8\",\"f\":\"v\"}",
                "3 quicklist list [\"a\",\"b\",\"1\"]", "3 quicklist 2 list [\"large\",\"b\",\"-1\"]",
                "3 zset of a listpack sortedset {\"m\":2.5,\"n\":1099511627776}",
                "3 hash of a listpack hash {\"f\":\"v\"}",
                "3 stream stream [{\"id\":\"9-3\",\"fields\":{\"a\":\"1\",\"b\":\"2\"}},"
                    + "{\"id\":\"14-4\",\"fields\":{\"c\":\"7\"}}]",
                "3 stream 3 stream []",
                "3 hash with times hash {\"a\":\"1\",\"c\":\"3\"}", "3 old hash with times hash {\"c\":\"3\"}",
                "3 timed listpack hash {\"a\":\"1\",\"c\":\"3\"}", "3 old timed listpack hash {\"a\":\"1\"}",
                "3 module module ReJSON-RL", "3 last string 1",
            ],
            Lines(file));

        // Whoever does not want the values comes by the same keys.
        Assert.Equal(
            Lines(file).Select(static line => line.Split(' ')[1][..3]),
            Lines(file, skips: true).Select(static line => line.Split(' ')[1][..3]));
    }

    [Theory]
    [InlineData(0, "byte 0: it does not begin with REDIS")]
    [InlineData(7, "byte 5: its version is '0")]
    [InlineData(16, "byte 16: a string of")]
    [InlineData(-1, "the checksum is wrong")]
    public void Damage_is_told_with_its_byte(int at, string message)
    {
        byte[] file = new RdbBytes(11).Add(0xfe, 0).Key(0, "key").Add(3).Add("abc"u8.ToArray()).End();
        if (at < 0)
        {
            file[^10]++;
        }
        else
        {
            file[at] = at == 16 ? (byte)0x3f : (byte)0x39;
        }

        RdbException told = Assert.Throws<RdbException>(() => Lines(file));
        Assert.Contains(message, told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_length_takes_no_memory_that_the_file_does_not_have()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (RdbBytes file in (RdbBytes[])
            [new RdbBytes().Key(0, "k").Length(1UL << 40), new RdbBytes().Key(1, "k").Length(1UL << 40),
                new RdbBytes().Key(0, "k").Add(0xc3).Length(2).Length(1UL << 30).Add(0, 0),
                new RdbBytes().Key(11, "k").Blob([4, 0, 0, 0, 255, 255, 255, 255]),
                new RdbBytes().Key(24, "k").Int64(0).Length(ulong.MaxValue),
                new RdbBytes().Key(20, "k").Blob([7, 0, 0, 0, 1, 0, 0xf0]),
                new RdbBytes().Add(0xfe).Length(ulong.MaxValue)])
        {
            Assert.Throws<RdbException>(() => Lines(file.End()));
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    [Fact]
    public void Whatever_is_changed_in_a_file_it_ends_with_rows_or_an_error()
    {
        Random random = TestSeed.Random(out int seed);
        byte[][] files =
        [
            EveryForm(), .. SharedData.Folder("db/redis_rdb") is { } folder
                ? Directory.GetFiles(folder, "*.rdb").Select(File.ReadAllBytes) : [],
        ];
        int broken = 0;
        for (int i = 0; i < 10_000; i++)
        {
            byte[] file = (byte[])files[i % files.Length].Clone();
            for (int change = random.Next(1, 5); change > 0; change--)
            {
                file[random.Next(9, file.Length)] = (byte)random.Next(256);
            }

            file = random.Next(4) == 0 ? file[..random.Next(file.Length)] : file;
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Lines(file, skips: random.Next(3) == 0);
            }
            catch (RdbException)
            {
                broken++;
            }
            catch (Exception exception)
            {
                Assert.Fail($"seed {seed}, file {i}: {Convert.ToHexString(file)}: {exception}");
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
        }

        Assert.InRange(broken, 5_000, 10_000);
    }

    [Fact]
    public void Compressed_bytes_that_are_broken_are_refused()
    {
        Random random = TestSeed.Random(out _);
        byte[] packed = [3, 1, 2, 3, 4, 0x60, 3, 0xe0, 20, 2];
        Assert.True(Lzf.TryUnpack(packed, new byte[4 + 5 + 29]));
        byte[] into = new byte[Unpacked];
        for (int i = 0; i < 20_000; i++)
        {
            byte[] other = (byte[])packed.Clone();
            other[random.Next(other.Length)] = (byte)random.Next(256);
            Lzf.TryUnpack(other.AsSpan(0, random.Next(1, other.Length)), into);
        }
    }

    [Theory]
    [InlineData("*", "", true)]
    [InlineData("user:*", "user:1", true)]
    [InlineData("user:*", "users:1", false)]
    [InlineData("*:cart:?", "a:b:cart:1", true)]
    [InlineData("*:cart:?", "a:b:cart:12", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[c-a]x", "bx", true)]
    [InlineData("[^a-c]x", "bx", false)]
    [InlineData("[a\\]]", "]", true)]
    [InlineData("[ab", "b", true)]
    [InlineData("a\\*", "a*", true)]
    [InlineData("a\\*", "ab", false)]
    [InlineData("*a*b*c*d*e*f*g*h*", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false)]
    public void Patterns_are_those_of_redis(string pattern, string key, bool matches) =>
        Assert.Equal(matches, RedisPattern.Matches(Encoding.UTF8.GetBytes(pattern), Encoding.UTF8.GetBytes(key)));

    internal static string Pairs()
    {
        string? folder = SharedData.Folder("db/redis_rdb");
        Assert.SkipUnless(folder is not null, "needs ../shared/data/db/redis_rdb");
        return folder!;
    }

    /// <summary>A key of every form that a value has in a file.</summary>
    private static byte[] EveryForm()
    {
        byte[] entries = RdbBytes.Listpack(
            2, 1, 2, "a", "b", 0, 2, 0, 0, "1", "2", 5, 3, 1, 0, "x", "y", 5, 0, 5, 1, 1, "c", 7, 6);
        byte[] id = [.. new byte[7], 9, .. new byte[7], 3];
        return new RdbBytes()
            .Add(0xfa).Text("redis-ver").Text("8.0.0").Add(0xfa).Text("ctime").Add(0xc2, 1, 0, 0, 0)
            .Add(0xf5).Text("#!lua name=f").Add(0xf7).Length(77).Length(2).Length(1).Add(5).Text("note").Add(0)
            .Add(0xfe, 3).Add(0xfb, 9, 1).Add(0xf4, 1, 2, 3)
            .Key(0, "int8").Add(0xc0, 0xff).Key(0, "int16").Add(0xc1, 0x39, 0x30)
            .Key(0, "int32").Add(0xc2, 0, 0, 0, 0x80)
            .Add(0xf8).Length(5).Add(0xf9, 7).Add(0xfd, 1, 2, 3, 4).Key(1, "list").Length(2).Text("a").Text("")
            .Add(0xfc).Int64(Soon).Key(2, "set").Length(2).Text("b").Text("a")
            .Key(3, "old zset").Length(4).Text("m").Add(3).Add("1.5"u8.ToArray()).Text("i").Add(254)
            .Text("j").Add(255).Text("k").Add(1, (byte)'7')
            .Key(5, "zset").Length(1).Text("m").Int64(BitConverter.DoubleToInt64Bits(0.1))
            .Key(4, "hash").Length(1).Text("f").Text("v")
            .Key(10, "list of a ziplist").Blob(RdbBytes.Ziplist("a", 12, -70_000, (sbyte)-3, (short)300, 1L << 40))
            .Key(12, "zset of a ziplist").Blob(RdbBytes.Ziplist("m", "2.5", "n", 3))
            .Key(13, "hash of a ziplist").Blob(RdbBytes.Ziplist("f", "v", 7, 8))
            .Key(14, "quicklist").Length(2).Blob(RdbBytes.Ziplist("a")).Blob(RdbBytes.Ziplist("b", 1))
            .Key(18, "quicklist 2").Length(2).Length(1).Text("large").Length(2).Blob(RdbBytes.Listpack("b", -1))
            .Key(17, "zset of a listpack").Blob(RdbBytes.Listpack("m", "2.5", "n", 1L << 40))
            .Key(16, "hash of a listpack").Blob(RdbBytes.Listpack("f", "v"))
            .Key(15, "stream").Length(1).Blob(id).Blob(entries).Length(2).Length(9).Length(8).Length(0)
            .Key(21, "stream 3").Length(0).Length(0).Length(0).Length(0).Length(0).Length(0).Length(0).Length(0)
            .Length(0).Length(1).Text("group").Length(1).Length(2).Length(3).Length(1).Add(id).Int64(1).Length(1)
            .Length(1).Text("consumer").Int64(1).Int64(2).Length(1).Add(id)
            .Key(24, "hash with times").Int64(1_000).Length(3).Length(0).Text("a").Text("1").Length(1).Text("b")
            .Text("2").Length(2).Text("c").Text("3")
            .Key(22, "old hash with times").Length(2).Length(1_000).Text("b").Text("2").Length(1_001)
            .Text("c").Text("3")
            .Key(25, "timed listpack").Int64(1).Blob(RdbBytes.Listpack("a", 1, 0, "b", 2, 1_000L, "c", 3, 1_001L))
            .Key(23, "old timed listpack").Blob(RdbBytes.Listpack("a", 1, 0))
            .Key(7, "module").Length(Module("ReJSON-RL", 3)).Length(2).Length(4).Length(3).Add(1, 2, 3, 4).Length(4)
            .Int64(5).Length(5).Text("x").Length(0)
            .Key(0, "last").Text("1").End();
    }

    private static ulong Module(string name, ulong version) => name.Aggregate(0UL, static (id, letter) => (id << 6)
        | (uint)"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".IndexOf(letter)) << 10 | version;

    /// <summary>A line for each key: where, what, until when, and its value as the lake has it.</summary>
    private static List<string> Lines(byte[] file, bool skips = false)
    {
        RdbReader reader = new(new MemoryFile(file), file.Length);
        RedisValue value = new();
        RedisText text = new();
        List<string> lines = [];
        while (reader.Next())
        {
            string until = reader.ExpiresAt is { } at ? $" until {at}" : "";
            string key = $"{reader.Database} {Encoding.UTF8.GetString(reader.Key)}";
            reader.Read(skips ? null : value, 1_000);
            string shown = skips ? "" : value.Shape == RedisShape.Module ? value.Module
                : Encoding.UTF8.GetString(text.Of(value, RedisText.NeedsEscapes(reader.Key, value)));
            lines.Add($"{key} {value.Shape.ToString().ToLowerInvariant()}{until} {shown}");
        }

        return lines;
    }

    private static List<string> Read(byte[] file)
    {
        RdbReader reader = new(new MemoryFile(file), file.Length);
        RedisValue value = new();
        RedisText text = new();
        List<string> keys = [];
        while (reader.Next())
        {
            reader.Read(value, 0);
            string shown = Encoding.UTF8.GetString(text.Of(value, escapes: false));
            keys.Add($"{reader.Database} {Encoding.UTF8.GetString(reader.Key)} {reader.ExpiresAt} "
                + $"{value.Shape.ToString().ToLowerInvariant()} {reader.Packing} {shown}");
        }

        return keys;
    }

    /// <summary>What the JSON beside a file says, as <see cref="Read"/> says it.</summary>
    private static string Known(JsonObject key)
    {
        string type = key["type"]!.GetValue<string>();
        string value = type switch
        {
            "string" => key["value"]!.GetValue<string>(),
            "hash" => Sorted(key["hash"]!.AsObject()),
            "set" => JsonSerializer.Serialize(key["members"]!.AsArray()
                .Select(static each => each!.GetValue<string>()).Order(StringComparer.Ordinal)),
            "list" => key["values"]!.ToJsonString(),
            "stream" => new JsonArray([.. key["entries"]!.AsArray().SelectMany(static part => part!["msgs"]!.AsArray())
                .Where(static entry => !entry!["deleted"]!.GetValue<bool>())
                .Select(static entry => (JsonNode)new JsonObject
                {
                    ["id"] = entry!["id"]!.DeepClone(), ["fields"] = entry["fields"]!.DeepClone(),
                })]).ToJsonString(),
            _ => throw new NotSupportedException(type),
        };
        long? expires = key["expiration"] is { } at
            ? DateTimeOffset.Parse(at.GetValue<string>(), CultureInfo.InvariantCulture).ToUnixTimeMilliseconds() : null;
        return $"{key["db"]} {key["key"]} {expires} {type} {key["encoding"]} {value}";
    }

    private static string Sorted(JsonObject hash) => new JsonObject(
        hash.OrderBy(static field => field.Key, StringComparer.Ordinal)
            .Select(static field => KeyValuePair.Create(field.Key, field.Value?.DeepClone()))).ToJsonString();
}
