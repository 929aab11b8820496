using System.Globalization;
using System.Runtime.InteropServices;

namespace Naru.Query.Sandbox;

/// <summary>What is started as a worker: this program again, with a hidden verb and next to no environment.</summary>
internal sealed record WorkerProgram(
    string Executable, IReadOnlyList<string> Arguments, IReadOnlyList<string> Environment)
{
    /// <summary>Most memory of .NET's own heap in a worker; rows do not stay in it.</summary>
    private const long HeapBytesMax = 192L << 20;

    /// <summary>The hidden verb of the worker proper.</summary>
    public const string Verb = "worker";

    /// <summary>The hidden verb of the stage before it, which confines itself and becomes the worker.</summary>
    public const string StageVerb = "worker-stage";

    /// <summary>Folders and files that a .NET program needs in order to run; read and execute.</summary>
    public required IReadOnlyList<string> Folders { get; init; }

    /// <summary>
    /// Finds the `naru` program: beside the assemblies (also when tests run it), started directly or by `dotnet`.
    /// </summary>
    public static WorkerProgram Locate()
    {
        string home = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        string runtime = Path.TrimEndingDirectorySeparator(RuntimeEnvironment.GetRuntimeDirectory());

        // `<root>/shared/<framework>/<version>`; a self-contained program brings its runtime in its own folder.
        string? root = runtime == home
            ? null
            : Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(runtime)));

        List<string> environment =
        [
            string.Create(CultureInfo.InvariantCulture, $"DOTNET_GCHeapHardLimit={HeapBytesMax:x}"),

            // No debugger's or tracer's socket, no second copy of hot methods, no collector thread that idles.
            "DOTNET_EnableDiagnostics=0",
            "DOTNET_TieredPGO=0",
            "DOTNET_gcConcurrent=0",
        ];
        List<string> folders = [home, "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"];
        if (root is not null)
        {
            environment.Add($"DOTNET_ROOT={root}");
            folders.Add(root);
        }

        return new WorkerProgram(Path.Combine(home, "naru"), [Verb], environment) { Folders = folders };
    }
}
