using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Naru.Core.Events;

namespace Naru.Tests.Collect;

/// <summary>
/// Bodies made of good and bad events by a grammar, then often damaged. Whatever comes: a documented status, a living
/// server, and in the topic exactly what the answer says.
/// </summary>
public class CollectFuzzTests
{
    private const string Log = "/v1/events/kr_shop.page_view";

    private static readonly int[] Documented = [200, 400, 413, 415];

    private static readonly string[] Good =
    [
        """{"page":"/"}""", "{}", """{"page":"\ud83d\ude00 가"}""", """{"n":1e400}""", """{"n":9007199254740993}""",
        """{"n":-0,"m":9223372036854775808,"o":-9223372036854775809}""", """{"a":"\u0000"}""", """{"":""}""",
        """{"_log":"kr_shop.page_view","page":"/"}""", """{"_log":"kr_ad.click","list":[[],{},[1,[2]]]}""",
        $$"""{"page":"{{new string('k', 3000)}}"}""", """ { "page" : [ true , false , null ] } """,
    ];

    private static readonly string[] Bad =
    [
        """{"a":1,"a":2}""", """{"a":"\ud800"}""", """{"a":"\udc00x"}""", "7", "null", "\"text\"", "[7]",
        $"{{\"deep\":{new string('[', 40)}{new string(']', 40)}}}",
        "{" + string.Join(',', Enumerable.Range(0, 600).Select(static i => $"\"k{i}\":0")) + "}",
    ];

    private static readonly byte[][] Junk =
    [
        [0xff], [0xc3], [0xed, 0xa0, 0x80], [0],
        "\ufeff"u8.ToArray(), "\n"u8.ToArray(), "{"u8.ToArray(), "}"u8.ToArray(),
        "\\"u8.ToArray(), "\""u8.ToArray(), ","u8.ToArray(), "]"u8.ToArray(), "\r"u8.ToArray(), "\\u12"u8.ToArray(),
    ];

    [Fact]
    public Task The_topic_holds_exactly_what_was_answered_for_20_000_bodies() => FuzzAsync(20_000);

    [Fact]
    [Trait("Size", "Long")]
    public Task The_topic_holds_exactly_what_was_answered_for_two_million_bodies() => FuzzAsync(2_000_000);

    private static async Task FuzzAsync(int count)
    {
        int seed = TestSeed.Value;
        await Task.WhenAll(
            Task.Run(() => FuzzAsync(count / 2, new Random(seed), seed)),
            Task.Run(() => FuzzAsync(count / 2, new Random(~seed), seed)));
    }

    private static async Task FuzzAsync(int count, Random random, int seed)
    {
        await using CollectHost host = await CollectHost.StartAsync();
        HashSet<(int, string?)> seen = [];
        for (int i = 0; i < count; i++)
        {
            Body body = Body.Make(random);
            Answer answer = await host.PostAsync(body.Path, body.Bytes, body.Type, body.Headers);
            string what = $"seed {seed}, body {i}: {body.Type} {answer.Code} {answer.Text} for {Text(body.Bytes)}";
            Assert.True(Documented.Contains(answer.Code), what);
            seen.Add((answer.Code, answer.Error));
            Check(host, body, answer, what);
            host.Topic.Clear();
        }

        Assert.Empty(host.Logs.Lines);
        Assert.Superset(
            new HashSet<(int, string?)>
            {
                (200, null), (400, "empty_body"), (400, "nothing_readable"), (400, "broken_encoding"),
                (415, "unsupported_encoding"),
            },
            seen);
    }

    /// <summary>R4 for one request: what is in the topic is what the answer says, and it is what was sent.</summary>
    private static void Check(CollectHost host, Body body, Answer answer, string what)
    {
        JsonElement json = answer.Json;
        int accepted = json.GetProperty("accepted").GetInt32();
        int rejected = json.GetProperty("rejected").GetArrayLength();
        List<(int Index, string Text)> kept = host.Kept();
        List<(int Index, RejectReason Reason, string Text)> refused = host.KeptRejected();
        Assert.True(accepted == kept.Count && rejected == refused.Count, what);
        Assert.True(kept.Select(static one => one.Index).Distinct().Count() == kept.Count, what);
        if (body.Expected is { } expected)
        {
            Assert.True(answer.Code == 200 || expected.Good.Count == 0, what);
            IEnumerable<string> texts = kept.OrderBy(static one => one.Index).Select(static one => one.Text);
            Assert.True(expected.Good.Select(Trimmed).SequenceEqual(texts), what);
            Assert.True(expected.Bad.Count == refused.Count, what);
        }

        if (body.IsJudged)
        {
            Assert.All(kept, one => Assert.True(IsEvent(one.Text), what));
        }
    }

