using System.Globalization;
using System.Text;
using Naru.Core.Files;
using Naru.Core.Hashing;
using Naru.Lake.Delta;
using Naru.Sim;
using Naru.Sim.Delta;
using static Naru.Tests.Lake.DeltaTestData;

namespace Naru.Tests.Lake;

public class DeltaValidatorTests
{
    private static readonly DeltaTableOptions Options = new() { Checkpoints = new PlainCheckpointFormat() };
    private readonly MemoryFiles _files = new();

    [Fact]
    public void A_table_after_appends_a_compaction_and_a_checkpoint_breaks_no_rule()
    {
        MakeTable();
        Assert.Empty(Validate());
    }

    [Theory]
    [InlineData("\"dataChange\":true,", "", "lacks 'dataChange'")]
    [InlineData("\"size\":", "\"size\":1", "the log says 1")]
    [InlineData("\"p_ymd\":\"2026-10-01\"", "\"p_ymd\":\"1 October\"", "for the date column")]
    [InlineData("\"p_ymd\":\"2026-10-01\"", "\"day\":\"2026-10-01\"", "the partition columns are (p_ymd)")]
    [InlineData("part-0000000002-0.parquet\"", "part-000000 002-0.parquet\"", "percent-encoded")]
    [InlineData("part-0000000002-0.parquet\"", "part-0000000001-0.parquet\"", "is added a second time")]
    [InlineData("\\\"numRecords\\\":10", "\\\"numRecords\\\":-1", "numRecords")]
    [InlineData("\\\"_id\\\":\\\"00\\\"", "\\\"_id\\\":7", "minValues of the string column '_id' is 7")]
    [InlineData("\\\"_id\\\":\\\"00\\\"", "\\\"_id\\\":\\\"zz\\\"", "is above the maximum")]
    [InlineData("\\\"ad_id\\\":2", "\\\"ad_id\\\":11", "nullCount of the string column 'ad_id' is 11")]
    [InlineData("\"version\":2", "\"version\":1", "goes from 1 to 1")]
    [InlineData("\"add\":", "\"adds\":", "not one known action")]
    [InlineData("\"naruVersion\":2", "\"naruVersion\":3", "that it is version 2")]
    public void A_broken_rule_is_found(string original, string replacement, string problem)
    {
        DeltaTable table = Open(_files, options: Options);
        table.Commit(Append(WriteFile(_files, table, 1, 0), "a", 1));
        table.Commit(Append(WriteFile(_files, table, 2, 0), "a", 2));
        Rewrite($"{TableFolder}/_delta_log/00000000000000000002.json", original, replacement);
        Assert.Contains(Validate(), found => found.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public void A_missing_file_a_missing_entry_and_a_flipped_bit_are_found()
    {
        DeltaTable table = MakeTable();
        string path = table.PathOf(table.Current.Files.First());
        byte[] bytes = _files.Bytes(path);
        _files.Put(path, [.. bytes[..^1], (byte)(bytes[^1] ^ 1)]);
        Assert.Contains("hash", Assert.Single(Validate()), StringComparison.Ordinal);
        _files.Delete(path);
        Assert.Contains("not there", Assert.Single(Validate()), StringComparison.Ordinal);
        _files.Put(path, bytes);
        Rewrite($"{TableFolder}/_delta_log/00000000000000000004.json", "landing 4", "landing 5", isSealed: false);
        Assert.Contains("checksum", Assert.Single(Validate()), StringComparison.Ordinal);
        _files.Delete($"{TableFolder}/_delta_log/00000000000000000004.json");
        Assert.Contains("not contiguous", Assert.Single(Validate()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00000000000000000010.checkpoint.parquet", "\"version\":9}", "\"version\":8}", "txns is not what")]
    [InlineData("00000000000000000010.checkpoint.parquet", "part-0000000009", "part-0000000008", "files is not what")]
    [InlineData("_last_checkpoint", "\"numOfAddFiles\":9", "\"numOfAddFiles\":8", "the log says 8")]
    [InlineData("_last_checkpoint", "\"version\":10", "\"version\":9", "there is no checkpoint")]
    public void A_checkpoint_that_is_not_the_logs_replay_is_found(
        string name, string original, string replacement, string problem)
    {
        MakeTable();
        Rewrite($"{TableFolder}/_delta_log/{name}", original, replacement, isSealed: false);
        Assert.Contains(Validate(), found => found.Contains(problem, StringComparison.Ordinal));
    }

    [Fact]
    public void A_table_on_disk_with_parquet_files_breaks_no_rule()
    {
        string folder = Directory.CreateTempSubdirectory("naru-validator-").FullName;
        try
        {
            ParquetTables.Make(folder);
            Assert.Empty(DeltaValidator.ValidateAll(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private IReadOnlyList<string> Validate() =>
        DeltaValidator.Validate(_files, TableFolder, new PlainCheckpointFormat(), countRows: null);

    private DeltaTable MakeTable()
    {
        DeltaTable table = Open(_files, options: Options);
        for (int landing = 1; landing <= 9; landing++)
        {
            table.Commit(Append(WriteFile(_files, table, landing, 0), "a", landing));
        }

        DeltaFile input = table.Current.Files.First();
        table.Commit(new DeltaCommit
        {
            Operation = "OPTIMIZE",
            DataChange = false,
            Removes = [input.Path],
            Adds = [WriteFile(_files, table, 1, 7)],
        });
        table.WriteCheckpoint();
        table.Commit(Append(WriteFile(_files, table, 10, 0), "a", 10));
        return table;
    }

    /// <summary>Changes an entry as a careless program would: with a fitting checksum.</summary>
    private void Rewrite(string path, string original, string replacement, bool isSealed = true)
    {
        string text = Encoding.UTF8.GetString(_files.Bytes(path));
        Assert.Contains(original, text, StringComparison.Ordinal);
        text = text.Replace(original, replacement, StringComparison.Ordinal);
        if (isSealed)
        {
            int end = text.LastIndexOf(",\"naruChecksum\"", StringComparison.Ordinal);
            uint checksum = Crc32C.Of(Encoding.UTF8.GetBytes(text[..end]));
            text = string.Create(
                CultureInfo.InvariantCulture, $"{text[..end]},\"naruChecksum\":\"crc32c:{checksum:x8}\"}}}}\n");
        }

        _files.Put(path, Encoding.UTF8.GetBytes(text));
    }
}
