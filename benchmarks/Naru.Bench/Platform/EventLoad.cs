using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Naru.Bench.Platform;

/// <summary>How a load is sent.</summary>
internal sealed record LoadShape
{
    public required int Connections { get; init; }

    /// <summary>Events of one request.</summary>
    public required int BatchEvents { get; init; }

    /// <summary>Events a second over all connections; 0: as fast as they are acknowledged.</summary>
    public double Rate { get; init; }

    public string[] Logs { get; init; } = [EventLines.Log];

    /// <summary>Lines made before, to be sent in order; empty: made while sending.</summary>
    public ReadOnlyMemory<byte> Prepared { get; init; }
}

/// <summary>
/// Sends new events over blocking sockets, a thread a connection, one request in flight on each. Keeps when each
/// batch was acknowledged, per (log, connection); a log is sent by one connection, or by all where there is one log.
/// </summary>
internal sealed class EventLoad : IDisposable
{
    private readonly int _port;
    private readonly LoadShape _shape;
    private readonly EventLines _lines;
    private readonly Thread[] _threads;
    private readonly ConcurrentDictionary<(string Log, int Connection), List<long>> _acknowledged = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private long _nextEvent;
    private long _acknowledgedEvents;
    private volatile bool _stop;
    private volatile Exception? _failure;

    /// <param name="eventsMax">Ends by itself after so many.</param>
    public EventLoad(int port, LoadShape shape, EventLines lines, long eventsMax)
    {
        _port = port;
        _shape = shape;
        _lines = lines;
        EventsMax = eventsMax;
        _threads = new Thread[shape.Connections];
        for (int i = 0; i < shape.Connections; i++)
        {
            int connection = i;
            _threads[i] = new Thread(() => Run(connection)) { IsBackground = true, Name = $"load-{i}" };
            _threads[i].Start();
        }
    }

    public long EventsMax { get; }

    /// <summary>A connection broke, or an answer was no 200.</summary>
    public bool Failed => _failure is not null;

    public long AcknowledgedEvents => Interlocked.Read(ref _acknowledgedEvents);

    /// <summary>When the batch with this number of a log's connection was acknowledged; null: not yet.</summary>
    public long? AcknowledgedAt(string log, int connection, int batch)
    {
        if (!_acknowledged.TryGetValue((log, connection), out List<long>? times))
        {
            return null;
        }

        lock (times)
        {
            return batch < times.Count ? times[batch] : null;
        }
    }

    /// <summary>All batches' times of acknowledgement, in order.</summary>
    public long[] AllAcknowledged()
    {
        List<long> all = [];
        foreach (List<long> times in _acknowledged.Values)
        {
            lock (times)
            {
                all.AddRange(times);
            }
        }

        all.Sort();
        return [.. all];
    }

    /// <summary>Stops and waits for what is in flight; throws what a connection failed with.</summary>
    public void Stop()
    {
        _stop = true;
        Join();
    }

    public void Join()
    {
        Array.ForEach(_threads, static thread => thread.Join());
        if (_failure is not null)
        {
            throw new InvalidOperationException($"the load ended: {_failure.Message}", _failure);
        }
    }

    public void Dispose()
    {
        _stop = true;
        Array.ForEach(_threads, static thread => thread.Join());
    }

    private void Run(int connection)
    {
        try
        {
            using Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Connect(IPAddress.Loopback, _port);
            string[] logs =
                [.. _shape.Logs.Where((_, i) => _shape.Logs.Length == 1 || i % _shape.Connections == connection)];
            byte[] body = new byte[_shape.BatchEvents * EventLines.LineBytes];
            byte[] answer = new byte[4096];
            for (long batch = 0; !_stop; batch++)
            {
                long first = Interlocked.Add(ref _nextEvent, _shape.BatchEvents) - _shape.BatchEvents;
                if (first + _shape.BatchEvents > EventsMax)
                {
                    return;
                }

                WaitFor(batch, connection);
                string log = logs[batch % logs.Length];
                if (_shape.Prepared.IsEmpty)
                {
                    _lines.Fill(body, first, connection, DateTime.UtcNow);
                    EventSocket.Send(socket, log, body, answer);
                }
                else
                {
                    int start = (int)first * EventLines.LineBytes;
                    EventSocket.Send(socket, log, _shape.Prepared.Span.Slice(start, body.Length), answer);
                }

                List<long> times = _acknowledged.GetOrAdd((log, connection), static _ => []);
                lock (times)
                {
                    times.Add(Stopwatch.GetTimestamp());
                }

                Interlocked.Add(ref _acknowledgedEvents, _shape.BatchEvents);
            }
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            _failure = exception;
        }
    }

    private void WaitFor(long batch, int connection)
    {
        if (_shape.Rate <= 0)
        {
            return;
        }

        double due = ((batch * _shape.Connections) + connection) * _shape.BatchEvents / _shape.Rate;
        double wait = due - Stopwatch.GetElapsedTime(_start).TotalSeconds;
        if (wait > 0)
        {
            Thread.Sleep(TimeSpan.FromSeconds(wait));
        }
    }
}

/// <summary>One request and its answer on a blocking socket: what a generator pays is little.</summary>
internal static class EventSocket
{
    public static void Send(Socket socket, string log, ReadOnlySpan<byte> body, byte[] answer)
    {
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST /v1/events/{log} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
            + $"Content-Length: {body.Length}\r\n\r\n");
        socket.Send(Encoding.ASCII.GetBytes(head), SocketFlags.None);
        for (int sent = 0; sent < body.Length;)
        {
            sent += socket.Send(body[sent..], SocketFlags.None);
        }

        int length = 0;
        while (!IsWhole(answer.AsSpan(0, length)))
        {
            int received = socket.Receive(answer.AsSpan(length), SocketFlags.None);
            length += received > 0 ? received : throw new IOException("the server closed a connection");
        }

        if (!answer.AsSpan(9).StartsWith("200"u8))
        {
            throw new IOException(Encoding.UTF8.GetString(answer, 0, length));
        }
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        int header = answer.IndexOf("\r\n\r\n"u8);
        if (header < 0)
        {
            return false;
        }

        int at = answer.IndexOf("Content-Length: "u8);
        return at < 0
            ? answer.EndsWith("0\r\n\r\n"u8)
            : System.Buffers.Text.Utf8Parser.TryParse(answer[(at + 16)..], out int length, out _)
                && answer.Length == header + 4 + length;
    }
}
