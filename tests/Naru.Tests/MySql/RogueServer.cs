using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Naru.Tests.MySql;

/// <summary>
/// Speaks as much of MySQL's protocol as is needed to let a client in and to ask it for what it must not give. Keeps
/// every packet that clients send.
/// </summary>
internal sealed class RogueServer : IDisposable
{
    /// <summary>Capabilities that are told: the 4.1 protocol, passwords by plugin, LOCAL files, no TLS.</summary>
    private const uint Capabilities = 1 | 4 | 8 | 128 | 512 | 8192 | 32768 | (1 << 19);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentQueue<byte[]> _packets = new();
    private readonly CancellationTokenSource _closed = new();

    public RogueServer()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The statement, from 0, that is answered by asking for a file; others get an OK.</summary>
    public int AsksAt { get; init; } = -1;

    public string FileWanted { get; init; } = "/etc/passwd";

    /// <summary>Answers the login by asking for the password in this way.</summary>
    public string? SwitchesTo { get; init; }

    /// <summary>What clients have sent, packet by packet.</summary>
    public IReadOnlyList<byte[]> Packets => [.. _packets];

    public bool Heard(string text) =>
        Packets.Any(packet => packet.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0);

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
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_closed.Token));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            NetworkStream stream = client.GetStream();
            try
            {
                await SendAsync(stream, 0, Greeting());
                byte sequence = await ReceiveAsync(stream);
                if (SwitchesTo is not null)
                {
                    byte[] way = [0xFE, .. Encoding.ASCII.GetBytes(SwitchesTo), 0, .. "abcdefghijklmnopqrst\0"u8];
                    await SendAsync(stream, (byte)(sequence + 1), way);
                    sequence = await ReceiveAsync(stream);
                }

                await SendAsync(stream, (byte)(sequence + 1), Ok);
                for (int statement = 0; ; statement++)
                {
                    sequence = await ReceiveAsync(stream);
                    if (statement == AsksAt)
                    {
                        byte[] wanted = [0xFB, .. Encoding.UTF8.GetBytes(FileWanted)];
                        await SendAsync(stream, (byte)(sequence + 1), wanted);
                        sequence = await ReceiveAsync(stream);
                    }

                    await SendAsync(stream, (byte)(sequence + 1), Ok);
                }
            }
            catch (Exception error) when (error is OperationCanceledException or IOException)
            {
                // The client has gone.
            }
        }
    }

    private static readonly byte[] Ok = [0, 0, 0, 2, 0, 0, 0];

    private static byte[] Greeting()
    {
        List<byte> packet = [10, .. "5.5.5-10.11.19-MariaDB\0"u8, 7, 0, 0, 0, .. "abcdefgh\0"u8];
        packet.AddRange(BitConverter.GetBytes((ushort)(Capabilities & 0xFFFF)));
        packet.AddRange([45, 2, 0]);
        packet.AddRange(BitConverter.GetBytes((ushort)(Capabilities >> 16)));
        packet.AddRange([21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. "ijklmnopqrst\0"u8, .. "mysql_native_password\0"u8]);
        return [.. packet];
    }

    private async Task SendAsync(NetworkStream stream, byte sequence, byte[] payload)
    {
        byte[] packet = [(byte)payload.Length, (byte)(payload.Length >> 8), 0, sequence, .. payload];
        await stream.WriteAsync(packet, _closed.Token);
    }

    private async Task<byte> ReceiveAsync(NetworkStream stream)
    {
        byte[] head = new byte[4];
        await stream.ReadExactlyAsync(head, _closed.Token);
        int length = (int)(BinaryPrimitives.ReadUInt32LittleEndian(head) & 0xFFFFFF);
        byte[] payload = new byte[length];
        await stream.ReadExactlyAsync(payload, _closed.Token);
        _packets.Enqueue(payload);
        return head[3];
    }
}
