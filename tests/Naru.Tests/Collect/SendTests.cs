using System.IO.Compression;
using System.Net;
using System.Text;
using Naru.Cli.Send;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Sim;

namespace Naru.Tests.Collect;

/// <summary>`naru send` against a real server.</summary>
public sealed class SendTests : IDisposable
{
    private const string Log = "kr_shop.page_view";

    private readonly string _folder = Directory.CreateTempSubdirectory("naru-send-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_line_has_one_identity_however_the_file_is_cut()
    {
        string file = Write("events.ndjson", Lines(5000, "\r\n"));
        List<string> identities = [];
        foreach ((int batch, int parallel) in new[] { (1000, 4), (7, 1), (100_000, 2) })
        {
            await using CollectHost host = await CollectHost.StartAsync();
            SendRun run = await SendAsync(host, file, job => job with { Batch = batch, Parallel = parallel });
            Assert.Equal((5000, 5000, 0), (run.Counts.Sent, run.Counts.Accepted, run.Counts.Rejected));
            identities.Add(Identities(host));
        }

        Assert.Equal(identities[0], identities[1]);
        Assert.Equal(identities[0], identities[2]);
    }

    [Fact]
    public async Task A_compressed_file_is_sent_as_what_is_in_it()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        byte[] lines = Encoding.UTF8.GetBytes(Lines(500, "\n"));
        string file = Write("events.ndjson.gz", CollectEncodingTests.Compress(lines, "gzip"));
        SendRun run = await SendAsync(host, file);
        Assert.Equal(500, run.Counts.Accepted);
        File.WriteAllBytes(file, CollectEncodingTests.Compress(lines, "gzip")[..^20]);
        SendException broken = await Assert.ThrowsAsync<SendException>(() => SendAsync(host, file));
        Assert.Contains("damaged or ends early", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Csv_rows_become_objects_of_strings()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        string file = Write(
            "pages.csv",
            "\ufeff,page,\"say \"\"hi\"\"\",n\r\n0,/,\"a,\"\"b\"\"\nc\",1\r\n1,/cart,,9007199254740993\r\n"
            + "\r\n2,x\r\n3,가,\t,\r\n");
        SendRun run = await SendAsync(host, file);
        Assert.Equal(
            [
                (0, """{"page":"/","say \"hi\"":"a,\"b\"\u000ac","n":"1"}"""),
                (1, """{"page":"/cart","n":"9007199254740993"}"""),
                (2, "\"2,x\""),
                (3, """{"page":"가","say \"hi\"":"\u0009"}"""),
            ],
            host.Kept());
        Assert.Equal(
            [
                "1 column has no name in the header and was not sent",
                "1 rows do not fit the header; they were sent as they are, to be kept among the rejected",
            ],
            run.Notes);
    }

    [Fact]
    public async Task A_send_that_was_stopped_goes_on_where_every_line_before_is_acknowledged()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        string file = Write("events.ndjson", Lines(3000, "\n"));
        int left = 12;
        host.Topic.Refuse = () => Interlocked.Decrement(ref left) < 0 ? new TopicUnavailableException("full", 1) : null;
        await Assert.ThrowsAsync<SendException>(() => SendAsync(
            host, file, static job => job with { Batch = 100, Parallel = 3, GiveUpAfter = TimeSpan.Zero }));
        host.Topic.Refuse = null;
        SendRun rest = await SendAsync(host, file, static job => job with { Batch = 100, Resume = true });
        // Of three requests at once the first may be the one refused: then nothing before it is whole.
        Assert.InRange(rest.ResumedAt!.Value.Line, 0, 1200);
        Assert.Equal(0, rest.ResumedAt.Value.Line % 100);
        Assert.Equal(3000, host.Kept().Select(static kept => kept.Index).Distinct().Count());
        Assert.InRange(host.Kept().Count, 3000, 4200);
        SendRun again = await SendAsync(host, file, static job => job with { Resume = true });
        Assert.Null(again.ResumedAt);
        Assert.Equal(3000, again.Counts.Accepted);
    }

