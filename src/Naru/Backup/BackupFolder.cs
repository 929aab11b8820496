using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Backup;

/// <summary>
/// A folder of backups. Each is a manifest; what they hold in common is there once, so that a second backup copies only
/// what is new:
/// <code>
/// naru-backup.json              format, and whether it is encrypted
/// backups/20261121T051203Z      a manifest
/// objects/3f/3fa4…              a file's bytes, by their SHA-256 (by a keyed hash of it where encrypted)
/// </code>
/// An object is complete and synced before it has its name, a manifest is written after all its objects: what a
/// crash or a full disk leaves is never taken for a backup, and never harms an earlier one. One backup into a
/// folder at a time.
/// </summary>
internal sealed class BackupFolder
{
    private const string MarkName = "naru-backup.json";
    private const string IdFormat = "yyyyMMdd'T'HHmmss'Z'";
    private const string TemporaryName = "incoming.tmp";
    private const int CopyBytes = 1 << 20;
    private const int ManifestBytesMax = 1 << 30;

    private readonly IFileSystem _files;
    private readonly BackupCipher? _cipher;
    private readonly HashSet<string> _unsynced = [];

    private BackupFolder(IFileSystem files, string root, BackupCipher? cipher)
    {
        _files = files;
        Root = root;
        _cipher = cipher;
    }

    public string Root { get; }

    /// <summary>Bytes and files that this process wrote.</summary>
    public (int Files, long Bytes) Written { get; private set; }

    private string Manifests => $"{Root}/backups";

    private string Objects => $"{Root}/objects";

    /// <summary>Opens a folder of backups; throws when it is none, or its encryption and the key do not fit.</summary>
    public static BackupFolder Open(IFileSystem files, string root, BackupCipher? cipher)
    {
        byte[] bytes = WholeFile.Read(files, $"{root}/{MarkName}") ?? throw new StorageException(
            StorageFault.NotFound, $"\"{root}\" holds no backups: it has no {MarkName}");
        BackupFolderMark mark = ReadMark(bytes, root);
        return (mark.Encrypted, cipher) switch
        {
            (true, null) => throw new StorageException(
                StorageFault.Denied, $"the backups in \"{root}\" are encrypted: give their key with --key-file FILE"),
            (false, not null) => throw new StorageException(
                StorageFault.Exists,
                $"the backups in \"{root}\" are not encrypted: leave --key-file out, or choose another folder"),
            _ => new BackupFolder(files, root, cipher),
        };
    }

    /// <summary>As <see cref="Open"/>; an empty or missing folder becomes one of backups.</summary>
    public static BackupFolder OpenOrCreate(IFileSystem files, string root, BackupCipher? cipher)
    {
        if (!files.FileExists($"{root}/{MarkName}"))
        {
            if (files.List(root).Any(static name => name != MarkName + ".tmp"))
            {
                throw new StorageException(
                    StorageFault.Exists, $"\"{root}\" is not empty and holds no backups: choose an empty folder");
            }

            files.CreateDirectory(root);
            WholeFile.Replace(files, $"{root}/{MarkName}", JsonSerializer.SerializeToUtf8Bytes(
                new BackupFolderMark(BackupManifest.CurrentFormat, cipher is not null),
                BackupJson.Default.BackupFolderMark));
        }

        BackupFolder folder = Open(files, root, cipher);
        files.CreateDirectory(folder.Manifests);
        files.CreateDirectory(folder.Objects);
        files.Delete($"{folder.Objects}/{TemporaryName}");
        return folder;
    }

    /// <summary>Names of the backups, oldest first.</summary>
    public IReadOnlyList<string> List() =>
    [
        .. _files.List(Manifests).Where(static name => !name.EndsWith(".tmp", StringComparison.Ordinal)),
    ];

    /// <summary>When the oldest backup was made; null where there is none.</summary>
    public DateTimeOffset? OldestAt() => List() is [string first, ..]
        && DateTimeOffset.TryParseExact(
            first, IdFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at)
        ? at
        : null;

    /// <summary>A name for a backup made now, later than all that are there.</summary>
    public string NewId(DateTimeOffset now)
    {
        IReadOnlyList<string> taken = List();
        string id;
        do
        {
            id = now.UtcDateTime.ToString(IdFormat, CultureInfo.InvariantCulture);
            now = now.AddSeconds(1);
        }
        while (taken.Count > 0 && string.CompareOrdinal(id, taken[^1]) <= 0);
        return id;
    }

