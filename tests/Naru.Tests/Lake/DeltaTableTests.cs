using System.Collections.Immutable;
using System.Text;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using static Naru.Tests.Lake.DeltaTestData;

namespace Naru.Tests.Lake;

public class DeltaTableTests
{
    private readonly MemoryFiles _files = new();

    [Fact]
    public void What_was_committed_is_there_after_opening_again()
    {
        DeltaTable table = Open(_files);
        DeltaFile file = WriteFile(_files, table, 1, 0);
        CommitResult result = table.Commit(Append(file, "naru/events/x/0", 41));
        Assert.Equal((CommitOutcome.Committed, 1L), (result.Outcome, result.Version));

        DeltaVersion again = Open(_files).Current;
        Assert.Equal(1, again.Version);
        Assert.Equal(file, Assert.Single(again.Files));
        Assert.Equal(41, again.Txns["naru/events/x/0"]);
        Assert.Equal(Schema, again.Schema);
        Assert.Equal((10L, file.Bytes), (again.Rows, again.Bytes));
    }

    [Fact]
    public void A_commit_whose_txn_the_table_is_at_or_past_is_not_made_again()
    {
        DeltaTable table = Open(_files);
        table.Commit(Append(WriteFile(_files, table, 1, 0), "a", 10));
        CommitResult same = table.Commit(Append(WriteFile(_files, table, 2, 0), "a", 10));
        CommitResult older = table.Commit(Append(WriteFile(_files, table, 2, 1), "a", 9));
        CommitResult newer = table.Commit(Append(WriteFile(_files, table, 2, 2), "a", 11));
        Assert.Equal(CommitOutcome.AlreadyDone, same.Outcome);
        Assert.Equal(CommitOutcome.AlreadyDone, older.Outcome);
        Assert.Equal(CommitOutcome.Committed, newer.Outcome);
        Assert.Equal(2, table.Current.FilesByPath.Count);
    }

    [Fact]
    public void A_commit_that_is_done_for_one_partition_and_not_for_another_names_the_other()
    {
        DeltaTable table = Open(_files);
        table.Commit(Append(WriteFile(_files, table, 1, 0), "a", 10));
        DeltaCommit both = Append(WriteFile(_files, table, 2, 0), "a", 10);
        CommitResult result = table.Commit(both with { Txns = both.Txns.Add("b", 5) });
        Assert.Equal(CommitOutcome.AlreadyDone, result.Outcome);
        Assert.Equal(["b"], result.TxnsBehind);
    }

    [Fact]
    public void A_commit_lands_on_top_of_another_processes_commit()
    {
        DeltaTable one = Open(_files);
        DeltaTable other = Open(_files);
        one.Commit(Append(WriteFile(_files, one, 1, 0), "a", 1));
        CommitResult result = other.Commit(Append(WriteFile(_files, other, 1, 1), "b", 1));
        Assert.Equal((CommitOutcome.Committed, 2L), (result.Outcome, result.Version));
        Assert.Equal(2, other.Current.FilesByPath.Count);
    }

    [Fact]
    public void A_zombie_finds_its_landing_committed_by_its_successor()
    {
        DeltaTable zombie = Open(_files);
        DeltaTable successor = Open(_files);
        successor.Commit(Append(WriteFile(_files, successor, 1, 0), "a", 7));
        CommitResult result = zombie.Commit(Append(WriteFile(_files, zombie, 1, 1), "a", 7));
        Assert.Equal(CommitOutcome.AlreadyDone, result.Outcome);
        Assert.Single(zombie.Current.Files);
    }

    [Fact]
    public void A_compaction_whose_input_another_removed_is_a_conflict()
    {
        DeltaTable one = Open(_files);
        DeltaFile input = WriteFile(_files, one, 1, 0);
        one.Commit(Append(input, "a", 1));
        DeltaTable other = Open(_files);
        DeltaCommit compact = new()
        {
            Operation = "OPTIMIZE", DataChange = false, Removes = [input.Path], Adds = [WriteFile(_files, one, 1, 7)],
        };
        DeltaCommit compactToo = compact with { Adds = [WriteFile(_files, one, 1, 8)] };
        Assert.Equal(CommitOutcome.Committed, one.Commit(compact).Outcome);
        CommitResult result = other.Commit(compactToo);
        Assert.Equal(CommitOutcome.Conflict, result.Outcome);
        Assert.Contains(input.Path, result.Reason, StringComparison.Ordinal);
        Assert.Equal(CommitOutcome.AlreadyDone, one.Commit(compact).Outcome);
    }

