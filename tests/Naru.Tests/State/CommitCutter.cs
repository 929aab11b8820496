using System.Net;
using System.Net.Sockets;

namespace Naru.Tests.State;

/// <summary>
/// Stands between a client and a PostgreSQL's socket and cuts the connection at a COMMIT: before the server sees it, or
/// after the server has answered, whose answer the client then never sees.
/// </summary>
internal sealed class CommitCutter : IAsyncDisposable
{
    private static readonly byte[] Commit = [.. "COMMIT\0"u8];
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _socket;
    private readonly bool _serverSeesIt;
    private readonly Task _serving;
    private int _cuts;

    public CommitCutter(string socket, bool serverSeesIt)
    {
        _socket = socket;
        _serverSeesIt = serverSeesIt;
        _listener.Start();
        _serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many more commits are cut.</summary>
    public int CutsLeft { get; set; }

    public int Cuts => _cuts;

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
            Task back = CopyAsync(server, client, static _ => ValueTask.FromResult(true));
            await CopyAsync(client, server, sent => PassAsync(sent, server));
            server.Shutdown(SocketShutdown.Both);
            client.Close();
            await back;
        }
    }

    /// <summary>False to cut the connection.</summary>
    private async ValueTask<bool> PassAsync(ReadOnlyMemory<byte> sent, Socket server)
    {
        if (CutsLeft == 0 || sent.Span.IndexOf(Commit) < 0)
        {
            return true;
        }

        CutsLeft--;
        _cuts++;
        if (_serverSeesIt)
        {
            await server.SendAsync(sent);
        }

        return false;
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
