using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Naru.Collect;

namespace Naru.Cli.Send;

/// <summary>What one acknowledged block came to.</summary>
internal sealed record BlockAnswer(int Accepted, int Rejected, IReadOnlyList<SendRejection> Rejections)
{
    public int Landed { get; init; }

    public int Duplicates { get; init; }

    public int RejectedInLake { get; init; }
}

/// <summary>
/// Sends blocks until they are acknowledged. What may pass is tried again with growing pauses: no connection, a time-
/// out, a body that broke on the way, 429 and 5xx (as long as the server says to wait). A line's id comes from its
/// source, number and bytes, so a block that was received and not answered does not land twice.
/// </summary>
internal sealed class BlockSender : IDisposable
{
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(150);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(20);

    private readonly HttpClient _http;
    private readonly SendJob _job;
    private readonly SendCounts _counts;
    private readonly TimeProvider _time;
    private readonly string _path;

    public BlockSender(SendJob job, SendCounts counts, TimeProvider time)
    {
        _job = job;
        _counts = counts;
        _time = time;
        List<string> query = [];
        if (job.AwaitLanding)
        {
            query.Add("ack=lake");
        }

        if (job.Validate)
        {
            query.Add("validate=true");
        }

        _path = $"/v1/events/{Uri.EscapeDataString(job.Log)}{(query.Count > 0 ? "?" : "")}{string.Join('&', query)}";
        SocketsHttpHandler handler = new()
        {
            // Names of files may be in any script.
            RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        };
        _http = new HttpClient(handler) { BaseAddress = job.Server, Timeout = Timeout.InfiniteTimeSpan };
        if (job.Key is { Length: > 0 } key)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }
    }

    /// <summary>What the server knows of the log.</summary>
    public async Task<JsonElement> AskLogAsync(CancellationToken cancellationToken)
    {
        Attempt answer = await PersistAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"/v1/logs/{Uri.EscapeDataString(_job.Log)}"),
            cancellationToken).ConfigureAwait(false);
        return answer.Json;
    }

    public async Task<BlockAnswer> SendAsync(SendBlock block, CancellationToken cancellationToken)
    {
        Attempt answer = await PersistAsync(() => Request(block), cancellationToken).ConfigureAwait(false);
        BlockAnswer result = Read(answer.Json, block);
        return result.Accepted + result.Rejected == block.Events
            ? result
            : throw new SendException(
                $"the server acknowledged {result.Accepted + result.Rejected} of {block.Events} events",
                "is there a proxy in between that changes bodies?");
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(SendBlock block)
    {
        long group = block.FirstLine / BlockSource.GroupLines;
        string batch = group == 0 ? _job.Source : string.Create(CultureInfo.InvariantCulture, $"{_job.Source}#{group}");
        HttpRequestMessage request = new(HttpMethod.Post, _path) { Content = new ReadOnlyMemoryContent(block.Body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        request.Headers.TryAddWithoutValidation(CollectHeaders.Source, _job.Source);
        request.Headers.TryAddWithoutValidation(CollectHeaders.Batch, batch);
        request.Headers.TryAddWithoutValidation(
            CollectHeaders.FirstLine,
            (block.FirstLine % BlockSource.GroupLines).ToString(CultureInfo.InvariantCulture));
        if (_job.Replay)
        {
            request.Headers.TryAddWithoutValidation(CollectHeaders.History, "true");
        }

        return request;
    }

    /// <summary>Tries until there is an answer that stands.</summary>
    private async Task<Attempt> PersistAsync(Func<HttpRequestMessage> request, CancellationToken cancellationToken)
    {
        long started = _time.GetTimestamp();
        TimeSpan pause = FirstPause;
        while (true)
        {
            Attempt attempt = await TryAsync(request, cancellationToken).ConfigureAwait(false);
            if (attempt.Failure is null)
            {
                return attempt;
            }

            if (!attempt.MayPass || _time.GetElapsedTime(started) > _job.GiveUpAfter)
            {
                throw attempt.Failure;
            }

            _counts.Retry();
            TimeSpan wait = attempt.RetryAfter ?? pause;
            await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async Task<Attempt> TryAsync(Func<HttpRequestMessage> make, CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = new(AttemptTimeout, _time);
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            using HttpRequestMessage request = make();
            using HttpResponseMessage response = await _http.SendAsync(request, either.Token).ConfigureAwait(false);
            byte[] body = await response.Content.ReadAsByteArrayAsync(either.Token).ConfigureAwait(false);
            return Judge(response, body);
        }
        catch (HttpRequestException exception)
        {
            return Attempt.Failed(NoAnswer(exception.Message), mayPass: true);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Attempt.Failed(NoAnswer("it takes too long"), mayPass: true);
        }
    }

    private SendException NoAnswer(string why) => new(
        $"no answer from {_job.Server}: {why}", "start the platform with `naru up`, or name it with --server");

    private static Attempt Judge(HttpResponseMessage response, byte[] body)
    {
        JsonElement json = Parse(body);
        if (response.StatusCode == HttpStatusCode.OK && json.ValueKind == JsonValueKind.Object)
        {
            return new Attempt(json, null, false, null);
        }

        (string code, string message, string hint) = Error(json, response);
        bool mayPass = response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout
            || (int)response.StatusCode >= 500
            || code is "broken_body" or "broken_encoding";
        return new Attempt(json, new SendException(message, hint), mayPass, response.Headers.RetryAfter?.Delta);
    }

    private static (string Code, string Message, string Hint) Error(JsonElement json, HttpResponseMessage response) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty("error", out JsonElement error)
            ? (Text(error, "code"), Text(error, "message"), Text(error, "hint"))
            : ("", $"the server answered {(int)response.StatusCode}", "is this the address of a Naru server?");

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) ? value.GetString() ?? "" : "";

    private static JsonElement Parse(byte[] body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return default;
        }
    }

    private static BlockAnswer Read(JsonElement json, SendBlock block)
    {
        long group = block.FirstLine - (block.FirstLine % BlockSource.GroupLines);
        List<SendRejection> rejections = [];
        foreach (JsonElement item in json.GetProperty("rejected").EnumerateArray())
        {
            rejections.Add(new SendRejection(
                group + item.GetProperty("index").GetInt64() + 1, Text(item, "reason"), Text(item, "message")));
        }

        int rejected = json.TryGetProperty("rejected_count", out JsonElement count)
            ? count.GetInt32()
            : rejections.Count;
        BlockAnswer answer = new(json.GetProperty("accepted").GetInt32(), rejected, rejections);
        return json.TryGetProperty("lake", out JsonElement lake)
            ? answer with
            {
                Landed = lake.GetProperty("landed").GetInt32(),
                Duplicates = lake.GetProperty("duplicate").GetInt32(),
                RejectedInLake = lake.GetProperty("rejected").GetInt32(),
            }
            : answer;
    }

    private readonly record struct Attempt(JsonElement Json, SendException? Failure, bool MayPass, TimeSpan? RetryAfter)
    {
        public static Attempt Failed(SendException failure, bool mayPass) => new(default, failure, mayPass, null);
    }
}
