using System.CommandLine;
using System.Text.Json;
using Naru.Backup;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Server;
using Naru.Yaml;

namespace Naru.Cli;

/// <summary>`naru backup DIR`: a copy of a project, running or at rest; `verify`, `list` and `key`.</summary>
internal static class BackupCommand
{
    private const string Plain =
        "not encrypted: whoever can read this folder can read every event in it, sensitive fields too; "
        + "`naru backup key FILE` and --key-file FILE encrypt a new folder";

    public static Command Create()
    {
        Argument<string> target = BackupOptions.Target();
        Option<string?> keyFile = BackupOptions.KeyFile();
        Option<string?> project = ServerConnection.ProjectOption();
        Option<int?> keep = new("--keep") { Description = "afterwards keep only the newest N backups", HelpName = "N" };
        Option<bool> json = new("--json") { Description = "print what was made as JSON" };
        Command command = new(
            "backup",
            "Copy a project, running or at rest, into a folder of backups; copies only what is new. "
            + "Example: naru backup /backup/shop --project shop --key-file backup.key")
        {
            target, keyFile, project, keep, json,
        };
        command.Subcommands.Add(Verify());
        command.Subcommands.Add(List());
        command.Subcommands.Add(Key());
        command.Validators.Add(result =>
        {
            if (result.GetValue(keep) < 1)
            {
                result.AddError("--keep must be 1 or more");
            }
        });
        command.SetAction((parsed, cancellationToken) => BackupOptions.TryAsync(() => RunAsync(
            new BackupAsk(
                Path.GetFullPath(parsed.GetValue(target)!),
                new ProjectPaths(Path.GetFullPath(parsed.GetValue(project) ?? ".")),
                parsed.GetValue(keyFile),
                parsed.GetValue(keep),
                parsed.GetValue(json)),
            cancellationToken)));
        return command;
    }

