using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Naru.Bench.Peers;

/// <summary>Redis Streams that sync every write (`appendfsync always`), in a folder of its own.</summary>
internal sealed class RedisPeer : IDisposable
{
    private readonly Process _process;

    private RedisPeer(Process process, int port, string version)
    {
        _process = process;
        Port = port;
        Version = version;
    }

    public int Port { get; }

    public string Version { get; }

    /// <summary>Null where Redis is not installed.</summary>
    public static RedisPeer? TryStart(string folder)
    {
        try
        {
            using Process asked = Start("--version");
            string version = asked.StandardOutput.ReadToEnd();
            asked.WaitForExit();
            int at = version.IndexOf("v=", StringComparison.Ordinal);
            int port = FreePort();
            string directory = Directory.CreateDirectory($"{folder}/redis").FullName;
            Process process = Start(
                "--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--dir", directory,
                "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning");
            WaitFor(port);
            return new RedisPeer(process, port, version[(at + 2)..].Split(' ')[0]);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <summary>So many XADD of one event each, to a stream that is kept short.</summary>
    public static byte[] Add(string[] events)
    {
        StringBuilder request = new();
        foreach (string one in events)
        {
            string[] words = ["XADD", "events", "MAXLEN", "~", "100000", "*", "e", one];
            request.Append(CultureInfo.InvariantCulture, $"*{words.Length}\r\n");
            foreach (string word in words)
            {
                request.Append(CultureInfo.InvariantCulture, $"${word.Length}\r\n{word}\r\n");
            }
        }

        return Encoding.ASCII.GetBytes(request.ToString());
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static Process Start(params string[] arguments)
    {
        ProcessStartInfo start = new("redis-server", arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    private static int FreePort()
    {
        using TcpListener listener = new(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static void WaitFor(int port)
    {
        for (int attempt = 0; attempt < 100; attempt++)
        {
            try
            {
                using TcpClient client = new("127.0.0.1", port);
                return;
            }
            catch (SocketException)
            {
                Thread.Sleep(50);
            }
        }
    }
}
