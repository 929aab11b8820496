using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Naru.Core;

namespace Naru.Query.Sandbox;

/// <summary>A started worker: its process, the server's end of its channel, and what it prints.</summary>
internal sealed record LaunchedProcess(int ProcessId, Socket Channel, Socket Errors);

/// <summary>
/// Starts this program again as a worker. Descriptor 3 is one end of a socket pair, 0 and 1 are /dev/null, 2 is a
/// socket that the server drains. Everything else that the server has open is close-on-exec, as .NET and DuckDB open
/// it. The environment is empty but for <see cref="WorkerProgram.Environment"/>. What starts confines itself
/// (<see cref="WorkerStage"/>) and replaces itself by the worker proper before any SQL comes.
/// </summary>
internal static unsafe class WorkerLauncher
{
    /// <summary>The descriptor that the worker speaks on.</summary>
    public const int ChannelDescriptor = 3;

    private const int ErrorsDescriptor = 2;
    private const int AttributesBytes = 1024;
    private const int SignalSetBytes = 128;
    private const short SetSignalDefaultsFlag = 4;
    private const short SetSignalMaskFlag = 8;
    private const short NewSessionFlag = 0x80;

    public static LaunchedProcess Start(WorkerProgram program)
    {
        Invariant.Hold(OperatingSystem.IsLinux());
        (Socket ours, int theirs) = MakePair();
        (Socket errors, int theirErrors) = MakePair();
        try
        {
            using SpawnBlock block = new(program, theirs, theirErrors);
            int processId;
            int error = Libc.Spawn(
                &processId, block.Executable, block.Actions, block.Attributes, block.Arguments, block.Environment);
            return error == 0
                ? new LaunchedProcess(processId, ours, errors)
                : throw new SandboxException($"starting \"{Path.GetFileName(program.Executable)}\" as a worker", error);
        }
        catch
        {
            ours.Dispose();
            errors.Dispose();
            throw;
        }
        finally
        {
            _ = Libc.Close(theirs);
            _ = Libc.Close(theirErrors);
        }
    }

    private static (Socket Ours, int Theirs) MakePair()
    {
        int* pair = stackalloc int[2];
        if (Libc.SocketPair(Libc.UnixFamily, Libc.StreamSocket | Libc.SocketCloseOnExec, 0, pair) != 0)
        {
            throw new SandboxException("socketpair", Marshal.GetLastPInvokeError());
        }

        return (new Socket(new SafeSocketHandle(pair[0], ownsHandle: true)), pair[1]);
    }

    /// <summary>All that posix_spawn reads, in unmanaged memory.</summary>
    private sealed class SpawnBlock : IDisposable
    {
        private readonly List<nint> _owned = [];

        public SpawnBlock(WorkerProgram program, int channel, int errors)
        {
            Executable = Text(program.Executable);
            Arguments = Texts([program.Executable, .. program.Arguments]);
            Environment = Texts(program.Environment);
            Actions = (byte*)Own((nint)NativeMemory.AllocZeroed(AttributesBytes));
            Attributes = (byte*)Own((nint)NativeMemory.AllocZeroed(AttributesBytes));
            byte* none = (byte*)Own((nint)NativeMemory.AllocZeroed(SignalSetBytes));
            byte* all = (byte*)Own((nint)NativeMemory.Alloc(SignalSetBytes));
            NativeMemory.Fill(all, SignalSetBytes, 0xff);

            Check(Libc.InitFileActions(Actions));
            byte* device = Text("/dev/null");
            Check(Libc.AddOpen(Actions, 0, device, 0, 0));
            Check(Libc.AddOpen(Actions, 1, device, 1, 0));
            Check(Libc.AddDuplicate(Actions, errors, ErrorsDescriptor));
            Check(Libc.AddDuplicate(Actions, channel, ChannelDescriptor));

            // A session of its own: a terminal's interrupt is for the server, which ends its workers itself.
            Check(Libc.InitAttributes(Attributes));
            Check(Libc.SetSignalMask(Attributes, none));
            Check(Libc.SetSignalDefaults(Attributes, all));
            Check(Libc.SetFlags(Attributes, SetSignalDefaultsFlag | SetSignalMaskFlag | NewSessionFlag));
        }

        public byte* Executable { get; }

        public byte** Arguments { get; }

        public byte** Environment { get; }

        public byte* Actions { get; }

        public byte* Attributes { get; }

        public void Dispose()
        {
            _ = Libc.DestroyFileActions(Actions);
            _ = Libc.DestroyAttributes(Attributes);
            foreach (nint block in _owned)
            {
                NativeMemory.Free((void*)block);
            }
        }

        private static void Check(int error)
        {
            if (error != 0)
            {
                throw new SandboxException("posix_spawn", error);
            }
        }

        private byte* Text(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            byte* block = (byte*)Own((nint)NativeMemory.AllocZeroed((nuint)bytes.Length + 1));
            bytes.CopyTo(new Span<byte>(block, bytes.Length));
            return block;
        }

        private byte** Texts(IReadOnlyList<string> texts)
        {
            byte** block = (byte**)Own((nint)NativeMemory.AllocZeroed((nuint)((texts.Count + 1) * sizeof(byte*))));
            for (int i = 0; i < texts.Count; i++)
            {
                block[i] = Text(texts[i]);
            }

            return block;
        }

        private nint Own(nint block)
        {
            _owned.Add(block);
            return block;
        }
    }
}
