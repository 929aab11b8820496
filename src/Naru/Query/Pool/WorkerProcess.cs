using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Naru.Core;
using Naru.Core.Files;
using Naru.Lake.DuckDb;
using Naru.Query.Sandbox;
using Naru.Query.Worker;

namespace Naru.Query.Pool;

/// <summary>
/// A worker as the server holds it: its process, the channel, its spill folder. One query at a time reads and writes
/// it; only <see cref="Kill"/> may be called from anywhere. What dies is noticed by the end of the channel.
/// </summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private readonly LaunchedProcess _process;
    private readonly IFileSystem _files;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly byte[] _header = new byte[FrameLimits.HeaderBytes];
    private readonly Task _errors;
    private byte[] _payload = new byte[64 * 1024];
    private bool _reaped;

    private WorkerProcess(LaunchedProcess process, string spillFolder, IFileSystem files, ILogger logger)
    {
        _process = process;
        _files = files;
        SpillFolder = spillFolder;
        _errors = DrainErrorsAsync(logger);
    }

    public int ProcessId => _process.ProcessId;

    public string SpillFolder { get; }

    /// <summary>What it tried when it was confined, and with which error each was refused.</summary>
    public IReadOnlyDictionary<string, int> Refusals { get; private set; } = new Dictionary<string, int>();

    /// <summary>Name of the principal whose queries it has run; null while it has run none.</summary>
    public string? Owner { get; set; }

    /// <summary>The folders of others that it may read, as they were when it was started.</summary>
    public required string OutsidePrint { get; init; }

    /// <summary>
    /// Set once nothing more can be asked of it: it failed, was killed, or its channel is out of step.
    /// </summary>
    public bool Broken { get; private set; }

    /// <summary>
    /// How it ended, as waitpid tells: 9 is SIGKILL, 6 is abort, 11 is a segmentation fault; 0 while it lives.
    /// </summary>
    public int EndSignal { get; private set; }

    public static async Task<WorkerProcess> StartAsync(WorkerStart start, CancellationToken cancellationToken)
    {
        start.Files.CreateDirectory(start.SpillFolder);
        string verb = start.Setup.Confined ? WorkerProgram.StageVerb : WorkerProgram.Verb;
        LaunchedProcess process = WorkerLauncher.Start(start.Program with { Arguments = [verb] });
        WorkerProcess worker = new(process, start.SpillFolder, start.Files, start.Logger)
        {
            OutsidePrint = start.OutsidePrint,
        };
        try
        {
            await worker.TellAsync(start, cancellationToken).ConfigureAwait(false);
            WorkerFrame frame = await worker.ReadAsync(cancellationToken).ConfigureAwait(false);
            Invariant.Hold(frame.Kind == FrameKind.Ready);
            worker.Refusals = JsonSerializer.Deserialize(frame.Payload.Span, WorkerJson.Default.WorkerReady)!.Refusals;
            string passed = string.Join(
                ", ", worker.Refusals.Where(static tried => tried.Value == 0).Select(static tried => tried.Key));
            return passed.Length == 0
                ? worker
                : throw new WorkerEndedException($"it is not confined: it could {passed}");
        }
        catch
        {
            await worker.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public ValueTask SendAsync<T>(
        FrameKind kind, T message, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        SendAsync(kind, JsonSerializer.SerializeToUtf8Bytes(message, type), cancellationToken);

    public async ValueTask SendAsync(FrameKind kind, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        Invariant.Hold(payload.Length <= FrameLimits.PayloadBytesMax);
        byte[] frame = ArrayPool<byte>.Shared.Rent(FrameLimits.HeaderBytes + payload.Length);

        // A cancel may come while a run is still being told.
        await _sending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            BinaryPrimitives.WriteInt32LittleEndian(frame, payload.Length);
            frame[sizeof(int)] = (byte)kind;
            payload.CopyTo(frame.AsMemory(FrameLimits.HeaderBytes));
            ReadOnlyMemory<byte> rest = frame.AsMemory(0, FrameLimits.HeaderBytes + payload.Length);
            while (!rest.IsEmpty)
            {
                int sent = await _process.Channel.SendAsync(rest, SocketFlags.None, cancellationToken)
                    .ConfigureAwait(false);
                rest = rest[sent..];
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            throw Ended(exception.Message);
        }
        catch (OperationCanceledException)
        {
            Broken = true;
            throw;
        }
        finally
        {
            _sending.Release();
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    /// <summary>
    /// The next frame; its payload is valid until the next read. A cancelled read leaves the worker broken.
    /// </summary>
    public async ValueTask<WorkerFrame> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ReadAllAsync(_header, cancellationToken).ConfigureAwait(false);
            int length = BinaryPrimitives.ReadInt32LittleEndian(_header);
            if (length is < 0 or > FrameLimits.PayloadBytesMax)
            {
                throw Ended("the channel is out of step");
            }

            if (_payload.Length < length)
            {
                _payload = new byte[length];
            }

            await ReadAllAsync(_payload.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            return new WorkerFrame((FrameKind)_header[sizeof(int)], _payload.AsMemory(0, length));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            throw Ended(exception.Message);
        }
        catch (OperationCanceledException)
        {
            Broken = true;
            throw;
        }
    }

    /// <summary>Gives back the memory of an unusually large frame (a syntax tree of megabytes).</summary>
    public void TrimPayload()
    {
        const int KeptBytes = 1 << 20;
        if (_payload.Length > KeptBytes)
        {
            _payload = new byte[64 * 1024];
        }
    }

    /// <summary>SIGKILL. Whoever waits for a frame then sees the end.</summary>
    public void Kill()
    {
        lock (_gate)
        {
            Broken = true;
            if (!_reaped)
            {
                _ = Libc.Kill(ProcessId, Libc.KillSignal);
            }
        }
    }

    /// <summary>Kills it, waits for its end, and removes its folder.</summary>
    public async ValueTask DisposeAsync()
    {
        Kill();
        Reap();
        _process.Channel.Dispose();
        await _errors.ConfigureAwait(false);
        _process.Errors.Dispose();
        _sending.Dispose();
        _files.DeleteDirectory(SpillFolder);
    }

    private async ValueTask TellAsync(WorkerStart start, CancellationToken cancellationToken)
    {
        if (start.Setup.Confined)
        {
            WorkerGrants grants = new(start.Setup.Readable, start.SpillFolder, start.Setup.Niceness)
            {
                Outside = start.Setup.Outside,
            };
            await SendAsync(FrameKind.Confine, grants, WorkerJson.Default.WorkerGrants, cancellationToken)
                .ConfigureAwait(false);
        }

        await SendAsync(FrameKind.Setup, start.Setup, WorkerJson.Default.WorkerSetup, cancellationToken)
            .ConfigureAwait(false);
    }

    private async ValueTask ReadAllAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            int read = await _process.Channel.ReceiveAsync(buffer, SocketFlags.None, cancellationToken)
                .ConfigureAwait(false);
            if (read == 0)
            {
                throw Ended("the channel was closed");
            }

            buffer = buffer[read..];
        }
    }

    private WorkerEndedException Ended(string seen)
    {
        Kill();
        Reap();
        return new WorkerEndedException($"{seen}; the process ended with signal {EndSignal}");
    }

    /// <summary>Waits for the killed process: a moment, also from a loop's top.</summary>
    private unsafe void Reap()
    {
        lock (_gate)
        {
            if (_reaped)
            {
                return;
            }

            int status = 0;
            int result;
            do
            {
                result = Libc.Wait(ProcessId, &status, 0);
            }
            while (result < 0 && Marshal.GetLastPInvokeError() == Libc.InterruptedError);

            _reaped = true;
            EndSignal = status & 0x7f;
        }
    }

    private async Task DrainErrorsAsync(ILogger logger)
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (true)
            {
                int read = await _process.Errors.ReceiveAsync(buffer, SocketFlags.None).ConfigureAwait(false);
                if (read == 0)
                {
                    return;
                }

                QueryLog.WorkerSaid(logger, ProcessId, WorkerWords.Redact(buffer.AsSpan(0, read)));
            }
        }
        catch (SocketException)
        {
            // It ended in mid-word.
        }
    }
}

/// <summary>All that a start needs.</summary>
internal sealed record WorkerStart
{
    public required WorkerProgram Program { get; init; }

    public required string SpillFolder { get; init; }

    public required WorkerSetup Setup { get; init; }

    public required IFileSystem Files { get; init; }

    public required ILogger Logger { get; init; }

    public required string OutsidePrint { get; init; }
}

internal readonly record struct WorkerFrame(FrameKind Kind, ReadOnlyMemory<byte> Payload);

/// <summary>The worker is gone: it was killed, crashed, or ran out of memory.</summary>
internal sealed class WorkerEndedException(string message) : Exception(message);