    /// <summary>The manifest of a backup, or of the newest when no name is given.</summary>
    public BackupManifest Read(string? id)
    {
        IReadOnlyList<string> all = List();
        if (all.Count == 0 || (id is not null && !all.Contains(id)))
        {
            throw new StorageException(
                StorageFault.NotFound,
                all.Count == 0
                    ? $"\"{Root}\" holds no whole backup yet"
                    : $"\"{Root}\" holds no backup \"{id}\": `naru backup list {Root}` shows those that are there");
        }

        string path = $"{Manifests}/{id ?? all[^1]}";
        using MemoryStream bytes = new();
        using IFile file = _files.Open(path, FileOpen.Read);
        Decode(file, $"manifest {id ?? all[^1]}", piece => bytes.Write(piece.Span));
        return BackupManifest.Decode(bytes.GetBuffer().AsSpan(0, (int)bytes.Length), path);
    }

    /// <summary>
    /// Stores the first bytes of a file, unless they are there already. <paramref name="sha256"/> is what they must
    /// hash to, where something recorded it: a file that was damaged since is refused by name, not carried on.
    /// </summary>
    public BackupFile Store(string path, string source, long bytes, string? sha256)
    {
        if (sha256 is not null && Has(sha256, bytes))
        {
            return new BackupFile(path, bytes, sha256);
        }

        using IFile from = _files.Open(source, FileOpen.Read);
        string found = from.Length < bytes ? "" : HashOf(from, bytes);
        if (found.Length == 0 || (sha256 is not null && found != sha256))
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"\"{path}\" is not what was written: its checksum or length differs from the one that was recorded; "
                + "restore that file from an earlier backup, then back up again");
        }

        if (!Has(found, bytes))
        {
            string name = NameOf(found);
            string folder = $"{Objects}/{name[..2]}";
            _files.CreateDirectory(folder);
            Write($"{Objects}/{TemporaryName}", from, bytes, name);
            _files.Rename($"{Objects}/{TemporaryName}", $"{folder}/{name}");
            _unsynced.Add(folder);
            Written = (Written.Files + 1, Written.Bytes + StoredLength(bytes));
        }

        return new BackupFile(path, bytes, found);
    }

    /// <summary>Makes all objects of a backup durable, then the backup itself.</summary>
    public void Add(BackupManifest manifest, string temporary)
    {
        foreach (string folder in _unsynced)
        {
            _files.SyncDirectory(folder);
        }

        _unsynced.Clear();
        WholeFile.Replace(_files, temporary, manifest.Encode(), FileReaders.Owner);
        try
        {
            using (IFile from = _files.Open(temporary, FileOpen.Read))
            {
                Write($"{Manifests}/{manifest.Id}.tmp", from, from.Length, $"manifest {manifest.Id}");
            }

            _files.Rename($"{Manifests}/{manifest.Id}.tmp", $"{Manifests}/{manifest.Id}");
            _files.SyncDirectory(Manifests);
        }
        finally
        {
            _files.Delete(temporary);
        }
    }

    /// <summary>The bytes of a file of a backup, checked; throws at the end when any was not as written.</summary>
    public void Load(BackupFile file, Action<ReadOnlyMemory<byte>> take)
    {
        string name = NameOf(file.Sha256);
        string path = $"{Objects}/{name[..2]}/{name}";
        if (!_files.FileExists(path))
        {
            throw Refuse(file, $"\"{path}\" is missing");
        }

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long bytes = 0;
        using IFile from = _files.Open(path, FileOpen.Read);
        if (from.Length != StoredLength(file.Bytes))
        {
            throw Refuse(file, $"\"{path}\" has {from.Length} bytes, not {StoredLength(file.Bytes)}");
        }

        try
        {
            Decode(from, name, piece =>
            {
                hash.AppendData(piece.Span);
                bytes += piece.Length;
                take(piece);
            });
        }
        catch (StorageException error) when (error.Fault == StorageFault.Corrupt)
        {
            throw Refuse(file, error.Message);
        }

        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != file.Sha256 || bytes != file.Bytes)
        {
            throw Refuse(file, $"the checksum of \"{path}\" is wrong");
        }
    }

    /// <summary>Bytes that a backup would write into this folder.</summary>
    public long BytesMissing(IEnumerable<(long Bytes, string? Sha256)> wanted) => wanted
        .Where(file => file.Sha256 is null || !Has(file.Sha256, file.Bytes))
        .Sum(file => StoredLength(file.Bytes));

    /// <summary>Forgets all but the newest backups, and deletes what only they held. Returns how many went.</summary>
    public int Prune(int keep)
    {
        Invariant.Hold(keep >= 1);
        string[] gone = [.. List().SkipLast(keep)];
        if (gone.Length == 0)
        {
            return 0;
        }

        // Read before anything is deleted: a manifest that cannot be read must not cost its objects.
        HashSet<string> named =
            [.. List().TakeLast(keep).SelectMany(id => Read(id).Files).Select(file => NameOf(file.Sha256))];
        foreach (string id in gone)
        {
            _files.Delete($"{Manifests}/{id}");
        }

        _files.SyncDirectory(Manifests);
        foreach (string folder in _files.List(Objects).Where(static name => name.Length == 2))
        {
            foreach (string name in _files.List($"{Objects}/{folder}").Where(name => !named.Contains(name)))
            {
                _files.Delete($"{Objects}/{folder}/{name}");
            }
        }

        return gone.Length;
    }

    private static BackupFolderMark ReadMark(byte[] bytes, string root)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, BackupJson.Default.BackupFolderMark) is
            { Format: <= BackupManifest.CurrentFormat } mark
                ? mark
                : throw new StorageException(
                    StorageFault.Corrupt, $"\"{root}\" was written by a later naru: use that one");
        }
        catch (JsonException)
        {
            throw new StorageException(StorageFault.Corrupt, $"\"{root}/{MarkName}\" is damaged");
        }
    }

    private static StorageException Refuse(BackupFile file, string why) => new(
        StorageFault.Corrupt, $"the backup of \"{file.Path}\" cannot be used: {why}; use another backup");

    private static string HashOf(IFile file, long bytes)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[CopyBytes];
        for (long at = 0; at < bytes;)
        {
            int read = file.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, bytes - at)), at);
            Invariant.Hold(read > 0);
            hash.AppendData(buffer, 0, read);
            at += read;
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private bool Has(string sha256, long bytes)
    {
        string name = NameOf(sha256);
        string path = $"{Objects}/{name[..2]}/{name}";
        if (!_files.FileExists(path))
        {
            return false;
        }

        using IFile file = _files.Open(path, FileOpen.Read);
        return file.Length == StoredLength(bytes);
    }

    private string NameOf(string sha256) => _cipher?.NameOf(sha256) ?? sha256;

    private long StoredLength(long bytes) => _cipher is null ? bytes : BackupCipher.LengthOf(bytes);

    private void Write(string path, IFile from, long bytes, string name)
    {
        _files.Delete(path);
        try
        {
            using IFile to = _files.Open(path, FileOpen.CreateNew);
            _files.MakePrivate(path);
            if (_cipher is not null)
            {
                _cipher.Encrypt(from, bytes, to, name);
            }
            else
            {
                byte[] buffer = new byte[(int)Math.Min(CopyBytes, bytes)];
                for (long at = 0; at < bytes;)
                {
                    int read = from.Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, bytes - at)), at);
                    Invariant.Hold(read > 0);
                    to.Write(buffer.AsSpan(0, read), at);
                    at += read;
                }
            }

            to.SyncData();
        }
        catch (StorageException)
        {
            // A full disk needs the room back at once.
            _files.Delete(path);
            throw;
        }
    }

    private void Decode(IFile from, string name, Action<ReadOnlyMemory<byte>> take)
    {
        if (_cipher is not null)
        {
            _cipher.Decrypt(from, name, take);
            return;
        }

        byte[] buffer = new byte[CopyBytes];
        Invariant.Hold(from.Length <= long.MaxValue - ManifestBytesMax);
        for (long at = 0; at < from.Length;)
        {
            int read = from.Read(buffer, at);
            Invariant.Hold(read > 0);
            take(buffer.AsMemory(0, read));
            at += read;
        }
    }
}
