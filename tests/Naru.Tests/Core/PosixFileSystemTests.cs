using Naru.Core.Files;

namespace Naru.Tests.Core;

public sealed class PosixFileSystemTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("naru-files-").FullName;
    private readonly PosixFileSystem _files = new();

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void What_is_written_is_read_back_and_a_read_at_the_end_is_short()
    {
        using IFile file = _files.Open(In("a"), FileOpen.CreateNew);
        file.Write("hello"u8, 3);
        file.SyncData();
        _files.SyncDirectory(_root);
        byte[] buffer = new byte[16];
        Assert.Equal(8, file.Length);
        Assert.Equal(8, file.Read(buffer, 0));
        Assert.Equal("\0\0\0hello"u8, buffer.AsSpan(0, 8));
        Assert.Equal(2, file.Read(buffer, 6));
        Assert.Equal(0, file.Read(buffer, 100));
        file.SetLength(4);
        Assert.Equal(4, file.Length);
    }

    [Fact]
    public void What_left_the_cache_is_read_from_the_disk_and_what_was_not_synced_stays()
    {
        using IFile file = _files.Open(In("a"), FileOpen.CreateNew);
        byte[] written = new byte[1 << 20];
        new Random(7).NextBytes(written);
        file.Write(written.AsSpan(0, 600_000), 0);
        file.SyncData();
        file.Write(written.AsSpan(600_000), 600_000);
        file.DropCache(0, written.Length);
        byte[] read = new byte[written.Length];
        Assert.Equal(read.Length, file.Read(read, 0));
        Assert.Equal(written, read);
    }

    [Fact]
    public void Creating_a_file_that_exists_or_opening_one_that_does_not_names_the_path()
    {
        StorageException missing = Assert.Throws<StorageException>(() => _files.Open(In("no"), FileOpen.Existing));
        Assert.Equal(StorageFault.NotFound, missing.Fault);
        Assert.Contains(In("no"), missing.Message, StringComparison.Ordinal);
        _files.Open(In("a"), FileOpen.CreateNew).Dispose();
        StorageException there = Assert.Throws<StorageException>(() => _files.Open(In("a"), FileOpen.CreateNew));
        Assert.Equal(StorageFault.Exists, there.Fault);
    }

    [Fact]
    public void A_write_to_a_file_opened_for_reading_throws()
    {
        _files.Open(In("a"), FileOpen.CreateNew).Dispose();
        using IFile file = _files.Open(In("a"), FileOpen.Read);
        Assert.Throws<StorageException>(() => file.Write("x"u8, 0));
    }

    [Fact]
    public void A_link_is_put_if_absent_and_a_rename_replaces()
    {
        using (IFile file = _files.Open(In("a"), FileOpen.CreateNew))
        {
            file.Write("1"u8, 0);
        }

        Assert.True(_files.TryLink(In("a"), In("b")));
        Assert.False(_files.TryLink(In("a"), In("b")));
        _files.Open(In("c"), FileOpen.CreateNew).Dispose();
        _files.Rename(In("a"), In("c"));
        Assert.False(_files.FileExists(In("a")));
        Assert.Equal("1", File.ReadAllText(In("c")));
        Assert.Equal(["b", "c"], _files.List(_root));
    }

    [Fact]
    public void Folders_are_made_with_their_parents_and_deleted_with_their_contents_but_never_through_a_symbolic_link()
    {
        string kept = In("kept");
        _files.CreateDirectory(kept);
        File.WriteAllText(Path.Combine(kept, "file"), "x");
        _files.CreateDirectory(In("p/q/r"));
        Assert.True(_files.DirectoryExists(In("p/q/r")));
        Assert.False(_files.FileExists(In("p/q/r")));
        File.WriteAllText(In("p/q/f"), "x");
        Directory.CreateSymbolicLink(In("p/link"), kept);
        _files.DeleteDirectory(In("p"));
        _files.DeleteDirectory(In("p"));
        _files.Delete(In("nothing"));
        Assert.False(_files.DirectoryExists(In("p")));
        Assert.True(_files.FileExists(Path.Combine(kept, "file")));
        Assert.Empty(_files.List(In("p")));
    }

    [Fact]
    public void Free_space_is_told_also_for_a_path_that_is_not_there_yet()
    {
        long free = _files.FreeBytes(In("x/y/z"));
        Assert.InRange(free, 1, _files.TotalBytes(In("x")));
    }

    [Fact]
    public void A_sync_of_something_that_cannot_be_synced_throws()
    {
        StorageException error = Assert.Throws<StorageException>(() => _files.SyncDirectory(In("none")));
        Assert.Equal(StorageFault.NotFound, error.Fault);
    }

    [Fact]
    public void A_full_device_is_a_fault_of_space_with_a_hint()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "no /dev/full here");
        using IFile full = _files.Open("/dev/full", FileOpen.Existing);
        StorageException error = Assert.Throws<StorageException>(() => full.Write("x"u8, 0));
        Assert.Equal(StorageFault.NoSpace, error.Fault);
        Assert.Contains("free space", error.Message, StringComparison.Ordinal);
    }

    private string In(string name) => Path.Combine(_root, name);
}
