using System.Security.Cryptography;
using System.Text;
using Naru.Backup;
using Naru.Core.Files;

namespace Naru.Tests.Backup;

/// <summary>Folders of backups: what is stored is what comes back, or is refused by name.</summary>
public sealed class BackupFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("naru-backup-").FullName;

    private string Target => $"{_root}/target";

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_stored_comes_back_at_every_size(bool encrypted)
    {
        BackupCipher? cipher = encrypted ? new BackupCipher(RandomNumberGenerator.GetBytes(32)) : null;
        BackupFolder folder = BackupFolder.OpenOrCreate(new PosixFileSystem(), Target, cipher);
        foreach (int length in (int[])[0, 1, 1 << 20, (1 << 20) + 1, (2 << 20) - 16, 3 << 20])
        {
            byte[] bytes = RandomNumberGenerator.GetBytes(length);
            BackupFile stored = folder.Store("data/x", Source(bytes), length, null);
            Assert.Equal(bytes, Load(folder, stored));
            int files = folder.Written.Files;
            Assert.Equal(stored, folder.Store("data/y", Source(bytes), length, stored.Sha256) with { Path = "data/x" });
            Assert.Equal(files, folder.Written.Files);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_flipped_byte_a_cut_and_a_missing_file_are_refused_by_name(bool encrypted)
    {
        BackupCipher? cipher = encrypted ? new BackupCipher(RandomNumberGenerator.GetBytes(32)) : null;
        BackupFolder folder = BackupFolder.OpenOrCreate(new PosixFileSystem(), Target, cipher);
        byte[] bytes = RandomNumberGenerator.GetBytes((1 << 20) + 500);
        BackupFile stored = folder.Store("data/lake/a.parquet", Source(bytes), bytes.Length, null);
        string path = Directory.GetFiles($"{Target}/objects", "*", SearchOption.AllDirectories).Single();
        byte[] whole = File.ReadAllBytes(path);
        List<Action> harms = [() => File.WriteAllBytes(path, whole[..^1]), () => File.Delete(path)];
        foreach (int at in (int[])[0, 9, 30, whole.Length / 2, whole.Length - 1])
        {
            harms.Add(() => File.WriteAllBytes(path, [.. whole[..at], (byte)(whole[at] ^ 4), .. whole[(at + 1)..]]));
        }

        foreach (Action harm in harms)
        {
            File.WriteAllBytes(path, whole);
            harm();
            StorageException refused = Assert.Throws<StorageException>(() => Load(folder, stored));
            Assert.Contains("\"data/lake/a.parquet\" cannot be used", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_damaged_manifest_is_refused()
    {
        BackupFolder folder = BackupFolder.OpenOrCreate(new PosixFileSystem(), Target, null);
        string id = AddEmpty(folder);
        string path = $"{Target}/backups/{id}";
        File.WriteAllText(path, File.ReadAllText(path).Replace("shop", "shot", StringComparison.Ordinal));
        Assert.Contains(
            "checksum is wrong", Assert.Throws<StorageException>(() => folder.Read(null)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Another_key_opens_nothing_and_a_forgotten_one_is_asked_for()
    {
        PosixFileSystem files = new();
        BackupCipher.MakeKeyFile(files, $"{_root}/a.key");
        BackupCipher.MakeKeyFile(files, $"{_root}/b.key");
        Assert.Throws<StorageException>(() => BackupCipher.MakeKeyFile(files, $"{_root}/a.key"));
        AddEmpty(BackupFolder.OpenOrCreate(files, Target, BackupCipher.ReadKeyFile(files, $"{_root}/a.key")));
        BackupFolder wrong = BackupFolder.Open(files, Target, BackupCipher.ReadKeyFile(files, $"{_root}/b.key"));
        Assert.Contains("another key", Assert.Throws<StorageException>(() => wrong.Read(null)).Message,
            StringComparison.Ordinal);
        Assert.Contains("--key-file", Assert.Throws<StorageException>(() =>
            BackupFolder.Open(files, Target, null)).Message, StringComparison.Ordinal);
        Assert.Equal("shop", BackupFolder
            .Open(files, Target, BackupCipher.ReadKeyFile(files, $"{_root}/a.key")).Read(null).Project);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode($"{_root}/a.key"));
        }
    }

    [Fact]
    public void An_encrypted_folder_tells_neither_content_nor_names()
    {
        BackupFolder folder = BackupFolder.OpenOrCreate(
            new PosixFileSystem(), Target, new BackupCipher(RandomNumberGenerator.GetBytes(32)));
        byte[] canary = Encoding.UTF8.GetBytes("canary-3f61a0c2-canary");
        BackupFile stored = folder.Store("data/lake/secret_log/x", Source(canary), canary.Length, null);
        folder.Add(Manifest(folder, stored), $"{_root}/manifest");
        foreach (string path in Directory.GetFiles(Target, "*", SearchOption.AllDirectories))
        {
            string text = path + Encoding.Latin1.GetString(File.ReadAllBytes(path));
            Assert.DoesNotContain("canary", text, StringComparison.Ordinal);
            Assert.DoesNotContain("secret_log", text, StringComparison.Ordinal);
            Assert.DoesNotContain(stored.Sha256, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Pruning_deletes_only_what_no_kept_backup_holds()
    {
        BackupFolder folder = BackupFolder.OpenOrCreate(new PosixFileSystem(), Target, null);
        BackupFile both = folder.Store("data/both", Source([1]), 1, null);
        BackupFile old = folder.Store("data/old", Source([2]), 1, null);
        BackupFile young = folder.Store("data/young", Source([3]), 1, null);
        folder.Add(Manifest(folder, both, old), $"{_root}/manifest");
        folder.Add(Manifest(folder, both, young), $"{_root}/manifest");
        Assert.Equal(2, folder.List().Count);
        Assert.Equal(1, folder.Prune(1));
        Assert.Equal([1], Load(folder, both));
        Assert.Equal([3], Load(folder, young));
        Assert.Throws<StorageException>(() => Load(folder, old));
        Assert.Single(folder.List());
    }

    [Fact]
    public void A_full_disk_fails_the_backup_and_leaves_earlier_ones_whole()
    {
        SmallDisk disk = new(Target);
        BackupFolder folder = BackupFolder.OpenOrCreate(disk, Target, null);
        BackupFile first = folder.Store("data/a", Source([1, 2, 3]), 3, null);
        folder.Add(Manifest(folder, first), $"{_root}/manifest");
        string[] before = Names();
        disk.BytesLeft = 1000;
        byte[] large = RandomNumberGenerator.GetBytes(5000);
        StorageException full = Assert.Throws<StorageException>(() =>
            folder.Store("data/b", Source(large), large.Length, null));
        Assert.Equal(StorageFault.NoSpace, full.Fault);
        Assert.Equal(before, Names());
        Assert.Equal([1, 2, 3], Load(folder, folder.Read(null).Files[0]));
        disk.BytesLeft = long.MaxValue;
        Assert.Equal(large, Load(folder, folder.Store("data/b", Source(large), large.Length, null)));

        string[] Names() =>
            [.. Directory.GetFiles(Target, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void A_folder_that_holds_something_else_is_left_alone()
    {
        Directory.CreateDirectory(Target);
        File.WriteAllText($"{Target}/photo.jpg", "x");
        Assert.Contains("not empty", Assert.Throws<StorageException>(() =>
            BackupFolder.OpenOrCreate(new PosixFileSystem(), Target, null)).Message, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(Target));
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("/etc/x")]
    [InlineData("data/../../x")]
    [InlineData("")]
    public void A_backup_that_names_a_file_outside_the_project_is_refused(string path)
    {
        PosixFileSystem files = new();
        BackupFolder folder = BackupFolder.OpenOrCreate(files, Target, null);
        BackupFile stored = folder.Store("data/a", Source([1]), 1, null);
        BackupManifest manifest = Manifest(folder, stored with { Path = path });
        BackupRestorer restorer = new(files, folder, TimeProvider.System);
        Assert.Single(restorer.Verify(manifest, static _ => { }));
        Assert.Throws<StorageException>(() => restorer.Restore(manifest, $"{_root}/restored", static _ => { }));
        Assert.False(Path.Exists($"{_root}/restored"));
        Assert.False(Path.Exists($"{_root}/restored.restoring"));
    }

    /// <summary>A folder with one empty backup of years ago.</summary>
    internal static void AddOld(string root)
    {
        BackupFolder folder = BackupFolder.OpenOrCreate(new PosixFileSystem(), root, null);
        string id = folder.NewId(new DateTimeOffset(2020, 1, 2, 0, 0, 0, TimeSpan.Zero));
        folder.Add(Manifest(folder) with { Id = id }, $"{root}/manifest");
    }

    private static byte[] Load(BackupFolder folder, BackupFile file)
    {
        using MemoryStream bytes = new();
        folder.Load(file, piece => bytes.Write(piece.Span));
        return bytes.ToArray();
    }

    private static BackupManifest Manifest(BackupFolder folder, params BackupFile[] files) => new()
    {
        Format = BackupManifest.CurrentFormat,
        Id = folder.NewId(new DateTimeOffset(2026, 11, 20, 0, 0, 0, TimeSpan.Zero)),
        Project = "shop",
        MadeAt = default,
        Landing = 1,
        Partitions = [],
        Files = [.. files],
    };

    private string AddEmpty(BackupFolder folder)
    {
        BackupManifest manifest = Manifest(folder);
        folder.Add(manifest, $"{_root}/manifest");
        return manifest.Id;
    }

    private string Source(byte[] bytes)
    {
        string path = $"{_root}/source";
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>The local disk, with so many bytes left below one folder.</summary>
    private sealed class SmallDisk(string below) : IFileSystem
    {
        private readonly PosixFileSystem _files = new();

        public long BytesLeft { get; set; } = long.MaxValue;

        public IFile Open(string path, FileOpen mode) => path.StartsWith(below, StringComparison.Ordinal)
            ? new SmallFile(_files.Open(path, mode), this)
            : _files.Open(path, mode);

        public bool FileExists(string path) => _files.FileExists(path);

        public bool DirectoryExists(string path) => _files.DirectoryExists(path);

        public IReadOnlyList<string> List(string directory) => _files.List(directory);

        public void CreateDirectory(string path) => _files.CreateDirectory(path);

        public void Rename(string from, string to) => _files.Rename(from, to);

        public bool TryLink(string from, string to) => _files.TryLink(from, to);

        public void Delete(string path) => _files.Delete(path);

        public void DeleteDirectory(string path) => _files.DeleteDirectory(path);

        public void SyncDirectory(string path) => _files.SyncDirectory(path);

        public long FreeBytes(string path) => _files.FreeBytes(path);

        public long TotalBytes(string path) => _files.TotalBytes(path);

        private sealed class SmallFile(IFile file, SmallDisk disk) : IFile
        {
            public string Path => file.Path;

            public long Length => file.Length;

            public int Read(Span<byte> buffer, long offset) => file.Read(buffer, offset);

            public void Write(ReadOnlySpan<byte> buffer, long offset)
            {
                if (buffer.Length > disk.BytesLeft)
                {
                    file.Write(buffer[..(int)disk.BytesLeft], offset);
                    throw new StorageException(StorageFault.NoSpace, "the disk is full");
                }

                disk.BytesLeft -= buffer.Length;
                file.Write(buffer, offset);
            }

            public void SetLength(long length) => file.SetLength(length);

            public void SyncData() => file.SyncData();

            public void Dispose() => file.Dispose();
        }
    }
}
