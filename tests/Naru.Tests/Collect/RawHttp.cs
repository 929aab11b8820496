using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Naru.Tests.Collect;

/// <summary>A client that writes what it is told, for requests that no library would send.</summary>
internal sealed class RawHttp : IDisposable
{
    private readonly TcpClient _client = new() { NoDelay = true };

    public RawHttp(int port)
    {
        _client.Connect(IPAddress.Loopback, port);
        Stream = _client.GetStream();
    }

    public NetworkStream Stream { get; }

    public static byte[] Post(string path, byte[] body, string headers = "") =>
    [
        .. Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CollectHost.WriteKey}\r\n{headers}"
            + $"Content-Length: {body.Length}\r\n\r\n")),
        .. body,
    ];

    public void CloseSending() => _client.Client.Shutdown(SocketShutdown.Send);

    /// <summary>Everything until the server closes, or a whole answer when it does not; "" for a reset.</summary>
    public async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        StringBuilder text = new();
        byte[] buffer = new byte[16 << 10];
        try
        {
            while (true)
            {
                int read = await Stream.ReadAsync(buffer, cancellationToken);
                text.Append(Encoding.UTF8.GetString(buffer, 0, read));
                if (read == 0 || IsWhole(text.ToString()))
                {
                    return text.ToString();
                }
            }
        }
        catch (IOException)
        {
            return text.ToString();
        }
    }

    public static int StatusOf(string answer) =>
        answer.Length > 12 && int.TryParse(answer.AsSpan(9, 3), CultureInfo.InvariantCulture, out int status)
            ? status
            : 0;

    public void Dispose() => _client.Dispose();

    private static bool IsWhole(string text)
    {
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        int at = text.IndexOf("Content-Length: ", StringComparison.Ordinal);
        if (end < 0 || at < 0 || at > end)
        {
            return false;
        }

        int lineEnd = text.IndexOf("\r\n", at, StringComparison.Ordinal);
        int length = int.Parse(text[(at + 16)..lineEnd], CultureInfo.InvariantCulture);
        return Encoding.UTF8.GetByteCount(text[(end + 4)..]) >= length;
    }
}
