using System.Net.Sockets;
using Naru.Tests.Platform;

namespace Naru.Tests.Exports;

/// <summary>
/// Stands between a client and a PostgreSQL's socket, and cuts the connection when so many bytes have gone to the
/// server.
/// </summary>
internal sealed class ConnectionCutter(string connection) : Middleman(PostgresServer.SocketOf(connection))
{
    private long _sent;

    /// <summary>Bytes that went to the server since it was set to nothing.</summary>
    public long Sent
    {
        get => Interlocked.Read(ref _sent);
        set => Interlocked.Exchange(ref _sent, value);
    }

    public long CutAt { get; set; } = long.MaxValue;

    protected override async ValueTask<bool> PassAsync(ReadOnlyMemory<byte> sent, Socket server)
    {
        int passes = (int)Math.Clamp(CutAt - Sent, 0, sent.Length);
        Interlocked.Add(ref _sent, passes);
        if (passes == sent.Length)
        {
            return true;
        }

        await server.SendAsync(sent[..passes]);
        return false;
    }
}