    private static Command Verify()
    {
        Argument<string> source = BackupOptions.Target();
        Option<string?> keyFile = BackupOptions.KeyFile();
        Option<string?> id = BackupOptions.Id();
        Option<bool> json = new("--json") { Description = "print the result as JSON" };
        Command command = new(
            "verify", "Read a backup and check every byte of it. Example: naru backup verify /backup/shop")
        {
            source, keyFile, id, json,
        };
        command.SetAction((parsed, _) => BackupOptions.TryAsync(() =>
        {
            PosixFileSystem files = new();
            BackupFolder folder = BackupOptions.Open(files, parsed.GetValue(source)!, parsed.GetValue(keyFile));
            BackupManifest manifest = folder.Read(parsed.GetValue(id));
            using CopyProgress progress = new("checked", manifest.Files.Length);
            IReadOnlyList<string> problems =
                new BackupRestorer(files, folder, TimeProvider.System).Verify(manifest, progress.Add);
            progress.Dispose();
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(
                    new VerifyAnswer(manifest.Id, manifest.Files.Length, manifest.Bytes, [.. problems]),
                    BackupCommandJson.Default.VerifyAnswer));
            }
            else
            {
                foreach (string problem in problems)
                {
                    Console.WriteLine(problem);
                }

                Console.WriteLine(
                    $"backup {manifest.Id}: {manifest.Files.Length} files, {CopyProgress.Size(manifest.Bytes)}: "
                    + (problems.Count == 0 ? "every byte is as it was written" : $"{problems.Count} cannot be used"));
            }

            return Task.FromResult(problems.Count == 0 ? ExitCode.Done : ExitCode.Failed);
        }));
        return command;
    }

    private static Command List()
    {
        Argument<string> source = BackupOptions.Target();
        Option<string?> keyFile = BackupOptions.KeyFile();
        Option<bool> json = new("--json") { Description = "print the backups as JSON, one a line" };
        Command command = new("list", "Show the backups in a folder. Example: naru backup list /backup/shop")
        {
            source, keyFile, json,
        };
        command.SetAction((parsed, _) => BackupOptions.TryAsync(() =>
        {
            BackupFolder folder = BackupOptions.Open(
                new PosixFileSystem(), parsed.GetValue(source)!, parsed.GetValue(keyFile));
            foreach (string id in folder.List())
            {
                BackupManifest manifest = folder.Read(id);
                Console.WriteLine(parsed.GetValue(json)
                    ? JsonSerializer.Serialize(Answer(manifest, 0, 0), BackupCommandJson.Default.BackupAnswer)
                    : $"{id}  project {manifest.Project}, landing {manifest.Landing}, {manifest.Files.Length} files, "
                        + CopyProgress.Size(manifest.Bytes));
            }

            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }

    private static Command Key()
    {
        Argument<string> file = new("FILE") { Description = "file to make; only its owner may read it" };
        Command command = new(
            "key", "Make a key file for encrypted backups. Example: naru backup key backup.key") { file };
        command.SetAction((parsed, _) => BackupOptions.TryAsync(() =>
        {
            string path = parsed.GetValue(file)!;
            BackupCipher.MakeKeyFile(new PosixFileSystem(), path);
            Console.WriteLine(
                $"made \"{path}\"; keep a copy away from the backups: without it they cannot be restored by anyone");
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }

    private static async Task<int> RunAsync(BackupAsk ask, CancellationToken cancellationToken)
    {
        PosixFileSystem files = new();
        if (!files.FileExists(ask.Project.SettingsFile))
        {
            await Console.Error.WriteLineAsync(
                $"'{ask.Project.Root}' is no project: it has no {Settings.FileName}\nname one with --project DIR")
                .ConfigureAwait(false);
            return ExitCode.Usage;
        }

        if ((ask.Target + "/").StartsWith(ask.Project.Root + "/", StringComparison.Ordinal))
        {
            await Console.Error.WriteLineAsync(
                $"'{ask.Target}' lies inside the project, and would be lost with it\nchoose a folder elsewhere, "
                + "best on another disk").ConfigureAwait(false);
            return ExitCode.Usage;
        }

        BackupCipher? cipher = ask.KeyFile is null ? null : BackupCipher.ReadKeyFile(files, ask.KeyFile);
        BackupFolder folder = BackupFolder.OpenOrCreate(files, ask.Target, cipher);
        await using IFrozen? frozen = await Freezing.FreezeAsync(ask.Project, files, cancellationToken)
            .ConfigureAwait(false);
        if (frozen is null)
        {
            return ExitCode.Failed;
        }

        using CopyProgress progress = new("copied", null);
        BackupManifest manifest = new BackupWriter(files, ask.Project, folder, TimeProvider.System)
            .Write(frozen.Folder, file =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress.Add(file);
            });
        progress.Dispose();
        int pruned = ask.Keep is int keep ? folder.Prune(keep) : 0;
        Tell(ask, folder, manifest, pruned);
        await WarnOfExpiredAsync(ask, folder, manifest.MadeAt).ConfigureAwait(false);
        if (cipher is null)
        {
            await Console.Error.WriteLineAsync(Plain).ConfigureAwait(false);
        }

        return ExitCode.Done;
    }

    /// <summary>A backup outlives what it holds: data that had to be gone by now is in it still.</summary>
    private static async Task WarnOfExpiredAsync(BackupAsk ask, BackupFolder folder, DateTimeOffset now)
    {
        ProjectContent content = new ProjectFolder(new PosixFileSystem(), ask.Project)
            .Read(SettingsReader.ProcessEnvironment(), new MistakeList());
        TimeSpan? lifetime = content.Logs
            .Where(static file => file.Log.HasSecure)
            .Min(static file => file.Log.Lifetime.Secure);
        if (folder.OldestAt() is { } oldest && now - oldest > lifetime)
        {
            await Console.Error.WriteLineAsync(
                $"the oldest backup here is of {oldest:yyyy-MM-dd} and holds sensitive fields that have expired since "
                + $"(shortest `secure` lifetime: {DurationText.Format(lifetime.Value)}); --keep N deletes older ones")
                .ConfigureAwait(false);
        }
    }

    private static void Tell(BackupAsk ask, BackupFolder folder, BackupManifest manifest, int pruned)
    {
        if (ask.Json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                Answer(manifest, folder.Written.Files, folder.Written.Bytes), BackupCommandJson.Default.BackupAnswer));
            return;
        }

        string offsets = string.Join(", ", manifest.Partitions.Select(static partition =>
            $"partition {partition.Partition} to offset {partition.End}"));
        Console.WriteLine(
            $"backup {manifest.Id} of project {manifest.Project} in {folder.Root}\n"
            + $"  landing {manifest.Landing}{(offsets.Length == 0 ? "" : $"; events of {offsets}")}\n"
            + $"  {manifest.Files.Length} files, {CopyProgress.Size(manifest.Bytes)}; "
            + $"new: {folder.Written.Files} files, {CopyProgress.Size(folder.Written.Bytes)}"
            + (pruned > 0 ? $"\n  {pruned} older backups deleted" : ""));
    }

    private static BackupAnswer Answer(BackupManifest manifest, int writtenFiles, long writtenBytes) => new(
        manifest.Id,
        manifest.Project,
        manifest.MadeAt,
        manifest.Landing,
        manifest.Partitions,
        manifest.Files.Length,
        manifest.Bytes,
        writtenFiles,
        writtenBytes);

    private sealed record BackupAsk(string Target, ProjectPaths Project, string? KeyFile, int? Keep, bool Json);
}