    [Fact]
    public async Task A_refusal_that_may_pass_is_waited_out()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        int refusals = 2;
        host.Topic.Refuse = () =>
            Interlocked.Decrement(ref refusals) >= 0 ? new TopicUnavailableException("full", 1) : null;
        SendRun run = await SendAsync(host, Write("events.ndjson", Lines(10, "\n")));
        Assert.Equal((10, 2), (run.Counts.Accepted, run.Counts.Retries));
    }

    [Theory]
    [InlineData("kr_shop.page_veiw", "there is no log 'kr_shop.page_veiw'", "did you mean 'kr_shop.page_view'?")]
    [InlineData("kr_other.x", "there is no log 'kr_other.x'", "`naru check`")]
    public async Task A_mistake_in_the_command_is_answered_with_its_mend(string log, string message, string hint)
    {
        await using CollectHost host = await CollectHost.StartAsync();
        SendException failure = await Assert.ThrowsAsync<SendException>(
            () => SendAsync(host, Write("events.ndjson", Lines(1, "\n")), job => job with { Log = log }));
        Assert.Equal(message, failure.Message);
        Assert.Contains(hint, failure.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Times_that_the_log_does_not_believe_are_told_with_the_setting()
    {
        await using CollectHost host = await CollectHost.StartAsync();
        string file = Write("old.csv", "page,event_time\n/,2019-11-24 00:01:03.979311+00:00\n/,2019-11-25 00:00:00\n");
        SendRun run = await SendAsync(host, file);
        string note = Assert.Single(run.Notes);
        Assert.Contains("go back to 2019-11-24", note, StringComparison.Ordinal);
        Assert.Contains("'max_past: unlimited' in logs/kr_shop.page_view.yaml", note, StringComparison.Ordinal);
        Assert.Contains("at most 7d", note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_impressions_of_the_field_are_sent_row_by_row()
    {
        string path = Path.Combine(
            AppContext.BaseDirectory, "../../../../../shared/data/ads/open_bandit_bts_men/impressions.csv");
        Assert.SkipUnless(File.Exists(path), "shared/data/ads/open_bandit_bts_men is not here");
        await using CollectHost host = await CollectHost.StartAsync();
        SendRun run = await SendAsync(host, path, static job => job with { Replay = true });
        Assert.Equal(10_000, run.Counts.Accepted);
        Assert.All(host.Topic.Batches, static batch => Assert.True(batch.Header.Flags.HasFlag(BatchFlags.History)));
        Assert.Contains("\"user-item_affinity_33\":\"0.0\"", host.Kept()[0].Text, StringComparison.Ordinal);
    }

    private static string Identities(CollectHost host) => string.Join('\n', host.Topic.Batches
        .SelectMany(static batch => batch.Records().Select(record =>
            $"{record.Index:D8} {batch.Header.KeyHigh:x}{batch.Header.KeyLow:x} "
            + $"{batch.Header.Flags & ~BatchFlags.Indexed} {Encoding.UTF8.GetString(batch.Sender)} "
            + $"{Encoding.UTF8.GetString(record.Bytes).Trim()}"))
        .Order(StringComparer.Ordinal));

    private static string Lines(int count, string end) => "\ufeff" + string.Concat(
        Enumerable.Range(0, count).Select(i => (i % 50 == 7 ? end : "") + $$"""{"page":"/{{i}}"}""" + end));

    private string Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    private string Write(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private async Task<SendRun> SendAsync(CollectHost host, string file, Func<SendJob, SendJob>? change = null)
    {
        SendJob job = new()
        {
            Log = Log,
            File = file,
            Format = SendFormat.Auto,
            Server = host.Http.BaseAddress!,
            Key = CollectHost.WriteKey,
            Source = Path.GetFileName(file),
            Parallel = 4,
            Batch = 1000,
        };
        string state = Path.Combine(_folder, "state");
        SendRun run = new(change?.Invoke(job) ?? job, new PosixFileSystem(), TimeProvider.System, state);
        await run.RunAsync(TestContext.Current.CancellationToken);
        return run;
    }
}
