using System.CommandLine;
using Naru.Backup;
using Naru.Core.Files;

namespace Naru.Cli;

/// <summary>`naru restore BACKUPS DIR`: a backup becomes a project again, in a new folder.</summary>
internal static class RestoreCommand
{
    public static Command Create()
    {
        Argument<string> source = BackupOptions.Target();
        Argument<string> target = new("DIR") { Description = "folder of the project to make; missing or empty" };
        Option<string?> keyFile = BackupOptions.KeyFile();
        Option<string?> id = BackupOptions.Id();
        Command command = new(
            "restore",
            "Bring a project back from a backup into a new folder, every byte checked. "
            + "Example: naru restore /backup/shop shop-restored")
        {
            source, target, keyFile, id,
        };
        command.SetAction((parsed, cancellationToken) => BackupOptions.TryAsync(() =>
        {
            PosixFileSystem files = new();
            BackupFolder folder = BackupOptions.Open(files, parsed.GetValue(source)!, parsed.GetValue(keyFile));
            BackupManifest manifest = folder.Read(parsed.GetValue(id));
            string directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(parsed.GetValue(target)!));
            using CopyProgress progress = new("restored", manifest.Files.Length);
            new BackupRestorer(files, folder, TimeProvider.System).Restore(manifest, directory, file =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress.Add(file);
            });
            progress.Dispose();
            Console.WriteLine(
                $"restored backup {manifest.Id} of project {manifest.Project}: {manifest.Files.Length} files, "
                + $"{CopyProgress.Size(manifest.Bytes)}, every byte checked\n"
                + $"next: naru doctor {parsed.GetValue(target)}; naru up {parsed.GetValue(target)}; then, beside it, "
                + $"naru audit --project {parsed.GetValue(target)}");
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }
}
