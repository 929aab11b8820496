using System.Net;
using System.Net.Sockets;

namespace Naru.Tests.Platform;

/// <summary>Listens on loopback before a server's Unix socket, and sees all that clients send.</summary>
internal abstract class Middleman : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _socket;
    private readonly Task _serving;

    protected Middleman(string socket)
    {
        _socket = socket;
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
    }

    /// <summary>Called with what a client sent; true to send it on, false to cut the connection.</summary>
    protected abstract ValueTask<bool> PassAsync(ReadOnlyMemory<byte> sent, Socket server);

    private async Task ServeAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                connections.Add(CarryAsync(await _listener.AcceptSocketAsync()));
            }
        }
        catch (SocketException)
        {
            // The listener was stopped; the connections end with their clients.
        }

        await Task.WhenAll(connections);
    }

    private async Task CarryAsync(Socket client)
    {
        using Socket server = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (client)
        {
            await server.ConnectAsync(new UnixDomainSocketEndPoint(_socket));
            Task back = CopyAsync(server, client, static _ => ValueTask.FromResult(true));
            await CopyAsync(client, server, sent => PassAsync(sent, server));
            server.Shutdown(SocketShutdown.Both);
            client.Close();
            await back;
        }
    }

    private static async Task CopyAsync(Socket from, Socket to, Func<ReadOnlyMemory<byte>, ValueTask<bool>> passes)
    {
        byte[] buffer = new byte[64 << 10];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and int count && await passes(buffer.AsMemory(0, count)))
            {
                await to.SendAsync(buffer.AsMemory(0, count));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }
}
