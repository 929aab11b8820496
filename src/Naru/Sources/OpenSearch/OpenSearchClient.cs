using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Naru.Connections;

namespace Naru.Sources.OpenSearch;

/// <summary>Where a cluster is, with what opens it. Never shown.</summary>
internal sealed record OpenSearchLogin(Uri Address, AuthenticationHeaderValue? Authorization)
{
    public required OpenSearchPlace Place { get; init; }

    /// <summary>Null for those that the system trusts.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    public static OpenSearchLogin Of(OpenSearchPlace place, SourceOpening opening)
    {
        string scheme = place.Tls == ConnectionTls.Off ? "http" : "https";
        return new OpenSearchLogin(new UriBuilder(scheme, place.Host, place.Port).Uri, Header(place, opening))
        {
            Place = place,
            Authorities = place.TlsAuthorities.Length == 0 || place.Tls != ConnectionTls.Verify
                ? null : Trusted(place, opening),
        };
    }

    public override string ToString() => Place.Label;

    private static AuthenticationHeaderValue? Header(OpenSearchPlace place, SourceOpening opening)
    {
        if (place.ApiKey.Length > 0)
        {
            return new AuthenticationHeaderValue("ApiKey", opening.Reveal("api_key", place.ApiKey));
        }

        if (place.User.Length == 0)
        {
            return null;
        }

        string user = Configuration.SecretReference.Fault(place.User) is null
            ? opening.Reveal("user", place.User) : place.User;
        string password = opening.Reveal("password", place.Password);
        return new AuthenticationHeaderValue(
            "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
    }

    private static X509Certificate2Collection Trusted(OpenSearchPlace place, SourceOpening opening)
    {
        const int BytesMax = 1 << 20;
        byte[]? pem = Core.Files.WholeFile.Read(
            opening.Files, Path.Combine(opening.Root, place.TlsAuthorities), BytesMax);
        X509Certificate2Collection authorities = [];
        try
        {
            authorities.ImportFromPem(Encoding.UTF8.GetString(pem ?? []));
        }
        catch (CryptographicException)
        {
            // Told below, as no certificates.
        }

        return authorities.Count > 0 ? authorities : throw new SourceException(
            $"`tls_authorities` of source {opening.Source}: {place.TlsAuthorities} holds no certificate; write the "
            + "path of a PEM file in the project");
    }
}

/// <summary>A request. Sent twice it does no harm.</summary>
internal sealed record OpenSearchOrder(HttpMethod Method, string Path)
{
    /// <summary>JSON; empty for none.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Of the answer.</summary>
    public int BytesMax { get; init; } = 64 << 20;

    public int Tries { get; init; } = 6;

    public static OpenSearchOrder Get(string path) => new(HttpMethod.Get, path);

    public static OpenSearchOrder Post(string path, ReadOnlyMemory<byte> body = default) =>
        new(HttpMethod.Post, path) { Body = body };
}

/// <summary>What a cluster answered: the body is the client's memory and goes back when this is disposed.</summary>
internal sealed class OpenSearchAnswer(int status, byte[] rented, int length) : IDisposable
{
    public int Status => status;

    public bool IsOk => status is >= 200 and < 300;

    public ReadOnlyMemory<byte> Body => rented.AsMemory(0, length);

    public void Dispose() => ArrayPool<byte>.Shared.Return(rented);
}

/// <summary>The answer is larger than it may be: fewer documents are to be asked for.</summary>
internal sealed class OpenSearchTooLargeException(string message) : Exception(message);

/// <summary>
/// Speaks HTTP with one cluster. What passes (429, 502, 503, 504, no answer, a torn one) is tried again after a pause,
/// that of `Retry-After` where it is said: every request that Naru sends may be sent twice. No redirects, so that
/// nobody else gets what opens the cluster. Safe for all threads.
/// </summary>
internal sealed class OpenSearchClient : IDisposable
{
    /// <summary>Objects and lists in one another.</summary>
    public const int DepthMax = 1_000;

