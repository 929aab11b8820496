using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Naru.Bench.Collect;

/// <param name="Requests">Answered within the measured time.</param>
/// <param name="Failed">Answered with another status than 200 or 204.</param>
internal sealed record LoadResult(
    long Requests, long Failed, double Seconds, double P50Microseconds, double P99Microseconds)
{
    public double Rate => Requests / Seconds;

    /// <summary>CPU time of the server a request, on all cores; 0 where not measured.</summary>
    public double ServerMicroseconds { get; init; }
}

/// <summary>
/// One thread, N connections, one request in flight on each, no pipelining. Closed loop: the next request follows the
/// answer. Open loop: requests are due at a fixed rate and wait for a connection where all are busy; their latency
/// counts from when they were due.
/// </summary>
internal sealed unsafe class LoadGenerator : IDisposable
{
    private const int BucketsMicroseconds = 2_000_000;
    private const int AnswerBytes = 64 * 1024;
    private const int NoSignal = 0x4000;

    private readonly Connection[] _connections;
    private readonly byte* _request;
    private readonly int _requestLength;
    private readonly int _repliesWanted;
    private readonly int _epoll;
    private readonly int[] _latencies = new int[BucketsMicroseconds];
    private long _requests;
    private long _failed;
    private bool _measures;

    /// <param name="repliesWanted">0: one HTTP answer; else so many lines that begin with `$` or `+` (RESP).</param>
    public LoadGenerator(int port, int connections, byte[] request, int repliesWanted = 0)
    {
        _requestLength = request.Length;
        _request = (byte*)NativeMemory.Alloc((nuint)request.Length);
        _repliesWanted = repliesWanted;
        request.CopyTo(new Span<byte>(_request, request.Length));
        _epoll = Epoll.Create(0);
        _connections = new Connection[connections];
        for (int i = 0; i < connections; i++)
        {
            _connections[i] = new Connection(port);
            Epoll.Event interest = new() { Events = Epoll.In, Data = i };
            if (Epoll.Control(_epoll, Epoll.Add, _connections[i].Descriptor, &interest) != 0)
            {
                throw new IOException("epoll_ctl failed");
            }
        }
    }

    public void Dispose()
    {
        Array.ForEach(_connections, static connection => connection.Dispose());
        NativeMemory.Free(_request);
    }

    /// <param name="rate">Requests a second; 0: closed loop.</param>
    public LoadResult Run(double warmUpSeconds, double seconds, double rate)
    {
        long start = Stopwatch.GetTimestamp();
        long measureFrom = start + (long)(warmUpSeconds * Stopwatch.Frequency);
        long end = measureFrom + (long)(seconds * Stopwatch.Frequency);
        Queue<int> idle = new(Enumerable.Range(0, _connections.Length));
        Epoll.Event* events = stackalloc Epoll.Event[512];
        double interval = rate > 0 ? Stopwatch.Frequency / rate : 0;
        double due = start;
        while (true)
        {
            long now = Stopwatch.GetTimestamp();
            if (now >= end)
            {
                break;
            }

            _measures = now >= measureFrom;
            while (idle.Count > 0 && due <= now)
            {
                int next = idle.Dequeue();
                Begin(next, rate > 0 ? (long)due : now);
                due = rate > 0 ? due + interval : due;
            }

            int ready = Epoll.Wait(_epoll, events, 512, rate > 0 ? 1 : 100);
            for (int i = 0; i < ready; i++)
            {
                if (Advance((int)events[i].Data, events[i].Events))
                {
                    idle.Enqueue((int)events[i].Data);
                }
            }
        }

        return new LoadResult(_requests, _failed, seconds, Percentile(0.5), Percentile(0.99));
    }

    private void Begin(int index, long due)
    {
        Connection connection = _connections[index];
        connection.Due = due;
        connection.Sent = 0;
        connection.Received = 0;
        Send(index, connection);
    }

    /// <summary>True when the answer is complete.</summary>
    private bool Advance(int index, uint ready)
    {
        Connection connection = _connections[index];
        if ((ready & Epoll.Out) != 0)
        {
            Send(index, connection);
        }

        if ((ready & ~Epoll.Out) == 0)
        {
            return false;
        }

        fixed (byte* answer = connection.Answer)
        {
            nint received = Epoll.Receive(
                connection.Descriptor, answer + connection.Received, AnswerBytes - connection.Received, 0);
            if (received <= 0)
            {
                throw new IOException("the server closed a connection");
            }

            connection.Received += (int)received;
        }

        if (!IsComplete(connection))
        {
            return false;
        }

        Count(connection);
        return true;
    }

    private void Send(int index, Connection connection)
    {
        while (connection.Sent < _requestLength)
        {
            nint sent = Epoll.Send(
                connection.Descriptor, _request + connection.Sent, _requestLength - connection.Sent, NoSignal);
            if (sent < 0)
            {
                Watch(index, connection, Epoll.In | Epoll.Out);
                return;
            }

            connection.Sent += (int)sent;
        }

        Watch(index, connection, Epoll.In);
    }

