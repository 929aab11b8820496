using Naru.Core.Files;
using Naru.Lake.Delta;
using Naru.Sim;
using Naru.Sim.Delta;
using static Naru.Tests.Lake.DeltaTestData;

namespace Naru.Tests.Lake;

public class DeltaCheckpointTests
{
    private static readonly DeltaTableOptions Options = new() { Checkpoints = new PlainCheckpointFormat() };
    private readonly MemoryFiles _files = new();
    private readonly SteppedClock _clock = new();

    private static string Log(string name) => $"{TableFolder}/_delta_log/{name}";

    [Fact]
    public void Ten_commits_make_a_checkpoint_due_and_opening_starts_from_it()
    {
        DeltaTable table = Open(_files, _clock, Options);
        Commit(table, 1, 9);
        Assert.False(table.IsCheckpointDue);
        Commit(table, 10, 10);
        Assert.True(table.IsCheckpointDue);
        table.WriteCheckpoint();
        Assert.False(table.IsCheckpointDue);
        Commit(table, 11, 12);

        // If opening read the first entries still, it would stop at this one.
        _files.Put(Log("00000000000000000003.json"), "broken"u8.ToArray());
        DeltaTable again = Open(_files, _clock, Options);
        Assert.Empty(again.Problems);
        AssertSame(table.Current, again.Current);
        Assert.False(again.IsCheckpointDue);
    }

    [Fact]
    public void A_damaged_checkpoint_is_named_and_got_round()
    {
        DeltaTable table = Open(_files, _clock, Options);
        Commit(table, 1, 10);
        table.WriteCheckpoint();
        Commit(table, 11, 20);
        table.WriteCheckpoint();
        Commit(table, 21, 21);
        FlipEveryTenthBit(Log("00000000000000000020.checkpoint.parquet"), table.Current);
        _files.Put(Log("00000000000000000020.checkpoint.parquet"), [1, 2, 3]);
        FlipEveryTenthBit(Log("00000000000000000010.checkpoint.parquet"), table.Current);
    }

