using System.Net;
using System.Net.Sockets;

namespace Naru.Tests.Platform;

/// <summary>
/// Listens on loopback before a server's Unix socket, and cuts every connection when so many bytes have passed on all
/// of them together, in either direction.
/// </summary>
internal sealed class SocketCutter : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _socket;
    private readonly CancellationTokenSource _closed = new();
    private long _left;

    public SocketCutter(string socket, long bytes = long.MaxValue)
    {
        _socket = socket;
        _left = bytes;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What happens besides when no more bytes may pass, once.</summary>
    public Action? AtEnd { get; init; }

    /// <summary>All bytes pass: what is to end a connection is the other side, by <see cref="AtEnd"/>.</summary>
    public bool PassesAll { get; init; }

    /// <summary>Bytes that may still pass.</summary>
    public long Left
    {
        get => Interlocked.Read(ref _left);
        set => Interlocked.Exchange(ref _left, value);
    }

    public void Dispose()
    {
        _closed.Cancel();
        _listener.Stop();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptSocketAsync(_closed.Token));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using (client)
        using (Socket server = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            try
            {
                if (Left <= 0 && !PassesAll)
                {
                    return;
                }

                await server.ConnectAsync(new UnixDomainSocketEndPoint(_socket), _closed.Token);
                Task forth = CopyAsync(client, server, Spend);
                Task back = CopyAsync(server, client, Spend);
                await Task.WhenAny(forth, back);
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException)
            {
                // Cut, as it is meant.
            }
        }
    }

    private bool Spend(int bytes)
    {
        long left = Interlocked.Add(ref _left, -bytes);
        if (left <= 0 && left + bytes > 0)
        {
            AtEnd?.Invoke();
        }

        return left > 0 || PassesAll;
    }

    private async Task CopyAsync(Socket from, Socket to, Func<int, bool> mayGo)
    {
        byte[] buffer = new byte[1 << 16];
        try
        {
            // Small pieces, so that a cut comes near its byte.
            int size = Left < long.MaxValue / 2 ? 512 : buffer.Length;
            while (await from.ReceiveAsync(buffer.AsMemory(0, size), _closed.Token) is > 0 and int bytes
                && mayGo(bytes))
            {
                await to.SendAsync(buffer.AsMemory(0, bytes), _closed.Token);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The other direction has ended.
        }
    }
}
