using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Naru.Exports;

namespace Naru.Tests.Exports;

/// <summary>Exports to a service that fails in every way.</summary>
public sealed class HttpExportTests : IDisposable
{
    private const string Secret = "canary-signing";
    private readonly ExportSite _site = new();

    public HttpExportTests() => File.WriteAllText($"{_site.Root}/secret", Secret);

    public void Dispose() => _site.Dispose();

    [Fact]
    public async Task Batches_are_signed_and_the_same_rows_have_the_same_keys()
    {
        await using Receiver receiver = await Receiver.StartAsync();
        ExportDefinition export = Define(receiver, "append", "batch_rows: 3");
        _site.Rows = "SELECT range AS id, 'n' || range AS name FROM range(7)";
        Assert.Equal(7, (await _site.SendAsync(export, "2026-03-01")).Rows);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], receiver.Ids());
        Assert.Equal(3, receiver.Taken.Count);
        Assert.All(receiver.Posts, static post => Assert.True(post.IsSigned));

        // In another order, over again: no batch is new.
        _site.Rows = "SELECT 6 - range AS id, 'n' || (6 - range) AS name FROM range(7)";
        await _site.SendAsync(export, "2026-03-01");
        Assert.Equal(3, receiver.Taken.Count);
        Assert.Equal(6, receiver.Posts.Count);
    }

    [Fact]
    public async Task What_passes_is_tried_again_and_what_was_cut_off_is_taken_once()
    {
        await using Receiver receiver = await Receiver.StartAsync();
        ExportDefinition export = Define(receiver, "append", "batch_rows: 2, timeout: 1s");
        _site.Rows = "SELECT range AS id, '' AS name FROM range(6)";
        foreach (string failure in (string[])["429", "500", "cut", "after", "hang"])
        {
            receiver.Failures.Enqueue(failure);
        }

        Assert.Equal(6, (await _site.SendAsync(export, "2026-03-01")).Rows);
        Assert.Equal([0, 1, 2, 3, 4, 5], receiver.Ids());
        Assert.Empty(receiver.Failures);
    }

    [Fact]
    public async Task A_receiver_that_dies_fails_the_interval_and_given_again_every_row_is_there_once()
    {
        await using Receiver receiver = await Receiver.StartAsync();
        ExportDefinition export = Define(receiver, "append", "batch_rows: 2, tries: 1");
        _site.Rows = "SELECT range AS id, '' AS name FROM range(12)";
        for (int failing = 0; failing < 6; failing++)
        {
            for (int ok = 0; ok < failing; ok++)
            {
                receiver.Failures.Enqueue("");
            }

            receiver.Failures.Enqueue(failing % 2 == 0 ? "after" : "500");
            Assert.DoesNotContain(Secret, await _site.RefusedAsync(export, "2026-03-01"));
        }

        await _site.SendAsync(export, "2026-03-01");
        Assert.Equal(Enumerable.Range(0, 12), receiver.Ids());
    }

    [Fact]
    public async Task Rows_that_are_refused_are_found_and_a_mirror_says_what_is_gone()
    {
        await using Receiver receiver = await Receiver.StartAsync();
        ExportDefinition export = Define(receiver, "mirror", "format: ndjson", "key: id");
        receiver.Refused = "\"bad\"";
        _site.Rows = "SELECT range AS id, CASE WHEN range = 77 THEN 'bad' ELSE 'ok' END AS name FROM range(100)";
        ExportTally tally = await _site.SendAsync(export, "2026-03-01");
        Assert.Equal((99, 1), (tally.Rows, _site.Last.Failed));
        Assert.Contains("answered 422: no such name", _site.Last.Warning);
        receiver.Refused = null;
        _site.Rows = "SELECT range AS id, CASE WHEN range = 77 THEN 'bad' ELSE 'ok' END AS name FROM range(2, 100)";
        tally = await _site.SendAsync(export, "2026-03-02");
        Assert.Equal((1, 2), (tally.Rows, tally.Deleted));
        Assert.Equal([0, 1], receiver.Ids("delete"));
    }

    [Fact]
    public void Secrets_are_references_and_never_repeated()
    {
        Xunit.Sdk.XunitException told = Assert.ThrowsAny<Xunit.Sdk.XunitException>(static () => ExportSite.Define("""
            export: orders
            owner: local
            mode: append
            sql: SELECT 1 AS id
            target: {kind: http, url: "https://user:canary@example.com/x", secret: canary, token: canary}
            """));
        Assert.Contains("'secret' of the target of kind http: it is no reference to a secret", told.Message);
        Assert.Contains("'url' is no plain address", told.Message);
        Assert.DoesNotContain("canary", told.Message);
    }

    private static ExportDefinition Define(Receiver receiver, string mode, string more, string key = "") =>
        ExportSite.Define($$"""
            export: orders
            owner: local
            mode: {{mode}}
            {{key}}
            sql: SELECT 1::BIGINT AS id, '' AS name
            target: {kind: http, url: "{{receiver.Url}}", secret: file:secret, {{more}}}
            """);

    private sealed record Post(string Key, string Operation, bool IsSigned);

    /// <summary>Takes each key once; fails as it is told, one word a request.</summary>
    private sealed class Receiver : IAsyncDisposable
    {
        private readonly WebApplication _application;

        private Receiver(WebApplication application) => _application = application;

        public string Url => _application.Urls.First() + "/rows";

        public ConcurrentQueue<string> Failures { get; } = new();

        public ConcurrentQueue<Post> Posts { get; } = new();

        public ConcurrentDictionary<string, (string Operation, string Body)> Taken { get; } = new();

        /// <summary>Bodies with this text are refused.</summary>
        public string? Refused { get; set; }

        public static async Task<Receiver> StartAsync()
        {
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
            WebApplication application = builder.Build();
            Receiver receiver = new(application);
            application.MapPost("/rows", receiver.TakeAsync);
            await application.StartAsync(TestContext.Current.CancellationToken);
            return receiver;
        }

        /// <summary>Of all batches that were taken.</summary>
        public IEnumerable<int> Ids(string operation = "put") => Taken.Values
            .Where(taken => taken.Operation == operation)
            .SelectMany(static taken => taken.Body.StartsWith("{\"export\"", StringComparison.Ordinal)
                ? [.. JsonDocument.Parse(taken.Body).RootElement.GetProperty("rows").EnumerateArray()]
                : taken.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Select(static line => JsonDocument.Parse(line).RootElement).ToArray())
            .Select(static row => row.GetProperty("id").GetInt32()).Order();

        public async ValueTask DisposeAsync() => await _application.DisposeAsync();

        private async Task TakeAsync(HttpContext http)
        {
            Failures.TryDequeue(out string? failure);
            if (failure == "cut")
            {
                http.Abort();
                return;
            }

            using StreamReader reader = new(http.Request.Body);
            string body = await reader.ReadToEndAsync(http.RequestAborted);
            string key = http.Request.Headers["Idempotency-Key"]!;
            string operation = http.Request.Headers["Naru-Operation"]!;
            Posts.Enqueue(new Post(key, operation, IsSigned(http.Request.Headers["Naru-Signature"]!, body)));
            switch (failure)
            {
                case "429":
                    http.Response.StatusCode = 429;
                    http.Response.Headers.RetryAfter = "0";
                    return;
                case "500":
                    http.Response.StatusCode = 500;
                    return;
                case "hang":
                    await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(
                        static _ => { }, TaskScheduler.Default);
                    return;
                default:
                    break;
            }

            if (Refused is { } refused && body.Contains(refused, StringComparison.Ordinal))
            {
                http.Response.StatusCode = 422;
                await http.Response.WriteAsync("no such name");
                return;
            }

            Taken.TryAdd(key, (operation, body));
            if (failure == "after")
            {
                http.Abort();
            }
        }

        private static bool IsSigned(string signature, string body)
        {
            string time = signature[2..signature.IndexOf(',')];
            byte[] expected = HMACSHA256.HashData(
                Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes($"{time}.{body}"));
            return signature == $"t={time},v1={Convert.ToHexStringLower(expected)}";
        }
    }
}
