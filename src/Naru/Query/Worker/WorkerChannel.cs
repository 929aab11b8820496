using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Naru.Core;
using Naru.Query.Sandbox;

namespace Naru.Query.Worker;

/// <summary>
/// The worker's end of the channel: blocking reads by one thread, writes by any. A write blocks while the server does
/// not read, which is how a slow client slows its query down.
/// </summary>
internal sealed unsafe class WorkerChannel
{
    private const int Descriptor = WorkerLauncher.ChannelDescriptor;

    private readonly Lock _writing = new();

    /// <summary>Null when the server has closed its end.</summary>
    public (FrameKind Kind, byte[] Payload)? Read()
    {
        byte* header = stackalloc byte[FrameLimits.HeaderBytes];
        if (!TryReadAll(new Span<byte>(header, FrameLimits.HeaderBytes)))
        {
            return null;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(new ReadOnlySpan<byte>(header, sizeof(int)));
        Invariant.Hold(length is >= 0 and <= FrameLimits.PayloadBytesMax);
        byte[] payload = new byte[length];
        return TryReadAll(payload) ? ((FrameKind)header[sizeof(int)], payload) : null;
    }

    public void Write(FrameKind kind, ReadOnlySpan<byte> payload)
    {
        Invariant.Hold(payload.Length <= FrameLimits.PayloadBytesMax);
        Span<byte> header = stackalloc byte[FrameLimits.HeaderBytes];
        BinaryPrimitives.WriteInt32LittleEndian(header, payload.Length);
        header[sizeof(int)] = (byte)kind;
        lock (_writing)
        {
            WriteAll(header);
            WriteAll(payload);
        }
    }

    public void Write<T>(FrameKind kind, T message, JsonTypeInfo<T> type) =>
        Write(kind, JsonSerializer.SerializeToUtf8Bytes(message, type));

    private static bool TryReadAll(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            nint done = 0;
            while (done < buffer.Length)
            {
                nint read = Libc.Read(Descriptor, start + done, (nuint)(buffer.Length - done));
                if (read < 0 && Marshal.GetLastPInvokeError() == Libc.InterruptedError)
                {
                    continue;
                }

                if (read <= 0)
                {
                    return false;
                }

                done += read;
            }
        }

        return true;
    }

    private static void WriteAll(ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            nint done = 0;
            while (done < buffer.Length)
            {
                nint written = Libc.Write(Descriptor, start + done, (nuint)(buffer.Length - done));
                if (written < 0 && Marshal.GetLastPInvokeError() == Libc.InterruptedError)
                {
                    continue;
                }

                if (written <= 0)
                {
                    // The server is gone: nobody is left to tell.
                    Libc.Exit(1);
                }

                done += written;
            }
        }
    }
}
