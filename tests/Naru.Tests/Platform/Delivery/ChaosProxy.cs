using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Naru.Tests.Platform.Delivery;

/// <summary>What a network does to one request.</summary>
internal enum Mischief
{
    None,

    /// <summary>The request breaks off in the middle.</summary>
    CutRequest,

    /// <summary>The whole request arrives, and its answer does not.</summary>
    CutAnswer,

    /// <summary>The answer breaks off in the middle.</summary>
    CutInAnswer,

    /// <summary>The request arrives twice, one after the other; the client gets the first answer.</summary>
    Twice,

    /// <summary>The request arrives twice at the same time.</summary>
    TwiceAtOnce,

    /// <summary>The request is held back until others have overtaken it; the client may long have given up.</summary>
    Overtaken,

    /// <summary>Both connections stay open and nothing more comes through, until the proxy ends.</summary>
    HalfOpen,
}

/// <summary>
/// Harness H8: a TCP proxy that does to HTTP requests (one a connection) what networks do. Which request meets what
/// comes from the seed and the order of connections; what overtakes a held request is decided by counts, not by time.
/// </summary>
internal sealed class ChaosProxy : IAsyncDisposable
{
    private const int OvertakersMax = 12;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Random _random;
    private readonly double _share;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly ConcurrentDictionary<Mischief, int> _done = [];
    private readonly List<(int Until, TaskCompletionSource Free)> _held = [];
    private readonly Lock _gate = new();
    private readonly Task _accepting;
    private volatile TaskCompletionSource<Uri> _upstream =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private int _passed;

    /// <param name="share">Share of requests that meet mischief.</param>
    public ChaosProxy(Random random, double share)
    {
        _random = random;
        _share = share;
        _listener.Start();
        Address = $"http://{_listener.LocalEndpoint}";
        _accepting = AcceptAsync();
    }

    public string Address { get; }

    public IReadOnlyDictionary<Mischief, int> Done => _done;

    /// <summary>Requests go to this server.</summary>
    public void Serve(string upstream) => _upstream.TrySetResult(new Uri(upstream));

    /// <summary>There is no server: requests wait for the next one.</summary>
    public void Hold() => _upstream = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Lets everything that is held back go on its way, and waits for it.</summary>
    public async Task ReleaseAsync()
    {
        Free(int.MaxValue);
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
    }

    public async ValueTask DisposeAsync()
    {
        await ReleaseAsync();
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_end.Token);
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException)
            {
                return;
            }

            _connections.Add(ServeAsync(client));
        }
    }

    private (Mischief What, int At) Draw()
    {
        lock (_gate)
        {
            Mischief what = _random.NextDouble() < _share
                ? (Mischief)_random.Next((int)Mischief.CutRequest, (int)Mischief.HalfOpen + 1)
                : Mischief.None;
            return (what, _random.Next(1 << 20));
        }
    }

    private async Task ServeAsync(Socket client)
    {
        (Mischief what, int at) = Draw();
        _done.AddOrUpdate(what, 1, static (_, count) => count + 1);
        try
        {
            using (client)
            {
                byte[] request = await RequestAsync(client);
                await PassAsync(client, request, what, at);
            }
        }
        catch (Exception exception) when (exception is SocketException or IOException or OperationCanceledException)
        {
            // The client or the server went away, which is what this is about.
        }

        Free(Interlocked.Increment(ref _passed));
    }

    private async Task PassAsync(Socket client, byte[] request, Mischief what, int at)
    {
        switch (what)
        {
            case Mischief.CutRequest:
                using (Socket broken = await ConnectAsync())
                {
                    await SendAsync(broken, request.AsMemory(0, at % request.Length));
                }

                break;
            case Mischief.CutAnswer:
                await AskAsync(request);
                break;
            case Mischief.CutInAnswer:
                byte[] whole = await AskAsync(request);
                await SendAsync(client, whole.AsMemory(0, at % Math.Max(1, whole.Length)));
                break;
            case Mischief.Twice:
                await SendAsync(client, await AskAsync(request));
                await AskAsync(request);
                break;
            case Mischief.TwiceAtOnce:
                Task<byte[]> other = AskAsync(request);
                await SendAsync(client, await AskAsync(request));
                await other;
                break;
            case Mischief.Overtaken:
                await OvertakenAsync(1 + (at % OvertakersMax));
                await SendAsync(client, await AskAsync(request));
                break;
            case Mischief.HalfOpen:
                using (Socket open = await ConnectAsync())
                {
                    await SendAsync(open, request.AsMemory(0, at % (request.Length + 1)));
                    await Task.Delay(Timeout.InfiniteTimeSpan, _end.Token);
                }

                break;
            default:
                await SendAsync(client, await AskAsync(request));
                break;
        }
    }

    private Task OvertakenAsync(int by)
    {
        lock (_gate)
        {
            TaskCompletionSource free = new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_end.IsCancellationRequested)
            {
                free.SetResult();
            }

            _held.Add((Volatile.Read(ref _passed) + by, free));
            return free.Task;
        }
    }

    private void Free(int passed)
    {
        lock (_gate)
        {
            foreach ((int until, TaskCompletionSource free) in _held)
            {
                if (until <= passed || passed == int.MaxValue)
                {
                    free.TrySetResult();
                }
            }

            _held.RemoveAll(static held => held.Free.Task.IsCompleted);
        }
    }

    private async Task<byte[]> AskAsync(byte[] request)
    {
        using Socket server = await ConnectAsync();
        await SendAsync(server, request);
        using MemoryStream answer = new();
        byte[] buffer = new byte[16 * 1024];
        while (await server.ReceiveAsync(buffer) is > 0 and int read)
        {
            answer.Write(buffer, 0, read);
        }

        return answer.ToArray();
    }

    private async Task<Socket> ConnectAsync()
    {
        Uri upstream = await _upstream.Task;
        Socket server = new(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await server.ConnectAsync(upstream.Host, upstream.Port);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }
    }

    /// <summary>One whole request: its head and as many bytes as Content-Length says.</summary>
    private static async Task<byte[]> RequestAsync(Socket client)
    {
        using MemoryStream request = new();
        byte[] buffer = new byte[16 * 1024];
        while (true)
        {
            int read = await client.ReceiveAsync(buffer);
            if (read == 0)
            {
                throw new IOException("the client ended before its request did");
            }

            request.Write(buffer, 0, read);
            byte[] soFar = request.ToArray();
            int head = soFar.AsSpan().IndexOf("\r\n\r\n"u8);
            if (head >= 0 && soFar.Length >= head + 4 + Length(Encoding.ASCII.GetString(soFar, 0, head)))
            {
                return soFar;
            }
        }
    }

    private static int Length(string head)
    {
        const string Name = "\r\nContent-Length: ";
        int at = head.IndexOf(Name, StringComparison.OrdinalIgnoreCase);
        return at < 0 ? 0 : int.Parse(head[(at + Name.Length)..].Split('\r')[0], null);
    }
}
