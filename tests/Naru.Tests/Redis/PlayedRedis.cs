using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Naru.Tests.Redis;

/// <summary>A server of RESP whose answers a test gives: what a real one does when keys change meanwhile.</summary>
internal sealed class PlayedRedis : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<string[], string> _answer;
    private readonly Task _serving;

    /// <param name="answer">The reply to a command, as it goes over the wire.</param>
    public PlayedRedis(Func<string[], string> answer)
    {
        _answer = answer;
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public static string Bulk(string text) => $"${Encoding.UTF8.GetByteCount(text)}\r\n{text}\r\n";

    public static string List(params string[] replies) => $"*{replies.Length}\r\n{string.Concat(replies)}";

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
    }

    private async Task ServeAsync()
    {
        List<Task> sessions = [];
        while (true)
        {
            try
            {
                sessions.Add(TalkAsync(await _listener.AcceptTcpClientAsync()));
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                await Task.WhenAll(sessions);
                return;
            }
        }
    }

    private async Task TalkAsync(TcpClient client)
    {
        using (client)
        await using (NetworkStream stream = client.GetStream())
        using (StreamReader reader = new(stream, Encoding.UTF8))
        {
            // Commands of a test hold no line ends.
            while (await reader.ReadLineAsync() is { } head)
            {
                string[] words = new string[int.Parse(head[1..], CultureInfo.InvariantCulture)];
                for (int i = 0; i < words.Length; i++)
                {
                    await reader.ReadLineAsync();
                    words[i] = (await reader.ReadLineAsync())!;
                }

                await stream.WriteAsync(Encoding.UTF8.GetBytes(_answer(words)));
            }
        }
    }
}
