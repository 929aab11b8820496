using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using Naru.Backup;
using Naru.Core.Files;

namespace Naru.Cli;

/// <summary>What the commands about backups have in common.</summary>
internal static class BackupOptions
{
    public static Argument<string> Target() => new("BACKUPS") { Description = "folder of backups" };

    public static Option<string?> KeyFile() => new("--key-file")
    {
        Description = "file with the key that the backups are encrypted with",
        HelpName = "FILE",
    };

    public static Option<string?> Id() => new("--backup")
    {
        Description = "which one, as `naru backup list` names it; default: the newest",
        HelpName = "ID",
    };

    public static BackupFolder Open(IFileSystem files, string root, string? keyFile) => BackupFolder.Open(
        files, Path.GetFullPath(root), keyFile is null ? null : BackupCipher.ReadKeyFile(files, keyFile));

    /// <summary>A failing disk or a damaged backup is told as it is, not as a crash.</summary>
    public static async Task<int> TryAsync(Func<Task<int>> run)
    {
        try
        {
            return await run().ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message).ConfigureAwait(false);
            return ExitCode.Failed;
        }
        catch (Lake.Delta.DeltaException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message).ConfigureAwait(false);
            return ExitCode.Failed;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("stopped; nothing was added").ConfigureAwait(false);
            return ExitCode.Failed;
        }
    }
}

/// <summary>Tells on a terminal how far a copy is; silent when piped.</summary>
internal sealed class CopyProgress(string verb, int? total) : IDisposable
{
    private const int FilesPerLine = 50;
    private static readonly string[] Units = ["bytes", "KB", "MB", "GB", "TB"];
    private readonly bool _shown = !Console.IsErrorRedirected;
    private int _files;
    private long _bytes;

    public void Add(BackupFile file)
    {
        _files++;
        _bytes += file.Bytes;
        if (_shown && _files % FilesPerLine == 1)
        {
            string of = total is int all ? $" of {all}" : "";
            Console.Error.Write($"\r{verb} {_files}{of} files, {Size(_bytes)}   ");
        }
    }

    /// <summary>A size to read, not to calculate with: `3.2 MB`.</summary>
    public static string Size(long bytes)
    {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit + 1 < Units.Length)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {Units[unit]}");
    }

    public void Dispose()
    {
        if (_shown && _files > 0)
        {
            Console.Error.Write("\r" + new string(' ', 60) + "\r");
            _files = 0;
        }
    }
}

internal sealed record BackupAnswer(
    string Id,
    string Project,
    DateTimeOffset MadeAt,
    long Landing,
    ImmutableArray<BackupPartition> Partitions,
    int Files,
    long Bytes,
    int WrittenFiles,
    long WrittenBytes);

internal sealed record VerifyAnswer(string Id, int Files, long Bytes, ImmutableArray<string> Problems);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BackupAnswer))]
[JsonSerializable(typeof(VerifyAnswer))]
internal sealed partial class BackupCommandJson : JsonSerializerContext;