    [Fact]
    public void Without_any_good_checkpoint_and_without_the_first_entries_every_damage_is_named()
    {
        DeltaTable table = Open(_files, _clock, Options);
        Commit(table, 1, 10);
        table.WriteCheckpoint();
        _files.Delete(Log("00000000000000000000.json"));
        _files.Put(Log("00000000000000000010.checkpoint.parquet"), "{}"u8.ToArray());
        StorageException error = Assert.Throws<StorageException>(() => Open(_files, _clock, Options));
        Assert.Equal(StorageFault.Corrupt, error.Fault);
        Assert.Contains("00000000000000000010.checkpoint.parquet", error.Message, StringComparison.Ordinal);
        Assert.Contains("00000000000000000000.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_entry_after_the_checkpoint_is_named()
    {
        DeltaTable table = Open(_files, _clock, Options);
        Commit(table, 1, 10);
        table.WriteCheckpoint();
        Commit(table, 11, 13);
        _files.Delete(Log("00000000000000000012.json"));
        StorageException error = Assert.Throws<StorageException>(() => Open(_files, _clock, Options));
        Assert.Contains("00000000000000000012.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_hint_changes_nothing_and_is_named()
    {
        DeltaTable table = Open(_files, _clock, Options);
        Commit(table, 1, 10);
        table.WriteCheckpoint();
        _files.Put(Log("_last_checkpoint"), "{\"version\":"u8.ToArray());
        DeltaTable again = Open(_files, _clock, Options);
        Assert.Contains("_last_checkpoint", Assert.Single(again.Problems), StringComparison.Ordinal);
        AssertSame(table.Current, again.Current);
    }

    [Fact]
    public void The_log_is_cleaned_before_the_last_but_one_checkpoint_when_older_than_a_day()
    {
        DeltaTable table = Open(_files, _clock, Options);
        Commit(table, 1, 10);
        table.WriteCheckpoint();
        _clock.Advance(TimeSpan.FromHours(25));
        Commit(table, 11, 20);
        table.WriteCheckpoint();
        Assert.False(_files.FileExists(Log("00000000000000000009.json")));
        Assert.True(_files.FileExists(Log("00000000000000000010.json")));
        Commit(table, 21, 30);
        table.WriteCheckpoint();

        // 20 is the last but one, and entries 11 to 19 are young.
        Assert.True(_files.FileExists(Log("00000000000000000010.checkpoint.parquet")));
        Assert.True(_files.FileExists(Log("00000000000000000011.json")));
        AssertSame(table.Current, Open(_files, _clock, Options).Current);

        _clock.Advance(TimeSpan.FromHours(25));
        Commit(table, 31, 40);
        table.WriteCheckpoint();
        Assert.False(_files.FileExists(Log("00000000000000000010.checkpoint.parquet")));
        Assert.False(_files.FileExists(Log("00000000000000000029.json")));
        Assert.True(_files.FileExists(Log("00000000000000000030.json")));
        AssertSame(table.Current, Open(_files, _clock, Options).Current);
    }

    [Fact]
    public void Whichever_step_of_a_checkpoint_fails_the_table_is_as_it_was()
    {
        for (int step = 0; step < 60; step++)
        {
            foreach (bool takesEffect in new[] { false, true })
            {
                MemoryFiles files = new();
                SteppedClock clock = new();
                DeltaTable table = Open(files, clock, Options);
                Commit(files, table, 1, 10);
                table.WriteCheckpoint();
                clock.Advance(TimeSpan.FromDays(2));
                Commit(files, table, 11, 20);
                files.FailAtStep = files.Steps + step;
                files.FailureTakesEffect = takesEffect;
                try
                {
                    table.WriteCheckpoint();
                }
                catch (StorageException)
                {
                    // As a restart, or the next pass of maintenance, finds it.
                }

                files.Restart();
                DeltaTable again = Open(files, clock, Options);
                Assert.Empty(again.Problems);
                AssertSame(table.Current, again.Current);
                Commit(files, again, 21, 31);
                again.WriteCheckpoint();
                AssertSame(again.Current, Open(files, clock, Options).Current);
            }
        }
    }

    [Fact]
    public void Old_tombstones_are_forgotten_and_young_ones_kept()
    {
        DeltaTable table = Open(_files, _clock, Options);
        Commit(table, 1, 2);
        Remove(table, 1);
        _clock.Advance(TimeSpan.FromDays(6));
        Remove(table, 2);
        _clock.Advance(TimeSpan.FromDays(2));
        Commit(table, 3, 10);
        table.WriteCheckpoint();
        string kept = Assert.Single(table.Current.Tombstones).Key;
        Assert.Contains("part-0000000002", kept, StringComparison.Ordinal);
        DeltaVersion again = Open(_files, _clock, Options).Current;
        Assert.Equal(table.Current.Tombstones[kept], Assert.Single(again.Tombstones).Value);
    }

    internal static void AssertSame(DeltaVersion expected, DeltaVersion actual)
    {
        Assert.Equal(expected.Version, actual.Version);
        Assert.Equal(expected.Files, actual.Files);
        Assert.Equal(expected.Txns, actual.Txns);
        Assert.Equal(expected.Schema, actual.Schema);
        Assert.Equal((expected.Rows, expected.Bytes), (actual.Rows, actual.Bytes));
    }

    private void FlipEveryTenthBit(string path, DeltaVersion expected)
    {
        byte[] whole = _files.Bytes(path);
        for (int bit = 0; bit < whole.Length * 8; bit += 97)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            _files.Put(path, flipped);
            DeltaTable again = Open(_files, _clock, Options);
            Assert.Contains(again.Problems, problem => problem.Contains(path, StringComparison.Ordinal));
            AssertSame(expected, again.Current);
        }
    }

    private static void Remove(DeltaTable table, long landing) => Assert.Equal(
        CommitOutcome.Committed,
        table.Commit(new DeltaCommit
        {
            Operation = "DELETE", Removes = [table.Current.Files.Single(file => file.Landing == landing).Path],
        }).Outcome);

    private void Commit(DeltaTable table, int from, int to) => Commit(_files, table, from, to);

    private static void Commit(MemoryFiles files, DeltaTable table, int from, int to)
    {
        for (int landing = from; landing <= to; landing++)
        {
            table.Commit(Append(WriteFile(files, table, landing, 0), "a", landing));
        }
    }
}
