using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Naru.Connections;
using Naru.Redis;
using Naru.Tests.Platform;

namespace Naru.Tests.Redis;

/// <summary>A Redis of one test: Debian's server on loopback, without a disk.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const string Program = "/usr/bin/redis-server";
    private readonly Process _process;

    private RedisServer(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    public static async Task<RedisServer> StartAsync(params string[] more)
    {
        Prerequisite.Need(File.Exists(Program), "needs Redis: apt-get install redis-server");
        int port = FreePort();
        Process process = Process.Start(new ProcessStartInfo(
            Program,
            [
                "--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no", "--dir", Path.GetTempPath(), .. more,
            ])
        {
            RedirectStandardOutput = true,
        })!;
        RedisServer server = new(process, port);
        while (await process.StandardOutput.ReadLineAsync() is { } line && !line.Contains("Ready to accept"))
        {
            // It says so when it listens.
        }

        return server;
    }

    /// <summary>A port of loopback that nobody listens on.</summary>
    public static int FreePort()
    {
        using Socket free = new(SocketType.Stream, ProtocolType.Tcp);
        free.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)free.LocalEndPoint!).Port;
    }

    /// <summary>The answers of some commands.</summary>
    public async Task<string[]> AskAsync(params string[] commands)
    {
        await using RespConnection redis = await RespConnection.OpenAsync(
            new RespAddress("127.0.0.1", Port, ConnectionTls.Off), TestContext.Current.CancellationToken);
        foreach (string command in commands)
        {
            redis.Write(command.Split(' '));
        }

        return [.. (await redis.FlushAsync(TestContext.Current.CancellationToken)).Select(static reply => reply.Text)];
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