    private const int FirstBytes = 64 << 10;
    private const int ShownMax = 300;
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    /// <summary>What a request may take beyond what the cluster was given for it.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly OpenSearchLogin _login;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public OpenSearchClient(OpenSearchLogin login, TimeProvider time)
    {
        (_login, _time) = (login, time);
        _http = new HttpClient(Handler(login)) { BaseAddress = login.Address, Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.Authorization = login.Authorization;
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
    }

    public TimeSpan StatementTimeout => _login.Place.StatementTimeout;

    /// <summary>For messages.</summary>
    public string Where => _login.Place.Label;

    public void Dispose() => _http.Dispose();

    /// <summary>Gives the answer, whatever its status; throws where there is none in the end.</summary>
    public async Task<OpenSearchAnswer> SendAsync(OpenSearchOrder order, CancellationToken cancellationToken)
    {
        TimeSpan pause = TimeSpan.FromSeconds(1);
        for (int tries = 1; ; tries++)
        {
            (OpenSearchAnswer? answer, TimeSpan? after, string problem) =
                await TryAsync(order, cancellationToken).ConfigureAwait(false);
            if (answer is not null && answer.Status is not (429 or 502 or 503 or 504))
            {
                return answer;
            }

            if (answer is not null)
            {
                problem = Problem(answer);
                bool isTooMuch = answer.Body.Span.IndexOf("circuit_breaking_exception"u8) >= 0;
                answer.Dispose();
                if (isTooMuch)
                {
                    throw new OpenSearchTooLargeException(problem);
                }
            }

            if (tries >= order.Tries)
            {
                throw new SourceException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Where} {problem}; tried {tries} {(tries == 1 ? "time" : "times")}"),
                    passes: true);
            }

            TimeSpan wait = after ?? pause;
            await Task.Delay(wait < LongestPause ? wait : LongestPause, _time, cancellationToken)
                .ConfigureAwait(false);
            pause *= 2;
        }
    }

    /// <summary>Sends, and reads an answer that says that all is well; else throws what is wrong.</summary>
    public async Task<JsonDocument> AskAsync(
        OpenSearchOrder order, string what, CancellationToken cancellationToken)
    {
        using OpenSearchAnswer answer = await SendAsync(order, cancellationToken).ConfigureAwait(false);
        if (!answer.IsOk)
        {
            throw Fault(answer, what);
        }

        // Copied: the answer's memory goes back.
        return Parse(answer.Body.ToArray(), what);
    }

