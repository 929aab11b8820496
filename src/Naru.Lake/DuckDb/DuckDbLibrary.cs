using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

// This file checks and loads the program's own native library before any data is touched; it is no persistent IO.
#pragma warning disable RS0030

namespace Naru.Lake.DuckDb;

/// <summary>
/// Loads the pinned DuckDB library from the program's folder, and only when its SHA-256 is the one that this assembly
/// was built with. Hashing 70 MB is done once a process; a worker process may be handed its parent's result.
/// </summary>
public static class DuckDbLibrary
{
    internal const string Name = "duckdb";
    private const string FileName = "libduckdb.so";

    private static readonly Lock Gate = new();
    private static nint _handle;
    private static string? _acceptedStamp;

    /// <summary>DuckDB's version that the binding is written for, e.g. `1.5.6`.</summary>
    public static string Version { get; } = Metadata("DuckDbVersion");

    internal static string Sha256 { get; } = Metadata("DuckDbSha256");

    /// <summary>
    /// Checks the library when this process has not done so yet, and returns what a worker passes to
    /// <see cref="AcceptParentCheck"/>.
    /// </summary>
    public static string CheckedStamp()
    {
        Load();
        return StampOf(DefaultPath);
    }

    /// <summary>
    /// Skips the hash for a file that still has the size and time its parent process checked. To be called before the
    /// first use of DuckDB, with a stamp that came over the worker's own channel.
    /// </summary>
    public static void AcceptParentCheck(string stamp) => _acceptedStamp = stamp;

    internal static string DefaultPath => Path.Combine(AppContext.BaseDirectory, FileName);

    internal static nint Resolve(string library, Assembly assembly, DllImportSearchPath? searchPath) =>
        library == Name ? Load() : 0;

    /// <summary>Throws <see cref="DuckDbLibraryException"/> when the file is missing or not the pinned one.</summary>
    internal static void Check(string path)
    {
        if (!File.Exists(path))
        {
            throw new DuckDbLibraryException(
                $"the DuckDB library \"{path}\" is missing; build the solution again, or unpack the archive again");
        }

        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 20);
        string found = Convert.ToHexStringLower(SHA256.HashData(file));
        if (found != Sha256)
        {
            throw new DuckDbLibraryException(
                $"the DuckDB library \"{path}\" is not the one that Naru was built with: its SHA-256 is {found}, "
                + $"not {Sha256}; delete native/node_modules and build again, or unpack the archive again");
        }
    }

    private static nint Load()
    {
        lock (Gate)
        {
            if (_handle == 0)
            {
                CheckUnlessAccepted(DefaultPath, _acceptedStamp);
                _handle = NativeLibrary.Load(DefaultPath);
            }

            return _handle;
        }
    }

    internal static void CheckUnlessAccepted(string path, string? stamp)
    {
        if (stamp is null || !File.Exists(path) || StampOf(path) != stamp)
        {
            Check(path);
        }
    }

    internal static string StampOf(string path)
    {
        FileInfo file = new(path);
        return string.Create(CultureInfo.InvariantCulture, $"{file.Length}-{file.LastWriteTimeUtc.Ticks}");
    }

    private static string Metadata(string key) =>
        typeof(DuckDbLibrary).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .First(attribute => attribute.Key == key).Value!;
}

/// <summary>The native library is missing or was changed: a person is needed.</summary>
public sealed class DuckDbLibraryException(string message) : Exception(message);
