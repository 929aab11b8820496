using System.Collections.Immutable;
using System.Globalization;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Core.Files;

namespace Naru.Access;

/// <summary>Takes what callers did: queries, denials, sign-ins.</summary>
internal interface IActivity
{
    /// <summary>Waits only when far more comes than can be written.</summary>
    ValueTask RecordAsync(string who, string what, ImmutableSortedDictionary<string, string> detail);
}

internal sealed class NoActivity : IActivity
{
    public static readonly NoActivity Instance = new();

    public ValueTask RecordAsync(string who, string what, ImmutableSortedDictionary<string, string> detail) =>
        ValueTask.CompletedTask;
}

/// <summary>
/// The trail of activity, `data/state/audit/activity-NUMBER.jsonl`: queries, denials and sign-ins, chained as
/// <see cref="AuditFile"/> tells, from file to file. Entries of a tenth of a second share one sync, so a crash may lose
/// that much; nothing is dropped: when the disk fails, callers wait as soon as the queue is full. A file ends at 16 MB
/// or a day; the trail of changes tells its last hash, and so anchors the chain beyond its own reach. Files older than
/// the lifetime are deleted, which is told there as well.
/// </summary>
internal sealed class ActivityTrail(
    IFileSystem files, string stateFolder, AuditTrail changes, AccessOptions options, TimeProvider time)
    : IActivity
{
    private const string Prefix = "activity-";
    private const string Suffix = ".jsonl";
    private const int NumberDigits = 12;
    private const int QueueMax = 50_000;
    private const int BatchMax = 5_000;
    private const long FileBytesMax = 16 << 20;

    private readonly Channel<AuditNote> _queue = Channel.CreateBounded<AuditNote>(
        new BoundedChannelOptions(QueueMax) { SingleReader = true });

    private readonly List<AuditNote> _batch = [];

    private AuditFile? _file;
    private DateOnly _day;

    private string Folder => FolderOf(stateFolder);

    public ValueTask RecordAsync(string who, string what, ImmutableSortedDictionary<string, string> detail) =>
        _queue.Writer.WriteAsync(new AuditNote(time.GetUtcNow(), who, what, detail), CancellationToken.None);

    /// <summary>Waits until there is something to write; false when it has ended.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) =>
        _queue.Reader.WaitToReadAsync(cancellationToken);

    /// <summary>
    /// Writes what has come; false when that was all. Throws <see cref="StorageException"/>, and then writes the same
    /// with the next call.
    /// </summary>
    public bool WriteCome()
    {
        while (_batch.Count < BatchMax && _queue.Reader.TryRead(out AuditNote entry))
        {
            _batch.Add(entry);
        }

        if (_batch.Count == 0)
        {
            return false;
        }

        AuditFile file = FileNow();
        file.Append(_batch);
        _batch.Clear();
        return true;
    }

    /// <summary>All files, oldest first, with their first numbers.</summary>
    public static IEnumerable<(string Path, long First)> Files(IFileSystem files, string stateFolder) =>
        files.List(FolderOf(stateFolder))
            .Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal)
                && name.EndsWith(Suffix, StringComparison.Ordinal)
                && name.Length == Prefix.Length + NumberDigits + Suffix.Length)
            .Select(name => (
                $"{FolderOf(stateFolder)}/{name}",
                long.Parse(name.AsSpan(Prefix.Length, NumberDigits), CultureInfo.InvariantCulture)));

    /// <summary>
    /// Every entry, oldest first, verified from file to file and against the anchors in the trail of changes. Throws
    /// <see cref="StorageException"/> naming what is not as it was written.
    /// </summary>
    public static void Read(
        IFileSystem files, string stateFolder, IReadOnlyList<AuditEntry> changes, Action<AuditEntry> entry)
    {
        // A roll that a crash cut short is told again, with what had come until then: the last one counts.
        Dictionary<string, AuditEntry> anchors = new(StringComparer.Ordinal);
        foreach (AuditEntry change in changes.Where(static change => change.What is "audit.roll" or "audit.expire"))
        {
            anchors[change.What + change.Detail["file"]] = change;
        }

        (long Number, string? Previous) last = anchors.Values
            .Where(static anchor => anchor.What == "audit.expire")
            .Select(static anchor => (LastOf(anchor), anchor.Detail["hash"]))
            .DefaultIfEmpty((0, AuditFile.Origin))
            .Max();
        foreach ((string path, long first) in Files(files, stateFolder))
        {
            if (first != last.Number + 1)
            {
                throw new StorageException(
                    StorageFault.Corrupt, $"entries {last.Number + 1} to {first - 1} of the activity trail are gone");
            }

            AuditFile file = AuditFile.Open(files, path, first - 1, last.Previous, entry);
            last = (file.Number, file.Previous);
            if (anchors.TryGetValue("audit.roll" + System.IO.Path.GetFileName(path), out AuditEntry? roll)
                && roll.Detail["hash"] != file.Previous)
            {
                throw new StorageException(
                    StorageFault.Corrupt, $"\"{path}\" does not end as the trail of changes says");
            }
        }

        foreach (AuditEntry roll in anchors.Values.Where(static anchor => anchor.What == "audit.roll"))
        {
            if (LastOf(roll) > last.Number)
            {
                throw new StorageException(
                    StorageFault.Corrupt, $"\"{roll.Detail["file"]}\" of the activity trail is gone");
            }
        }
    }

    private static long LastOf(AuditEntry anchor) => long.Parse(anchor.Detail["last"], CultureInfo.InvariantCulture);

    private static DateOnly DayOf(DateTimeOffset time) => DateOnly.FromDateTime(time.UtcDateTime);

    private static string FolderOf(string stateFolder) => $"{stateFolder}/audit";

    private AuditFile FileNow()
    {
        DateOnly today = DayOf(time.GetUtcNow());
        if (_file is null)
        {
            files.CreateDirectory(Folder);
            (string? path, long first) = Files(files, stateFolder).LastOrDefault();
            (long number, string hash) = LastKnown();
            _day = today;
            _file = path is null
                ? AuditFile.Open(files, PathOf(number + 1), number, hash, static _ => { })
                : AuditFile.Open(files, path, first - 1, null, entry => _day = DayOf(entry.At));
        }

        if (_file.DurableBytes > FileBytesMax || (today != _day && _file.DurableBytes > 0))
        {
            changes.Append("naru", "audit.roll", Anchor(_file));
            AuditFile next = AuditFile.Open(
                files, PathOf(_file.Number + 1), _file.Number, _file.Previous, static _ => { });
            _file = next;
            _day = today;
            Expire();
        }

        return _file;
    }

    /// <summary>Where the chain stood when no file is left.</summary>
    private (long, string) LastKnown() => changes.LastActivity ?? (0, AuditFile.Origin);

    private string PathOf(long first) =>
        string.Create(CultureInfo.InvariantCulture, $"{Folder}/{Prefix}{first:000000000000}{Suffix}");

    private static ImmutableSortedDictionary<string, string> Anchor(AuditFile file) => AuditTrail.Detail(
        ("file", System.IO.Path.GetFileName(file.Path)),
        ("last", file.Number.ToString(CultureInfo.InvariantCulture)),
        ("hash", file.Previous));

    /// <summary>Deletes whole files whose last entry is older than the lifetime; the trail of changes tells.</summary>
    private void Expire()
    {
        DateTimeOffset kept = time.GetUtcNow() - options.AuditLifetime;
        foreach ((string path, long first) in Files(files, stateFolder).ToArray())
        {
            DateTimeOffset last = DateTimeOffset.MinValue;
            if (path == _file!.Path)
            {
                return;
            }

            AuditFile file = AuditFile.Open(files, path, first - 1, null, entry => last = entry.At);
            if (last >= kept)
            {
                return;
            }

            changes.Append("naru", "audit.expire", Anchor(file));
            files.Delete(path);
            files.SyncDirectory(Folder);
        }
    }
}

/// <summary>Writes the trail of activity while the server runs, and what is left when it stops.</summary>
internal sealed class ActivityWriter(ActivityTrail trail, TimeProvider time, ILogger<ActivityWriter> logger)
    : BackgroundService
{
    /// <summary>Entries of so long share one sync.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(100);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        Write();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await trail.WaitAsync(stoppingToken).ConfigureAwait(false))
            {
                await Task.Delay(Gathering, time, stoppingToken).ConfigureAwait(false);
                Write();
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops; what is left is written by StopAsync.
        }
    }

    private void Write()
    {
        try
        {
            while (trail.WriteCome())
            {
            }
        }
        catch (StorageException exception)
        {
            AccessLog.ActivityFailed(logger, exception.Message);
        }
    }
}
