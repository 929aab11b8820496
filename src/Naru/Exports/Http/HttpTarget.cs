using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Naru.Lake.DuckDb;
using Naru.Models;
using Naru.Watch.Alerts;

namespace Naru.Exports.Http;

/// <summary>
/// Posts an interval in batches. Each has an `Idempotency-Key` that is the same whenever the same rows are sent again,
/// so that a receiver that keeps the keys it has seen takes each batch once. What passes (429, 5xx, no answer) is tried
/// again, after `Retry-After` where it is said; a batch that is refused for its rows (400, 413, 422) is halved down to
/// those rows.
/// </summary>
internal sealed class HttpTarget : IExportTarget
{
    private const int AnswerBytesMax = 64 << 10;
    private const int BodyBytesMax = 4 << 20;
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    private readonly HttpTargetDefinition _target;
    private readonly HttpSecrets _secrets;
    private readonly TargetTools _tools;
    private readonly HttpClient _http;
    private long _bytes;

    public HttpTarget(HttpTargetDefinition target, HttpSecrets secrets, TargetTools tools)
    {
        (_target, _secrets, _tools) = (target, secrets, tools);
        _http = new HttpClient(WebhookSender.Handler(tools.AllowPrivate, ConnectTimeout))
        {
            Timeout = target.Timeout, MaxResponseContentBufferSize = AnswerBytesMax,
        };
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    public async Task<ExportTally> SendAsync(ExportJob job, CancellationToken cancellationToken)
    {
        HeldRows held = HeldRows.Begin(job);
        long put = await SendAsync(job, "put", held.Puts, cancellationToken).ConfigureAwait(false);
        long removed = held.Removes
            ? await SendAsync(job, "delete", RowSet.Removed, cancellationToken).ConfigureAwait(false) : 0;
        held.End();
        return new ExportTally(put, put, 0, removed, _bytes);
    }

    private async Task<long> SendAsync(
        ExportJob job, string operation, RowSet set, CancellationToken cancellationToken)
    {
        long sent = 0;
        List<BatchRow> batch = [];
        int bytes = 0;
        using DuckDbResult typed = job.Rows.Typed(set);
        foreach ((long number, ReadOnlyMemory<byte> text) in
            new RowText(RowForm.Ndjson, _tools.Zone, guard: false).Write(typed))
        {
            if (job.Rows.IsBad(number))
            {
                continue;
            }

            if (batch.Count == _target.BatchRows || (bytes + text.Length > BodyBytesMax && batch.Count > 0))
            {
                sent += await SendAsync(job, operation, batch, cancellationToken).ConfigureAwait(false);
                batch.Clear();
                bytes = 0;
            }

            batch.Add(new BatchRow(number, text));
            bytes += text.Length;
        }

        return batch.Count == 0
            ? sent : sent + await SendAsync(job, operation, batch, cancellationToken).ConfigureAwait(false);
    }

    private async Task<long> SendAsync(
        ExportJob job, string operation, List<BatchRow> batch, CancellationToken cancellationToken)
    {
        if (await PostAsync(job, operation, batch, cancellationToken).ConfigureAwait(false) is not { } refusal)
        {
            return batch.Count;
        }

        if (batch.Count == 1)
        {
            job.Rows.Reject(batch[0].Number, refusal);
            return 0;
        }

        int half = batch.Count / 2;
        long first = await SendAsync(job, operation, batch[..half], cancellationToken).ConfigureAwait(false);
        return first + await SendAsync(job, operation, batch[half..], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Null when it was taken; else why its rows were not.</summary>
    private async Task<string?> PostAsync(
        ExportJob job, string operation, List<BatchRow> batch, CancellationToken cancellationToken)
    {
        byte[] body = BodyOf(job, operation, batch);
        TimeSpan pause = TimeSpan.FromSeconds(1);
        for (int tries = 1; ; tries++)
        {
            (string problem, TimeSpan? after) = ("", null);
            try
            {
                using HttpRequestMessage request = Request(job, operation, body);
                using HttpResponseMessage answer = await _http.SendAsync(request, cancellationToken)
                    .ConfigureAwait(false);
                _bytes += body.Length;
                if (answer.IsSuccessStatusCode)
                {
                    return null;
                }

                problem = $"{_target.Place} answered {(int)answer.StatusCode}";
                after = PauseOf(answer.Headers.RetryAfter);
                switch (answer.StatusCode)
                {
                    case HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge
                        or HttpStatusCode.UnprocessableEntity:
                        return $"{problem}: {await BeginOfAsync(answer, cancellationToken).ConfigureAwait(false)}";
                    case HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout or >= (HttpStatusCode)500:
                        break;
                    default:
                        throw new FillException(problem);
                }
            }
            catch (HttpRequestException exception)
            {
                problem = exception.InnerException is ForbiddenAddressException
                    ? throw new FillException(
                        $"{_target.Place} is private or this machine; 'allow_private: true' in section 'watch' lets it "
                        + "be")
                    : $"{_target.Place} does not answer ({exception.HttpRequestError})";
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                problem = $"{_target.Place} does not answer within {_target.Timeout.TotalSeconds:0.#} seconds";
            }

            if (tries == _target.Tries)
            {
                throw new FillException(string.Create(
                    CultureInfo.InvariantCulture, $"{problem}; tried {tries} {(tries == 1 ? "time" : "times")}"));
            }

            TimeSpan wait = after ?? pause;
            await Task.Delay(wait < LongestPause ? wait : LongestPause, _tools.Time, cancellationToken)
                .ConfigureAwait(false);
            pause *= 2;
        }
    }

    private HttpRequestMessage Request(ExportJob job, string operation, byte[] body)
    {
        HttpRequestMessage request = new(HttpMethod.Post, _secrets.Address)
        {
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(
            _target.Lines ? "application/x-ndjson" : "application/json");
        byte[] key = SHA256.HashData(
            [.. Encoding.UTF8.GetBytes($"{job.Export.Name}\n{job.Interval}\n{operation}\n"), .. body]);
        request.Headers.Add("Idempotency-Key", Convert.ToHexStringLower(key));
        request.Headers.Add("Naru-Export", job.Export.Name);
        request.Headers.Add("Naru-Interval", job.Interval);
        request.Headers.Add("Naru-Operation", operation);
        request.Headers.Add("Naru-Rows-Hash", job.Rows.Hash);
        if (_secrets.Token is { } token)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (_secrets.Secret is { } secret)
        {
            string time = _tools.Time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
            byte[] signed = [.. Encoding.UTF8.GetBytes($"{time}."), .. body];
            byte[] signature = HMACSHA256.HashData(secret, signed);
            request.Headers.Add("Naru-Signature", $"t={time},v1={Convert.ToHexStringLower(signature)}");
        }

        return request;
    }

    private byte[] BodyOf(ExportJob job, string operation, List<BatchRow> batch)
    {
        ArrayBufferWriter<byte> body = new();
        if (_target.Lines)
        {
            foreach (BatchRow row in batch)
            {
                body.Write(row.Text.Span);
            }

            return body.WrittenSpan.ToArray();
        }

        body.Write(Encoding.UTF8.GetBytes(
            $"{{\"export\":{JsonSerializer.Serialize(job.Export.Name)},\"interval\":"
            + $"{JsonSerializer.Serialize(job.Interval)},\"operation\":\"{operation}\",\"rows\":["));
        for (int i = 0; i < batch.Count; i++)
        {
            body.Write(i == 0 ? ""u8 : ","u8);
            body.Write(batch[i].Text.Span.TrimEnd((byte)'\n'));
        }

        body.Write("]}"u8);
        return body.WrittenSpan.ToArray();
    }

    private TimeSpan? PauseOf(RetryConditionHeaderValue? after)
    {
        TimeSpan? pause = after?.Delta ?? (after?.Date is { } date ? date - _tools.Time.GetUtcNow() : null);
        return pause is { } known && known < TimeSpan.Zero ? TimeSpan.Zero : pause;
    }

    /// <summary>Why, in the receiver's words: on one line.</summary>
    private static async Task<string> BeginOfAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        const int Shown = 200;
        string text = await answer.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        string line = new([.. text.Take(Shown).Select(static each => char.IsControl(each) ? ' ' : each)]);
        return line.Trim();
    }

    private readonly record struct BatchRow(long Number, ReadOnlyMemory<byte> Text);
}
