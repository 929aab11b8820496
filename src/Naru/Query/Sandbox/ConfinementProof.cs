using System.Runtime.InteropServices;

namespace Naru.Query.Sandbox;

/// <summary>
/// What a worker tries as soon as it is confined. All must be refused; a worker that gets through with one is not used.
/// So a kernel that takes the rules and does not hold them, or a mistake in them, is seen before any SQL runs.
/// </summary>
internal static unsafe class ConfinementProof
{
    private const int CreateToWrite = 0x41;
    private const int InternetFamily = 2;
    private const int NotFound = 2;
    private const int TraceSeize = 0x4206;

    /// <summary>Names of what was tried, and errno of its refusal; 0 where it was not refused.</summary>
    public static IReadOnlyDictionary<string, int> Try(IReadOnlyList<string> readable)
    {
        int parent = Libc.ParentProcessId();
        Dictionary<string, int> tried = new(StringComparer.Ordinal)
        {
            ["read /etc/passwd"] = Open("/etc/passwd", 0),
            ["read the server's environment"] = Open($"/proc/{parent}/environ", 0),
            ["read the server's memory"] = Open($"/proc/{parent}/mem", 0),
            ["list /"] = Open("/", 0),
            ["make a TCP socket"] = Error(Libc.Socket(InternetFamily, Libc.StreamSocket, 0)),
            ["make a local socket"] = Error(Libc.Socket(Libc.UnixFamily, Libc.StreamSocket, 0)),
            ["signal the server"] = Error(Libc.Kill(parent, 0)),
            ["trace the server"] = Error(Libc.Trace(TraceSeize, parent, 0, 0)),
            ["change a file's mode"] = Unless(NotFound, Error(Libc.ChangeMode("/no-such-file", 0))),
            ["run a program"] = Execute(),
            ["make a process"] = Fork(),
        };
        foreach (string folder in readable)
        {
            tried[$"write to {Path.GetFileName(folder)}"] = Open($"{folder}/written-by-a-worker", CreateToWrite);
        }

        return tried;
    }

    private static int Open(string path, int flags)
    {
        int descriptor = Libc.Open(path, flags | Libc.OpenCloseOnExec);
        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        _ = Libc.Close(descriptor);
        return 0;
    }

    private static int Error(nint result) => result < 0 ? Marshal.GetLastPInvokeError() : 0;

    private static int Execute()
    {
        byte* end = stackalloc byte[1];
        byte** none = stackalloc byte*[1];
        end[0] = 0;
        none[0] = null;

        return Unless(NotFound, Error(Libc.Execute(end, none, none)));
    }

    /// <summary>
    /// A path that does not exist is refused by the filter before it is looked at; found missing, it was let through.
    /// </summary>
    private static int Unless(int letThrough, int error) => error == letThrough ? 0 : error;

    private static int Fork()
    {
        // The raw call, without a library's handlers: a child that is made in spite of all ends at once.
        const int ChildSignal = 17;
        bool x64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;
        nint result = Libc.SystemCall(x64 ? 57 : 220, ChildSignal, 0, 0, 0);
        if (result == 0)
        {
            Libc.Exit(0);
        }

        return Error(result);
    }
}
