using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Naru.Demo;

/// <summary>How one request ended.</summary>
/// <param name="Accepted">Events that the platform says are durable.</param>
/// <param name="Attempts">Requests that it took, from 1.</param>
internal readonly record struct ShopDelivery(long Accepted, int Attempts);

/// <summary>The platform refuses what the sample sends: sending it again would not help.</summary>
internal sealed class ShopRefusedException(string message) : Exception(message);

/// <summary>Sends batches to `POST /v1/events/{log}`, again and again until they are acknowledged.</summary>
internal sealed class ShopSender(HttpClient http, TimeProvider time)
{
    /// <summary>Bodies from this size are compressed.</summary>
    private const int GzipBytesMin = 16_384;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Returns once the platform has acknowledged one copy. Throws <see cref="ShopRefusedException"/> on an answer that
    /// a retry cannot change, and when cancelled, which leaves the batch in doubt.
    /// </summary>
    public async Task<ShopDelivery> SendAsync(ShopBatch batch, CancellationToken cancellationToken)
    {
        byte[] body = batch.Body();
        bool gzip = body.Length >= GzipBytesMin;
        if (gzip)
        {
            body = Gzip(body);
        }

        TimeSpan pause = FirstPause;
        for (int attempt = 1; ; attempt++)
        {
            TimeSpan? wait = null;
            try
            {
                using HttpRequestMessage request = Request(batch, body, gzip);
                using HttpResponseMessage response =
                    await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
                string answer = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
                if (response.IsSuccessStatusCode)
                {
                    using JsonDocument document = JsonDocument.Parse(answer);
                    return new ShopDelivery(document.RootElement.GetProperty("accepted").GetInt64(), attempt);
                }

                if (!MayRetry(response.StatusCode))
                {
                    throw new ShopRefusedException(
                        $"{batch.Log} was refused with {(int)response.StatusCode}: {answer.Trim()}");
                }

                wait = response.Headers.RetryAfter?.Delta;
            }
            catch (HttpRequestException)
            {
                // Nobody listens, or the connection broke: the same batch again, under the same name.
            }

            TimeSpan next = wait ?? pause;
            await Task.Delay(next < LongestPause ? next : LongestPause, time, cancellationToken).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private static bool MayRetry(HttpStatusCode status) =>
        status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout || (int)status >= 500;

    private static HttpRequestMessage Request(ShopBatch batch, byte[] body, bool gzip)
    {
        ByteArrayContent content = new(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        if (gzip)
        {
            content.Headers.ContentEncoding.Add("gzip");
        }

        HttpRequestMessage request = new(HttpMethod.Post, $"/v1/events/{batch.Log}") { Content = content };
        request.Headers.Add("Naru-Batch", batch.Name);
        request.Headers.Add("Naru-Source", batch.Source);
        if (batch.History)
        {
            request.Headers.Add("Naru-History", "true");
        }

        return request;
    }

    private static byte[] Gzip(byte[] body)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(body);
        }

        return packed.ToArray();
    }
}