    private static string Trimmed(string text) => text.Trim();

    private static bool IsEvent(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                text, new JsonDocumentOptions { AllowDuplicateProperties = true, MaxDepth = 32 });
            string[] names = [.. document.RootElement.EnumerateObject().Select(static property => property.Name)];
            return names.Distinct(StringComparer.Ordinal).Count() == names.Length;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Text(byte[] bytes) =>
        Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 300))).ReplaceLineEndings("\\n");

    private sealed record Expectation(List<string> Good, List<string> Bad);

    private sealed record Body(string Path, byte[] Bytes, string Type, (string, string)[] Headers)
    {
        /// <summary>Known where nothing was damaged after the making.</summary>
        public Expectation? Expected { get; private init; }

        /// <summary>Events are read before the acknowledgement.</summary>
        public bool IsJudged { get; private init; }

        public static Body Make(Random random)
        {
            int form = random.Next(3);
            List<string> events =
                [.. Enumerable.Range(0, form == 0 ? 1 : random.Next(6)).Select(_ => One(random))];
            string[] spaces = ["", " ", "\t", form == 2 ? "" : "\n", "\r"];
            string text = form switch
            {
                0 => Space() + events[0] + Space(),
                1 => $"{Space()}[{Space()}{string.Join($"{Space()},{Space()}", events)}{Space()}]{Space()}",
                _ => string.Join(random.Next(4) == 0 ? "\r\n\n" : "\n", events) + (random.Next(2) == 0 ? "\n" : ""),
            };
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            bool damaged = random.Next(2) == 0;
            bytes = damaged ? Damage(bytes, random) : bytes;
            string type = form == 2 ? "application/x-ndjson" : random.Next(2) == 0 ? "application/json" : "text/plain";
            Body plain = new(Log, bytes, type, [])
            {
                Expected = damaged || form == 2 || events.Count == 0
                    ? null
                    : new Expectation(
                        [.. events.Where(IsEventText)], [.. events.Where(static one => !IsEventText(one))]),
                IsJudged = form != 2 && !damaged,
            };
            return random.Next(8) == 0 ? Encoded(plain, random) : plain;

            string Space() => spaces[random.Next(spaces.Length)];
        }

        private static string One(Random random) =>
            random.Next(3) == 0 ? Bad[random.Next(Bad.Length)] : Good[random.Next(Good.Length)];

        private static bool IsEventText(string text) => Good.Contains(text);

        private static byte[] Damage(byte[] bytes, Random random)
        {
            List<byte> damaged = [.. bytes];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                int at = random.Next(damaged.Count + 1);
                switch (random.Next(3))
                {
                    case 0:
                        damaged.InsertRange(at, Junk[random.Next(Junk.Length)]);
                        break;
                    case 1:
                        damaged.RemoveRange(at, Math.Min(random.Next(20), damaged.Count - at));
                        break;
                    default:
                        damaged.RemoveRange(at, damaged.Count - at);
                        break;
                }
            }

            return [.. damaged];
        }

        private static Body Encoded(Body plain, Random random)
        {
            string encoding = new[] { "gzip", "br", "deflate", "raw", "zstd" }[random.Next(5)];
            if (encoding == "zstd")
            {
                return new Body(plain.Path, plain.Bytes, plain.Type, [("Content-Encoding", "zstd")]);
            }

            byte[] bytes = CollectEncodingTests.Compress(plain.Bytes, encoding);
            bool damaged = random.Next(2) == 0;
            (string, string)[] headers = [("Content-Encoding", CollectEncodingTests.Name(encoding))];
            return damaged
                ? new Body(plain.Path, Damage(bytes, random), plain.Type, headers)
                : plain with { Bytes = bytes, Headers = headers };
        }
    }
}
