using Naru.Core.Files;
using Naru.Query;
using Naru.Query.Gate;
using Naru.Query.Worker;
using Naru.Tests.Tiers;

namespace Naru.Tests.Query;

/// <summary>A disk that takes nothing is said to be that, and what it cost ends with it.</summary>
public sealed class FullDiskTests
{
    private const string Words = "IO Error: Could not write file \"/data/merge/1.parquet\": No space left on device";

    [Fact]
    public void A_full_disk_is_told_with_its_mend_and_not_as_a_file_that_cannot_be_read()
    {
        RunFailed failed = new() { Kind = "Io", Message = Words };
        QueryError[] told =
        [
            EngineErrors.Map(failed, SqlText.Read("SELECT 1", 100), []),
            EngineErrors.OfStorage(new StorageException(StorageFault.Io, Words), "look at it").Error,
        ];
        Assert.All(told, static error => Assert.StartsWith(
            "spill_full: the disk is full: what the query writes on its way has no room; free space",
            error.ToString(),
            StringComparison.Ordinal));
        QueryError other = EngineErrors
            .OfStorage(new StorageException(StorageFault.NotFound, "gone"), "look at it").Error;
        Assert.Equal(("lake_file", "gone", "look at it"), (other.Code, other.Message, other.Hint));
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task A_question_of_the_platforms_own_tables_is_answered_with_an_error_while_their_folder_is_away()
    {
        string root = TierServer.MakeProject("");
        try
        {
            await using TierServer server = await TierServer.StartAsync(root);
            const string Own = "SELECT count(*) >= 0 FROM naru.intervals";
            Assert.Equal("[[true]]", (await server.AskAsync(Own)).ReplaceLineEndings(""));
            string tail = Path.Combine(root, "shop/data/tail");
            Directory.Move(tail, tail + "-away");
            (bool ok, string text) = await server.TryAskAsync(Own);
            Assert.False(ok);
            Assert.Contains("\"lake_file\"", text, StringComparison.Ordinal);
            Assert.Contains("`naru doctor`", text, StringComparison.Ordinal);
            Directory.Move(tail + "-away", tail);
            Assert.Equal("[[true]]", (await server.AskAsync(Own)).ReplaceLineEndings(""));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }
}
