using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Stream.Decode;

namespace Naru.Tests.Stream;

/// <summary>Our scanner and the framework's reader agree on what is an event and on every value of it.</summary>
public sealed class JsonDifferenceTests(ITestOutputHelper output)
{
    private static readonly FieldDefinition[] Fields =
    [
        DecodeBench.Field("k0", ColumnType.Json),
        DecodeBench.Field("k1", ColumnType.Json),
        DecodeBench.Field("k2", ColumnType.Json) with { Sensitive = true },
        DecodeBench.Field("empty", ColumnType.Json) with { Key = "" },
        DecodeBench.Field("quote", ColumnType.Json) with { Key = "\"" },
        DecodeBench.Field("face", ColumnType.Json) with { Key = "😀" },
        DecodeBench.Field("text", ColumnType.String),
        DecodeBench.Field("whole", ColumnType.Int64),
        DecodeBench.Field("money", ColumnType.Decimal(18, 6)),
        DecodeBench.Field("real", ColumnType.Double),
        DecodeBench.Field("flag", ColumnType.Boolean),
        DecodeBench.Field("list", ColumnType.StringArray),
    ];

    [Fact]
    [Trait("Size", "Slow")]
    public void They_agree_on_200_000_bodies() => Compare(200_000);

    [Fact]
    [Trait("Size", "Long")]
    public void They_agree_on_20_000_000_bodies() => Compare(20_000_000);

    [Fact]
    public void They_agree_on_every_prefix_and_every_changed_byte_of_an_event()
    {
        byte[] record = Encoding.UTF8.GetBytes("""
             {"k0":{"a":[1,-0.5e+3,{"b":"\u00e9\\"}],"c":null},"text":"한국어 \ud83d\ude00 text of more than 32 bytes",
              "flag":true, "k2" : [ ] }
            """);
        using Comparison comparison = new();
        for (int length = 0; length < record.Length; length++)
        {
            comparison.Check(record[..length]);
        }

        for (int at = 0; at < record.Length; at++)
        {
            byte before = record[at];
            for (int value = 0; value < 256; value++)
            {
                record[at] = (byte)value;
                comparison.Check(record);
            }

            record[at] = before;
        }

        Assert.InRange(comparison.Malformed, 10_000, comparison.Count - 4_000);
    }

    private void Compare(int count)
    {
        Random random = TestSeed.Random(out int seed);
        JsonMaker maker = new(random);
        Comparison comparison = new();
        for (int i = 0; i < count; i++)
        {
            byte[] body = maker.Next();
            try
            {
                comparison.Check(body);
            }
            catch (Exception exception)
            {
                string text = Encoding.UTF8.GetString(body);
                Assert.Fail($"seed {seed}, body {i}: {text}\n{Convert.ToHexString(body)}\n{exception.Message}");
            }

            if (i % 10_000 == 9_999)
            {
                comparison = comparison.Renewed();
            }
        }

        output.WriteLine(
            $"{comparison.Count} bodies: {comparison.Malformed} malformed, {comparison.Rejected} rejected for a value");
        Assert.InRange(comparison.Malformed, count / 10, count * 6 / 10);
        Assert.InRange(comparison.Count - comparison.Malformed - comparison.Rejected, count / 10, count);
        comparison.Dispose();
    }

    private sealed class Comparison : IDisposable
    {
        private readonly DecodeBench _bench = new(DecodeBench.Log(Fields));

        public int Count { get; private set; }

        public int Malformed { get; private set; }

        public int Rejected { get; private set; }

        public Comparison Renewed()
        {
            Dispose();
            return new Comparison { Count = Count, Malformed = Malformed, Rejected = Rejected };
        }

        public void Check(byte[] body)
        {
            Dictionary<string, string>? expected = JsonReference.Read(body);
            bool decoded = _bench.TryDecode(body, DecodeBench.Header(), out Rejection rejection);
            Count++;
            Assert.Equal(expected is null, rejection.Reason == RejectReason.Malformed);
            if (expected is null)
            {
                Malformed++;
                return;
            }

            Assert.Equal(Fields.All(field => Expect(field.Key, expected) is not "rejected"), decoded);
            if (!decoded)
            {
                Rejected++;
                return;
            }

            foreach (FieldDefinition field in Fields)
            {
                if (!field.Sensitive)
                {
                    Assert.Equal(Expect(field.Key, expected), _bench.Value(field.Name));
                }
            }

            CheckRaw(expected);
        }

        public void Dispose() => _bench.Dispose();

        private void CheckRaw(Dictionary<string, string> expected)
        {
            Dictionary<string, string>? raw = JsonReference.Read(Encoding.UTF8.GetBytes(_bench.RawPayload()));
            Assert.NotNull(raw);
            expected.Remove("k2");
            Assert.Equal(expected, raw);
        }

        private static string Expect(string key, Dictionary<string, string> members)
        {
            if (!members.TryGetValue(key, out string? raw) || raw == "null")
            {
                return "null";
            }

            FieldDefinition field = Fields.Single(field => field.Key == key);
            using JsonDocument document = JsonDocument.Parse(raw);
            JsonElement value = document.RootElement;
            return field.Type.Kind switch
            {
                ColumnKind.Json => raw,
                ColumnKind.String => value.ValueKind == JsonValueKind.String ? value.GetString()! : "rejected",
                ColumnKind.Int64 => Whole(value, 0, 19),
                ColumnKind.Decimal => Whole(value, 6, 18),
                ColumnKind.Double => Real(value),
                ColumnKind.Boolean => Flag(value),
                _ => List(value),
            };
        }

        private static string? TextOf(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.Number => value.GetRawText(),
            JsonValueKind.String => value.GetString(),
            _ => null,
        };

        private static string Whole(JsonElement value, int scale, int digits)
        {
            if (TextOf(value) is not { } text
                || ExactNumber.Parse(Encoding.UTF8.GetBytes(text), out ExactNumber number) != NumberText.Number
                || !number.TryScale(scale, out Int128 unscaled))
            {
                return "rejected";
            }

            bool fits = digits == 19
                ? unscaled >= long.MinValue && unscaled <= long.MaxValue
                : BigInteger.Abs(unscaled) < BigInteger.Pow(10, digits);
            return fits ? unscaled.ToString(CultureInfo.InvariantCulture) : "rejected";
        }

        private static string Real(JsonElement value)
        {
            if (TextOf(value) is not { } text
                || ExactNumber.Parse(Encoding.UTF8.GetBytes(text), out _) == NumberText.NotANumber)
            {
                return "rejected";
            }

            double real = double.Parse(text, CultureInfo.InvariantCulture);
            return double.IsFinite(real) ? $"{real:R}" : "rejected";
        }

        private static string Flag(JsonElement value) => (value.ValueKind, value.ToString().ToUpperInvariant()) switch
        {
            (JsonValueKind.True, _) or (JsonValueKind.String, "TRUE") => "true",
            (JsonValueKind.False, _) or (JsonValueKind.String, "FALSE") => "false",
            _ => "rejected",
        };

        private static string List(JsonElement value) =>
            value.ValueKind != JsonValueKind.Array
            || value.EnumerateArray().Any(static item => item.ValueKind != JsonValueKind.String)
                ? "rejected"
                : "[" + string.Join("|", value.EnumerateArray().Select(static item => item.GetString())) + "]";
    }
}