    public JsonDocument Parse(ReadOnlyMemory<byte> body, string what)
    {
        try
        {
            return JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = DepthMax });
        }
        catch (JsonException exception)
        {
            throw new SourceException(
                $"{Where} answered {what} with what is no JSON; see that `host` and `port` are of OpenSearch or "
                + "Elasticsearch",
                passes: false,
                exception);
        }
    }

    /// <summary>What an answer that is an error says, and the mend.</summary>
    /// <param name="answer">Of any status but 2xx.</param>
    /// <param name="what">Was asked for: `the mapping of orders`.</param>
    public SourceException Fault(OpenSearchAnswer answer, string what)
    {
        string hint = answer.Status switch
        {
            401 => "; see `user` and `password`, or `api_key`, of the source",
            403 => "; the user needs the rights to read the index, its mapping and points in time of it",
            301 or 302 or 307 or 308 => "; see `host`, `port` and `tls` of the source: redirects are not followed",
            _ when IsGone(answer) =>
                "; the point in time is gone: it was not used for too long, or a node was started again",
            _ => "",
        };
        return new SourceException($"{Where}, {what}: {Problem(answer)}{hint}", passes: answer.Status >= 500);
    }

    /// <summary>Whether the answer says that the point in time is not there any more.</summary>
    public static bool IsGone(OpenSearchAnswer answer) =>
        answer.Status == 404 && answer.Body.Span.IndexOf("search_context_missing_exception"u8) >= 0;

    /// <summary>The server's own words, on one line and of a length that people read.</summary>
    public static string Words(string text)
    {
        string line = new([.. text.Take(ShownMax).Select(static each => char.IsControl(each) ? ' ' : each)]);
        return line.Trim();
    }

    private static string Problem(OpenSearchAnswer answer)
    {
        string reason = "";
        try
        {
            using JsonDocument document = JsonDocument.Parse(answer.Body);
            reason = document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("error", out JsonElement error) ? Reason(error) : "";
        }
        catch (JsonException)
        {
            // A proxy's page, which says nothing.
        }

        return string.Create(CultureInfo.InvariantCulture, $"answered {answer.Status}")
            + (reason.Length == 0 ? "" : $" ({reason})");
    }

    private static string Reason(JsonElement error)
    {
        if (error.ValueKind != JsonValueKind.Object)
        {
            return Words(error.ToString());
        }

        JsonElement cause = error.TryGetProperty("root_cause", out JsonElement causes)
            && causes.ValueKind == JsonValueKind.Array && causes.GetArrayLength() > 0 ? causes[0] : error;
        string type = cause.TryGetProperty("type", out JsonElement kind) ? kind.ToString() : "";
        string reason = cause.TryGetProperty("reason", out JsonElement why) ? why.ToString() : "";
        return Words($"{type}: {reason}");
    }

    private async Task<(OpenSearchAnswer? Answer, TimeSpan? After, string Problem)> TryAsync(
        OpenSearchOrder order, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = new(StatementTimeout + Grace);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(
            cancellationToken, limit.Token);
        try
        {
            using HttpRequestMessage request = new(order.Method, order.Path);
            if (!order.Body.IsEmpty)
            {
                request.Content = new ReadOnlyMemoryContent(order.Body);
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            }

            using HttpResponseMessage answer = await _http.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, both.Token).ConfigureAwait(false);
            return (await ReadAsync(answer, order.BytesMax, both.Token).ConfigureAwait(false),
                PauseOf(answer.Headers.RetryAfter), "");
        }
        catch (HttpRequestException exception)
            when (exception.HttpRequestError == HttpRequestError.SecureConnectionError)
        {
            throw new SourceException(
                $"{Where}: no protected connection comes about ({exception.InnerException?.Message ?? "TLS"}); see "
                + "`tls` and `tls_authorities` of the source",
                passes: false,
                exception);
        }
        catch (HttpRequestException exception)
        {
            return (null, null, $"does not answer ({exception.HttpRequestError})");
        }
        catch (IOException)
        {
            return (null, null, "broke off its answer");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, null, string.Create(
                CultureInfo.InvariantCulture,
                $"does not answer within {(StatementTimeout + Grace).TotalSeconds:0} s; see `statement_timeout`"));
        }
    }

    private async Task<OpenSearchAnswer> ReadAsync(
        HttpResponseMessage answer, int bytesMax, CancellationToken cancellationToken)
    {
        System.IO.Stream stream = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        byte[] rented = ArrayPool<byte>.Shared.Rent(FirstBytes);
        int length = 0;
        try
        {
            while (true)
            {
                if (length == rented.Length)
                {
                    if (length >= bytesMax)
                    {
                        throw new OpenSearchTooLargeException(string.Create(
                            CultureInfo.InvariantCulture, $"{Where} answered more than {bytesMax} bytes"));
                    }

                    byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min((long)length * 2, bytesMax));
                    rented.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(rented);
                    rented = larger;
                }

                int read = await stream.ReadAsync(rented.AsMemory(length), cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    return new OpenSearchAnswer((int)answer.StatusCode, rented, length);
                }

                length += read;
            }
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(rented);
            throw;
        }
    }

    private TimeSpan? PauseOf(RetryConditionHeaderValue? after)
    {
        TimeSpan? pause = after?.Delta ?? (after?.Date is { } date ? date - _time.GetUtcNow() : null);
        return pause is { } known && known < TimeSpan.Zero ? TimeSpan.Zero : pause;
    }

    private static SocketsHttpHandler Handler(OpenSearchLogin login)
    {
        SslClientAuthenticationOptions tls = new();
        if (login.Place.Tls == ConnectionTls.Require)
        {
#pragma warning disable CA5359 // `tls: require` says so: whoever answers.
            tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (login.Authorities is { } authorities)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        return new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.All,
            ConnectTimeout = login.Place.ConnectTimeout,
            SslOptions = tls,
        };
    }
}