    [Fact]
    public void A_nullable_column_is_added_by_the_commit_that_first_has_it()
    {
        DeltaTable table = Open(_files);
        Column added = new("campaign", ColumnType.Json, Nullable: true, 6);
        TableSchema wider = new(Schema.Columns.Insert(4, added));
        DeltaCommit commit = Append(WriteFile(_files, table, 1, 0), "a", 1) with { Schema = wider };
        Assert.Equal(CommitOutcome.Committed, table.Commit(commit).Outcome);
        Assert.Equal(wider, Open(_files).Current.Schema);

        DeltaCommit older = Append(WriteFile(_files, table, 2, 0), "a", 2) with { Schema = Schema };
        Assert.Equal(CommitOutcome.Committed, table.Commit(older).Outcome);
        Assert.Equal(wider, Open(_files).Current.Schema);
    }

    [Fact]
    public void Columns_that_one_version_of_a_definition_lacks_are_kept_and_types_grow()
    {
        DeltaTable table = Open(_files);
        TableSchema other = new(
        [
            .. Schema.Columns[..2],
            new Column("cost", ColumnType.Decimal(20, 6), Nullable: true, 4),
            new Column("clicks", ColumnType.Int32, Nullable: false, 6),
            Schema.Columns[4],
        ]);
        DeltaCommit commit = Append(WriteFile(_files, table, 1, 0), "a", 1) with { Schema = other };
        Assert.Equal(CommitOutcome.Committed, table.Commit(commit).Outcome);
        TableSchema grown = new(
        [
            .. Schema.Columns[..3],
            new Column("cost", ColumnType.Decimal(20, 6), Nullable: true, 4),
            new Column("clicks", ColumnType.Int32, Nullable: true, 6),
            Schema.Columns[4],
        ]);
        Assert.Equal(grown, Open(_files).Current.Schema);

        TableSchema back = new(Schema.Columns.Insert(4, new Column("clicks", ColumnType.Int64, Nullable: true, 6)));
        table.Commit(Append(WriteFile(_files, table, 2, 0), "a", 2) with { Schema = back });
        Assert.Equal(ColumnType.Int64, Open(_files).Current.Schema.Columns[4].Type);
        Assert.Equal(ColumnType.Decimal(20, 6), Open(_files).Current.Schema.Columns[3].Type);
    }

