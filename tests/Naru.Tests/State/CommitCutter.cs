using System.Net.Sockets;
using Naru.Tests.Platform;

namespace Naru.Tests.State;

/// <summary>
/// Stands between a client and a PostgreSQL's socket and cuts the connection at a COMMIT: before the server sees it, or
/// after the server has answered, whose answer the client then never sees.
/// </summary>
internal sealed class CommitCutter(string socket, bool serverSeesIt) : Middleman(socket)
{
    private static readonly byte[] Commit = [.. "COMMIT\0"u8];
    private int _cuts;

    /// <summary>How many more commits are cut.</summary>
    public int CutsLeft { get; set; }

    public int Cuts => _cuts;

    protected override async ValueTask<bool> PassAsync(ReadOnlyMemory<byte> sent, Socket server)
    {
        if (CutsLeft == 0 || sent.Span.IndexOf(Commit) < 0)
        {
            return true;
        }

        CutsLeft--;
        _cuts++;
        if (serverSeesIt)
        {
            await server.SendAsync(sent);
        }

        return false;
    }
}
