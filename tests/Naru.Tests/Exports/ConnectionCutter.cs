using System.Net;
using System.Net.Sockets;
using Naru.Tests.Platform;

namespace Naru.Tests.Exports;

/// <summary>
/// Stands between a client and a PostgreSQL's socket, and cuts the connection when so many bytes have gone to the
/// server.
/// </summary>
internal sealed class ConnectionCutter : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _socket;
    private readonly Task _serving;
    private long _sent;

    public ConnectionCutter(string connection)
    {
        _socket = PostgresServer.SocketOf(connection);
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Bytes that went to the server since it was set to nothing.</summary>
    public long Sent
    {
        get => Interlocked.Read(ref _sent);
        set => Interlocked.Exchange(ref _sent, value);
    }

    public long CutAt { get; set; } = long.MaxValue;

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
    }

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
            Task back = CopyAsync(server, client, counts: false);
            await CopyAsync(client, server, counts: true);
            server.Shutdown(SocketShutdown.Both);
            client.Close();
            await back;
        }
    }

    private async Task CopyAsync(Socket from, Socket to, bool counts)
    {
        byte[] buffer = new byte[16 << 10];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and int count)
            {
                int passes = counts ? (int)Math.Clamp(CutAt - Sent, 0, count) : count;
                await to.SendAsync(buffer.AsMemory(0, passes));
                if (counts)
                {
                    Interlocked.Add(ref _sent, passes);
                }

                if (passes < count)
                {
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }
}