    private void Watch(int index, Connection connection, uint events)
    {
        if (connection.Watched != events)
        {
            connection.Watched = events;
            Epoll.Event interest = new() { Events = events, Data = index };
            Epoll.Control(_epoll, Epoll.Modify, connection.Descriptor, &interest);
        }
    }

    private bool IsComplete(Connection connection)
    {
        ReadOnlySpan<byte> answer = connection.Answer.AsSpan(0, connection.Received);
        if (_repliesWanted > 0)
        {
            // Replies of XADD: $15\r\nid\r\n.
            return answer.EndsWith("\r\n"u8) && answer.Count((byte)'$') == _repliesWanted
                && answer.Count((byte)'\n') == 2 * _repliesWanted;
        }

        int header = answer.IndexOf("\r\n\r\n"u8);
        if (header < 0)
        {
            return false;
        }

        int at = answer.IndexOf("Content-Length: "u8);
        int length = at >= 0 && Utf8Parser.TryParse(answer[(at + 16)..], out int given, out _) ? given : 0;
        return answer.Length == header + 4 + length;
    }

    private void Count(Connection connection)
    {
        if (!_measures)
        {
            return;
        }

        long microseconds = (long)Stopwatch.GetElapsedTime(connection.Due).TotalMicroseconds;
        _latencies[Math.Clamp(microseconds, 0, BucketsMicroseconds - 1)]++;
        _requests++;
        if (_repliesWanted == 0 && !connection.Answer.AsSpan(9).StartsWith("20"u8))
        {
            if (_failed++ == 0)
            {
                Console.Error.WriteLine(Encoding.UTF8.GetString(connection.Answer, 0, connection.Received));
            }
        }
    }

    private double Percentile(double share)
    {
        long wanted = (long)(_requests * share);
        for (int i = 0; i < BucketsMicroseconds; i++)
        {
            wanted -= _latencies[i];
            if (wanted < 0)
            {
                return i;
            }
        }

        return BucketsMicroseconds;
    }

    private sealed class Connection : IDisposable
    {
        private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

        public Connection(int port)
        {
            _socket.Connect(IPAddress.Loopback, port);
            _socket.Blocking = false;
            Descriptor = (int)_socket.SafeHandle.DangerousGetHandle();
        }

        public int Descriptor { get; }

        public byte[] Answer { get; } = new byte[AnswerBytes];

        public long Due { get; set; }

        public int Sent { get; set; }

        public int Received { get; set; }

        public uint Watched { get; set; } = Epoll.In;

        public void Dispose() => _socket.Dispose();
    }
}

/// <summary>The generator as a process of its own, so that the server has its collector for itself.</summary>
internal static class LoadProcess
{
    public const string Verb = "collect-load";

    /// <summary>Arguments: port, connections, replies, warm-up, seconds, rate; the request on standard input.</summary>
    public static int Run(string[] arguments)
    {
        double[] values = [.. arguments.Select(static text => double.Parse(text, CultureInfo.InvariantCulture))];
        using MemoryStream request = new();
        Console.OpenStandardInput().CopyTo(request);
        using LoadGenerator generator = new((int)values[0], (int)values[1], request.ToArray(), (int)values[2]);
        LoadResult result = generator.Run(values[3], values[4], values[5]);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Requests} {result.Failed} {result.Seconds} {result.P50Microseconds} {result.P99Microseconds}"));
        return 0;
    }

    public static LoadResult Start(LoadRequest load)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        foreach (double value in (double[])
            [load.Port, load.Connections, load.Replies, load.WarmUpSeconds, load.Seconds, load.Rate])
        {
            start.ArgumentList.Add(value.ToString(CultureInfo.InvariantCulture));
        }

        start.ArgumentList.Insert(0, Verb);
        using Process process = Process.Start(start)!;
        process.StandardInput.BaseStream.Write(load.Request);
        process.StandardInput.Close();
        double[] result =
        [
            .. process.StandardOutput.ReadToEnd().Split(' ', StringSplitOptions.TrimEntries)
                .Select(static text => double.Parse(text, CultureInfo.InvariantCulture)),
        ];
        process.WaitForExit();
        return new LoadResult((long)result[0], (long)result[1], result[2], result[3], result[4]);
    }
}

/// <summary>What to send where, how long.</summary>
internal sealed record LoadRequest(int Port, int Connections, byte[] Request)
{
    public int Replies { get; init; }

    public double WarmUpSeconds { get; init; } = 0.5;

    public double Seconds { get; init; } = 2;

    /// <summary>Requests a second; 0: as fast as answers come.</summary>
    public double Rate { get; init; }
}
