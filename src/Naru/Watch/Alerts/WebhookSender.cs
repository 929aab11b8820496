using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Naru.Watch.Alerts;

/// <summary>Posts one message; null when it was taken, else why not, in words that never hold the address.</summary>
internal interface IWebhookSender
{
    Task<string?> SendAsync(string address, ReadOnlyMemory<byte> message, CancellationToken cancellationToken);
}

/// <summary>
/// Posts over HTTP with the controls of RELIABILITY section 4: the name is resolved once and that address is connected
/// to (no rebinding), private and loopback addresses are refused unless allowed, no redirects, no proxy, 5 seconds,
/// 64 KiB of answer.
/// </summary>
internal sealed class WebhookSender : IWebhookSender, IDisposable
{
    private const int AnswerBytesMax = 64 << 10;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http;

    public WebhookSender(bool allowPrivate)
    {
        _http = new HttpClient(Handler(allowPrivate, Deadline))
        {
            Timeout = Deadline, MaxResponseContentBufferSize = AnswerBytesMax,
        };
    }

    /// <summary>Of whatever posts to addresses that come from files: the controls, without the deadline.</summary>
    /// <param name="allowPrivate">Private and loopback addresses too.</param>
    /// <param name="connectTimeout">Of a connection.</param>
    public static SocketsHttpHandler Handler(bool allowPrivate, TimeSpan connectTimeout) => new()
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        ConnectTimeout = connectTimeout,
        MaxResponseHeadersLength = 16,
        PooledConnectionLifetime = TimeSpan.Zero,
        ConnectCallback = (context, cancellationToken) =>
            ConnectAsync(context.DnsEndPoint, allowPrivate, cancellationToken),
    };

    public async Task<string?> SendAsync(
        string address, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
        {
            return "the webhook's address is no http or https address";
        }

        if (uri.UserInfo.Length > 0)
        {
            return "the webhook's address has a user in it";
        }

        try
        {
            using ReadOnlyMemoryContent content = new(message);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using HttpResponseMessage answer = await _http.PostAsync(uri, content, cancellationToken)
                .ConfigureAwait(false);
            return answer.IsSuccessStatusCode ? null : $"the webhook answered {(int)answer.StatusCode}";
        }
        catch (HttpRequestException exception)
        {
            return exception.InnerException is ForbiddenAddressException forbidden
                ? forbidden.Message
                : $"the webhook does not answer ({exception.HttpRequestError})";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"the webhook does not answer within {Deadline.TotalSeconds} seconds";
        }
    }

    public void Dispose() => _http.Dispose();

    private static async ValueTask<System.IO.Stream> ConnectAsync(
        DnsEndPoint target, bool allowPrivate, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = IPAddress.TryParse(target.Host, out IPAddress? literal)
            ? [literal]
            : await Dns.GetHostAddressesAsync(target.Host, cancellationToken).ConfigureAwait(false);
        IPAddress? address = addresses.FirstOrDefault(address => allowPrivate || PublicAddress.Is(address));
        if (address is null)
        {
            throw new ForbiddenAddressException();
        }

        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, target.Port), cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

}

/// <summary>The host is not on the public internet.</summary>
internal sealed class ForbiddenAddressException() : IOException(
    "the webhook's host is private or this machine; 'allow_private: true' in section 'watch' lets it be");
