using Naru.Lake.DuckDb;

namespace Naru.Tests.Lake;

public sealed class DuckDbLibraryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("naru-library-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_library_beside_the_program_is_the_pinned_one()
    {
        DuckDbLibrary.Check(DuckDbLibrary.DefaultPath);
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        using DuckDbResult result = connection.Materialize("SELECT library_version FROM pragma_version()");
        Assert.True(result.TryNext(out DuckDbChunk? chunk));
        Assert.Equal("v" + DuckDbLibrary.Version, chunk[0].StringAt(0));
    }

    [Fact]
    public void A_library_with_one_flipped_bit_is_refused()
    {
        string path = TamperedCopy();
        DuckDbLibraryException exception = Assert.Throws<DuckDbLibraryException>(() => DuckDbLibrary.Check(path));
        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
        Assert.Contains(DuckDbLibrary.Sha256, exception.Message, StringComparison.Ordinal);
        Assert.Contains("build again", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_parents_check_is_taken_only_for_the_file_it_checked()
    {
        string path = TamperedCopy();
        DuckDbLibrary.CheckUnlessAccepted(path, DuckDbLibrary.StampOf(path));
        string stamp = DuckDbLibrary.CheckedStamp();
        Assert.Throws<DuckDbLibraryException>(() => DuckDbLibrary.CheckUnlessAccepted(path, stamp));
        Assert.Throws<DuckDbLibraryException>(() => DuckDbLibrary.CheckUnlessAccepted(path, stamp: null));
    }

    [Fact]
    public void A_missing_library_is_named()
    {
        string path = Path.Combine(_folder, "libduckdb.so");
        DuckDbLibraryException exception = Assert.Throws<DuckDbLibraryException>(() => DuckDbLibrary.Check(path));
        Assert.Contains("missing", exception.Message, StringComparison.Ordinal);
    }

    private string TamperedCopy()
    {
        string path = Path.Combine(_folder, "libduckdb.so");
        File.Copy(DuckDbLibrary.DefaultPath, path);
        using FileStream file = new(path, FileMode.Open);
        file.Position = file.Length / 2;
        int value = file.ReadByte();
        file.Position--;
        file.WriteByte((byte)(value ^ 1));
        return path;
    }
}