    [Fact]
    public void A_field_id_cannot_be_two_columns()
    {
        DeltaTable table = Open(_files);
        TableSchema clash = new(Schema.Columns.Insert(4, new Column("other", ColumnType.Int32, Nullable: true, 3)));
        CommitResult result = table.Commit(Append(WriteFile(_files, table, 1, 0), "a", 1) with { Schema = clash });
        Assert.Equal(CommitOutcome.Conflict, result.Outcome);
        Assert.Contains("'ad_id'", result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_schema_that_changes_a_column_is_refused_by_name()
    {
        DeltaTable table = Open(_files);
        TableSchema changed = new(Schema.Columns.SetItem(3, Schema.Columns[3] with { Type = ColumnType.Double }));
        CommitResult result = table.Commit(Append(WriteFile(_files, table, 1, 0), "a", 1) with { Schema = changed });
        Assert.Equal(CommitOutcome.Conflict, result.Outcome);
        Assert.Contains("'cost'", result.Reason, StringComparison.Ordinal);
        Assert.Contains("DECIMAL(18,6)", result.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_flipped_bit_of_a_log_entry_is_found_and_the_file_named()
    {
        DeltaTable table = Open(_files);
        table.Commit(Append(WriteFile(_files, table, 1, 0), "a", 1));
        string path = $"{TableFolder}/_delta_log/00000000000000000001.json";
        byte[] whole = _files.Bytes(path);
        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            _files.Put(path, flipped);
            StorageException error = Assert.Throws<StorageException>(() => Open(_files));
            Assert.Equal(StorageFault.Corrupt, error.Fault);
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_entry_in_another_entrys_place_is_found()
    {
        DeltaTable table = Open(_files);
        table.Commit(Append(WriteFile(_files, table, 1, 0), "a", 1));
        table.Commit(Append(WriteFile(_files, table, 2, 0), "a", 2));
        string log = $"{TableFolder}/_delta_log/";
        _files.Put(log + "00000000000000000001.json", _files.Bytes(log + "00000000000000000002.json"));
        StorageException error = Assert.Throws<StorageException>(() => Open(_files));
        Assert.Contains("00000000000000000001.json", error.Message, StringComparison.Ordinal);
        Assert.Contains("version 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_entry_of_another_writer_is_read_without_a_checksum()
    {
        DeltaTable table = Open(_files);
        const string Statistics = """
            {"numRecords":3,"minValues":{"_event_time":"2026-10-02T00:00:00.000+09:00"},
            "maxValues":{"_event_time":"2026-10-02T00:00:01.000+09:00"}}
            """;
        string add = """
            {"add":{"path":"p_ymd=2026-10-02/part-00000-%ED%95%9C%20x.snappy.parquet","size":5,"modificationTime":2,
            "partitionValues":{"p_ymd":"2026-10-02"},"dataChange":true,"unknown":[1,{"a":2}],"stats":STATISTICS}}
            """;
        string[] lines =
        [
            """{"commitInfo":{"timestamp":1,"operation":"WRITE","engineInfo":"Apache-Spark/3.5.0 Delta-Lake/3.2.0"}}""",
            add.ReplaceLineEndings("").Replace(
                "STATISTICS", System.Text.Json.JsonSerializer.Serialize(Statistics), StringComparison.Ordinal),
            """{"txn":{"appId":"spark","version":3}}""",
            """{"somethingNew":{"a":1}}""",
        ];
        string entry = string.Join('\n', lines);
        _files.Put($"{TableFolder}/_delta_log/00000000000000000001.json", Encoding.UTF8.GetBytes(entry));
        DeltaFile file = Assert.Single(table.Refresh().Files);
        Assert.Equal("p_ymd=2026-10-02/part-00000-한 x.snappy.parquet", file.Path);
        Assert.Equal((3L, 1790866800000000L, 1790866801000999L), (file.Rows, file.MinEventTime, file.MaxEventTime));
        Assert.Equal(3, table.Current.Txns["spark"]);
    }

    [Fact]
    public void A_table_that_needs_a_newer_protocol_is_refused_with_the_versions()
    {
        Open(_files);
        string entry =
            """{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"]}}""";
        _files.Put($"{TableFolder}/_delta_log/00000000000000000001.json", Encoding.UTF8.GetBytes(entry));
        DeltaException error = Assert.Throws<DeltaException>(() => Open(_files));
        Assert.Contains(TableFolder, error.Message, StringComparison.Ordinal);
        Assert.Contains("reader version 3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Statistics_of_sensitive_columns_say_no_values()
    {
        DeltaTable table = Open(_files, options: new DeltaTableOptions { KeepsStatisticValues = false });
        DeltaFile file = WriteFile(_files, table, 1, 0);
        Assert.DoesNotContain("ad-1", file.Statistics, StringComparison.Ordinal);
        Assert.DoesNotContain("12.5", file.Statistics, StringComparison.Ordinal);
        Assert.EndsWith(
            """{"_id":0,"_event_time":0,"ad_id":2,"cost":0}}""", file.Statistics, StringComparison.Ordinal);
        Assert.NotNull(file.MinEventTime);
    }

    [Fact]
    public void Long_text_in_statistics_is_cut_so_that_it_still_bounds()
    {
        string longText = new('가', 40);
        string json = $"\"{longText}\"";
        string statistics = DeltaStatistics.Write(
            new Naru.Lake.Parquet.TableFileInfo(1, 1, [new("ad_id", json, json, 0)]), Schema, keepValues: true);
        string cut = new('가', 32);
        string min = $$$"""{"numRecords":1,"minValues":{"ad_id":"{{{cut}}}"},""";
        string max = $$$"""{"ad_id":"{{{cut}}}\uDBFF\uDFFF"}""";
        Assert.Equal($$$"""{{{min}}}"maxValues":{{{max}}},"nullCount":{"ad_id":0}}""", statistics);
    }

    [Fact]
    public void Every_file_name_survives_the_log()
    {
        DeltaTable table = Open(_files);
        DeltaFile file = WriteFile(_files, table, 1, 0) with { Path = "p_ymd=2026-10-01/a b%20é한#?+&;:\"'x.parquet" };
        table.Commit(Append(file, "a", 1));
        Assert.Equal(file, Assert.Single(Open(_files).Current.Files));
    }

    [Fact]
    public void Names_of_landed_files_are_known_again()
    {
        Assert.Equal("part-0000000042-3.parquet", DeltaPaths.LandedFileName(42, 3, ".parquet"));
        Assert.True(DeltaPaths.TryParseLanding("part-0000000042-3.parquet", out long landing));
        Assert.Equal(42, landing);
        Assert.False(DeltaPaths.TryParseLanding("part-00000-9f.c000.parquet", out _));
        Assert.False(DeltaPaths.TryParseLanding("part", out _));
        string folder = DeltaPaths.PartitionFolder(["a=b", "c"], [null, "x/y"]);
        Assert.Equal("a%3Db=__HIVE_DEFAULT_PARTITION__/c=x%2Fy", folder);
    }
}
