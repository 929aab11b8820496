using System.Text.Json;
using Naru.Lake.DuckDb;
using Naru.Query.Sandbox;

namespace Naru.Query.Worker;

/// <summary>
/// The worker process: one query at a time for one principal, inside the confinement that its launcher and
/// <see cref="WorkerConfinement"/> put on it. This thread reads frames; a session's own thread parses and runs. A
/// session lives for one run: its DuckDB is opened ahead, holds nothing before the run, and is thrown away after it.
/// No host, no configuration, no command line: a worker holds some 60 MB resident when idle.
/// </summary>
internal static class WorkerMain
{
    /// <summary>Runs until the server closes the channel. Never returns normally.</summary>
    public static int Run()
    {
        WorkerChannel channel = new();
        try
        {
            Serve(channel);
        }
        catch (Exception exception) when (exception is SandboxException or DuckDbException or DuckDbLibraryException)
        {
            Console.Error.WriteLine($"worker: {exception.Message}");
            Exit(1);
        }

        Exit(0);
        return 0;
    }

    /// <summary>The stage before: confines itself as told and becomes the worker.</summary>
    public static int RunStage()
    {
        try
        {
            byte[] told = Expect(new WorkerChannel(), FrameKind.Confine);
            WorkerGrants grants = JsonSerializer.Deserialize(told, WorkerJson.Default.WorkerGrants)!;
            Console.Error.WriteLine($"worker: {WorkerStage.Enter(WorkerProgram.Locate(), grants).Message}");
        }
        catch (SandboxException exception)
        {
            Console.Error.WriteLine($"worker: {exception.Message}");
        }

        Exit(1);
        return 1;
    }

    private static byte[] Expect(WorkerChannel channel, FrameKind kind)
    {
        if (channel.Read() is (FrameKind told, byte[] payload) && told == kind)
        {
            return payload;
        }

        Console.Error.WriteLine("a worker is started by the server; for SQL use `naru sql`");
        Exit(2);
        return [];
    }

    private static void Serve(WorkerChannel channel)
    {
        byte[] payload = Expect(channel, FrameKind.Setup);
        WorkerSetup setup = JsonSerializer.Deserialize(payload, WorkerJson.Default.WorkerSetup)!;
        DuckDbLibrary.AcceptParentCheck(setup.LibraryStamp);

        // Without it a compressed file that was cut off ends like a whole one (WholeFiles).
        AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);
        IReadOnlyDictionary<string, int> refusals = new Dictionary<string, int>();
        if (setup.Confined)
        {
            WorkerConfinement.Enter(setup.DataBytesMax, setup.FileBytesMax);
            refusals = ConfinementProof.Try(setup.Readable);
        }

        SessionSupply sessions = new(channel, setup);
        sessions.Next().WaitOpen();
        channel.Write(
            FrameKind.Ready, new WorkerReady(DuckDbLibrary.Version, refusals), WorkerJson.Default.WorkerReady);
        while (channel.Read() is (FrameKind kind, byte[] body))
        {
            switch (kind)
            {
                case FrameKind.Parse:
                    sessions.Next().Parse(body);
                    break;
                case FrameKind.Render:
                    sessions.Next().Render(body);
                    break;
                case FrameKind.Run:
                    sessions.Next().Run(JsonSerializer.Deserialize(body, WorkerJson.Default.RunRequest)!);
                    break;
                case FrameKind.Cancel:
                    sessions.Current.Cancel();
                    break;
            }
        }
    }

    /// <summary>
    /// Ends at once: a thread deep in native code must not keep a worker alive that nobody waits for.
    /// </summary>
    private static void Exit(int status) => Libc.Exit(status);
}
