using System.IO.Compression;
using System.Text;
using Naru.Collect;

namespace Naru.Tests.Collect;

/// <summary>Compressed bodies: whole, shortened, damaged, and bombs.</summary>
public class CollectEncodingTests
{
    private const string Path = "/v1/events/kr_shop.page_view";
    private const string Lines = "application/x-ndjson";

    private static readonly string[] Encodings = ["gzip", "br", "deflate", "raw"];

    public static TheoryData<string> AllEncodings => [.. Encodings];

    [Theory]
    [MemberData(nameof(AllEncodings))]
    public async Task A_compressed_body_is_read_as_if_it_were_plain(string encoding)
    {
        await using CollectHost host = await CollectHost.StartAsync();
        string[] events = [.. Enumerable.Range(0, 20_000).Select(static i => $$"""{"page":"/{{i}}","n":{{i}}}""")];
        byte[] body = Compress(Encoding.UTF8.GetBytes(string.Join('\n', events)), encoding);
        Answer answer = await host.PostAsync(Path, body, Lines, ("Content-Encoding", Name(encoding)));
        Assert.Equal((200, events.Length), (answer.Code, answer.Accepted));
        Assert.Equal(events, host.Kept().OrderBy(static kept => kept.Index).Select(static kept => kept.Text));
    }

    [Theory]
    [MemberData(nameof(AllEncodings))]
    public async Task A_shortened_body_is_refused_wherever_it_ends(string encoding)
    {
        await using CollectHost host = await CollectHost.StartAsync();
        byte[] body = Compress(Encoding.UTF8.GetBytes("""[{"page":"/"},{"page":"/cart"}]"""), encoding);
        for (int length = 1; length < body.Length; length++)
        {
            Answer answer = await host.PostAsync(
                Path, body[..length], "application/json", ("Content-Encoding", Name(encoding)));
            Assert.True(
                answer is { Code: 400, Error: "broken_encoding" },
                $"{length} of {body.Length}: {answer.Code} {answer.Text}");
        }

        Assert.Empty(host.Topic.Batches);
        Assert.Empty(host.Logs.Lines);
    }

    [Theory]
    [MemberData(nameof(AllEncodings))]
    public async Task A_bomb_is_stopped_at_the_limit(string encoding)
    {
        await using CollectHost host = await CollectHost.StartAsync();
        byte[] bomb = Compress(new byte[64 << 20], encoding);
        Answer answer = await host.PostAsync(Path, bomb, "application/json", ("Content-Encoding", Name(encoding)));
        Assert.Contains(answer.Error, new[] { "event_too_large", "body_too_large" });
        Assert.Equal(413, answer.Code);
        byte[] lines = Compress(Encoding.UTF8.GetBytes(new string('\n', 64 << 20)), encoding);
        Answer blank = await host.PostAsync(Path, lines, Lines, ("Content-Encoding", Name(encoding)));
        Assert.Equal((413, "body_too_large"), (blank.Code, blank.Error));
        Assert.Empty(host.Topic.Batches);
    }

    [Fact]
    public async Task A_zlib_stream_that_asks_for_a_dictionary_is_refused()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        byte[] body = [0x78, 0xBB, 0x11, 0x22, 0x33, 0x44, 0x4B, 0x4C, 0x04, 0x00];
        Answer answer = await host.PostAsync(Path, body, "application/json", ("Content-Encoding", "deflate"));
        Assert.Equal((400, "broken_encoding"), (answer.Code, answer.Error));
        Assert.Empty(host.Logs.Lines);
    }

    [Fact]
    public async Task What_was_durable_before_a_body_broke_stays_and_is_counted()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        Random random = new(5);
        string[] events =
        [
            .. Enumerable.Range(0, 30_000).Select(_ => $$"""{"page":"{{Convert.ToHexString(RandomBytes(random))}}"}"""),
        ];
        byte[] body = Compress(Encoding.UTF8.GetBytes(string.Join('\n', events)), "gzip");
        Answer answer = await host.PostAsync(Path, body[..(body.Length * 3 / 4)], Lines, ("Content-Encoding", "gzip"));
        Assert.Equal((400, "broken_encoding"), (answer.Code, answer.Error));
        Assert.InRange(answer.Accepted, 1, events.Length);
        Assert.Equal(answer.Accepted, host.Kept().Count);
        Assert.Equal(
            events[..answer.Accepted], host.Kept().OrderBy(static kept => kept.Index).Select(static kept => kept.Text));
    }

    internal static string Name(string encoding) => encoding == "raw" ? "deflate" : encoding;

    internal static byte[] Compress(byte[] body, string encoding)
    {
        using MemoryStream target = new();
        using (System.IO.Stream stream = encoding switch
        {
            "gzip" => new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true),
            "br" => new BrotliStream(target, CompressionLevel.Fastest, leaveOpen: true),
            "deflate" => new ZLibStream(target, CompressionLevel.Fastest, leaveOpen: true),
            _ => new DeflateStream(target, CompressionLevel.Fastest, leaveOpen: true),
        })
        {
            stream.Write(body);
        }

        return target.ToArray();
    }

    private static byte[] RandomBytes(Random random)
    {
        byte[] bytes = new byte[100];
        random.NextBytes(bytes);
        return bytes;
    }
}
