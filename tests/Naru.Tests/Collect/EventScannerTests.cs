using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Naru.Collect;

namespace Naru.Tests.Collect;

/// <summary>The scanner against the framework's reader, which is slower and throws.</summary>
public class EventScannerTests
{
    private static readonly string[] Seeds =
    [
        """{"a":1,"b":[true,false,null],"c":{"d":"x\u00e9\n\ud83d\ude00"},"e":-1.5e+10,"f":0,"":""}""",
        """{"page":"/","_log":"kr_shop.page_view","n":12345678901234567890,"list":[[],{},[[1,2],[3]]]}""",
        """ { "k" : [ "\"\\\/\b\f\n\r\t" , 0.0 , 1e400 , -0 ] } """,
        """{"a":{"a":{"a":{"a":[{"a":[]}]}}}}""",
    ];

    private static readonly byte[] Alphabet = Encoding.UTF8.GetBytes("{}[]\",:\\u0d8f91e+-. \n\ttfnrue\x01\x7fé");

    [Fact]
    public void It_takes_and_refuses_what_the_frameworks_reader_takes_and_refuses()
    {
        int seed = TestSeed.Value;
        Random random = new(seed);
        EventKeys keys = new();
        for (int i = 0; i < 60_000; i++)
        {
            byte[] text = Mutate(Encoding.UTF8.GetBytes(Seeds[random.Next(Seeds.Length)]), random);
            string wanted = Framework(text);
            string actual = Scanned(text, keys);
            Assert.True(wanted == actual, $"{wanted} but {actual} (seed {seed}): {Encoding.UTF8.GetString(text)}");
        }
    }

    [Fact]
    public void Every_prefix_of_an_event_needs_more()
    {
        EventKeys keys = new();
        byte[] text = Encoding.UTF8.GetBytes(Seeds[0]);
        for (int i = 0; i < text.Length; i++)
        {
            EventScanner scanner = new(text.AsSpan(0, i), keys);
            Assert.Equal(ScanEnd.NeedMore, scanner.Scan());
        }
    }

    [Theory]
    [InlineData("""{"a":1,"a":2}""", "key twice")]
    [InlineData("""{"a":1,"\u0061":2}""", "key twice")]
    [InlineData("""{"\u00e9":1,"é":2}""", "key twice")]
    [InlineData("""{"a":"\ud800"}""", "surrogate")]
    [InlineData("""{"a":"\udc00\ud800"}""", "surrogate")]
    [InlineData("""{"a":"\ud800\u0041"}""", "surrogate")]
    [InlineData("""{"\ud800":1}""", "surrogate")]
    [InlineData("""[{"a":1}]""", "not a JSON object")]
    [InlineData("null", "not a JSON object")]
    public void A_fault_does_not_end_the_event(string text, string fault)
    {
        EventScanner scanner = new(Encoding.UTF8.GetBytes(text + ","), new EventKeys());
        Assert.Equal(ScanEnd.Complete, scanner.Scan());
        Assert.Equal(Encoding.UTF8.GetByteCount(text), scanner.Position);
        Assert.Contains(fault, scanner.Fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(32, "")]
    [InlineData(33, "32 levels")]
    [InlineData(100_000, "32 levels")]
    public void Depth_is_bounded_and_its_end_still_found(int depth, string fault)
    {
        string text = """{"a":""" + new string('[', depth - 1) + "\"]}\\\"\"" + new string(']', depth - 1) + "}";
        EventScanner scanner = new(Encoding.UTF8.GetBytes(text), new EventKeys());
        Assert.Equal(ScanEnd.Complete, scanner.Scan());
        Assert.Equal(text.Length, scanner.Position);
        Assert.Equal(fault.Length == 0, scanner.Fault.Length == 0);
        Assert.Contains(fault, scanner.Fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(512, true)]
    [InlineData(513, false)]
    [InlineData(100_000, false)]
    public void Properties_are_bounded(int count, bool accepted)
    {
        string text = "{" + string.Join(',', Enumerable.Range(0, count).Select(static i => $"\"k{i}\":1")) + "}";
        EventScanner scanner = new(Encoding.UTF8.GetBytes(text), new EventKeys());
        Assert.Equal(ScanEnd.Complete, scanner.Scan());
        Assert.Equal(accepted, scanner.Fault.Length == 0);
    }

    private static byte[] Mutate(byte[] text, Random random)
    {
        List<byte> bytes = [.. text];
        for (int i = random.Next(4); i > 0; i--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0:
                    bytes.RemoveAt(at);
                    break;
                case 1:
                    bytes.Insert(at, Alphabet[random.Next(Alphabet.Length)]);
                    break;
                case 2:
                    bytes[at] = Alphabet[random.Next(Alphabet.Length)];
                    break;
                default:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(12), bytes.Count - at)));
                    break;
            }
        }

        return [.. bytes];
    }

    private static string Scanned(byte[] text, EventKeys keys)
    {
        EventScanner scanner = new(text, keys);
        bool whole = scanner.Scan() == ScanEnd.Complete && text.AsSpan(scanner.Position).Trim(" \t\r\n"u8).IsEmpty;
        return !whole ? "broken" : scanner.Fault.Length > 0 ? "fault" : "event";
    }

    /// <summary>A value alone may be a number without an end: only objects are compared for their end.</summary>
    private static string Framework(byte[] text)
    {
        ReadOnlySpan<byte> trimmed = text.AsSpan().Trim(" \t\r\n"u8);
        bool number = !trimmed.IsEmpty && trimmed[0] is (byte)'-' or (>= (byte)'0' and <= (byte)'9');
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 1000 });
            if (number)
            {
                return "broken";
            }

            return document.RootElement.ValueKind != JsonValueKind.Object || !Utf8.IsValid(text) || Faulty(document)
                ? "fault"
                : "event";
        }
        catch (JsonException)
        {
            return "broken";
        }
    }

    private static bool Faulty(JsonDocument document)
    {
        try
        {
            string[] names = [.. document.RootElement.EnumerateObject().Select(static property => property.Name)];
            Visit(document.RootElement);
            return names.Distinct(StringComparer.Ordinal).Count() != names.Length;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair.
            return true;
        }
    }

    private static void Visit(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray())
                {
                    Visit(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    _ = property.Name;
                    Visit(property.Value);
                }

                break;
        }
    }
}
