using System.Net;
using System.Text;
using Naru.Core.Topics;
using Naru.Sim;

namespace Naru.Tests.Collect;

/// <summary>The forms of a body and what becomes of their events.</summary>
public class CollectTests
{
    private const string Path = "/v1/events/kr_shop.page_view";
    private const string Lines = "application/x-ndjson";

    [Fact]
    public async Task A_single_event_is_durable_when_it_is_acknowledged()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        Answer answer = await host.PostAsync(Path, """{"page":"/"}""");
        Assert.Equal("""{"accepted":1,"rejected":[],"ids":"server"}""", answer.Text);
        KeptBatch batch = Assert.Single(host.Topic.Batches);
        Assert.Equal((1, 3), (batch.Header.LogId, batch.Header.LogVersion));
        Assert.Equal("shop", Encoding.UTF8.GetString(batch.Sender));
        Assert.Equal(BatchFlags.ServerKey, batch.Header.Flags);
        Assert.Equal("""{"page":"/"}""", Encoding.UTF8.GetString(batch.Body));
    }

    [Fact]
    public async Task An_array_keeps_its_good_events_and_lists_the_bad_ones()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        Answer answer = await host.PostAsync(Path, """[{"a":1}, 7 ,{"b":1,"b":2},{"c":"\ud800"}, {"d":[{}]} ]""");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(2, answer.Accepted);
        Assert.Equal([1, 2, 3], answer.Rejected.Select(static rejected => rejected.Index));
        Assert.All(answer.Rejected, static rejected => Assert.Equal("malformed", rejected.Reason));
        Assert.Equal([(0, """{"a":1}"""), (4, """{"d":[{}]}""")], host.Kept());
        Assert.Equal(
            ["7", """{"b":1,"b":2}""", """{"c":"\ud800"}"""],
            host.KeptRejected().OrderBy(static kept => kept.Index).Select(static kept => kept.Text));
    }

    [Fact]
    public async Task Lines_are_kept_as_they_came_and_blank_ones_are_skipped()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        Answer answer = await host.PostAsync(Path, "\ufeff{\"a\":1}\r\n\n  \n {\"b\":2}\nnot json\n{\"c\":3}", Lines);
        Assert.Equal("""{"accepted":4,"rejected":[],"ids":"own_or_server"}""", answer.Text);
        Assert.Equal([(0, """{"a":1}"""), (3, """{"b":2}"""), (4, "not json"), (5, """{"c":3}""")], host.Kept());
    }
}
