using System.Text;
using Naru.Lake.Columns;

namespace Naru.Tests.Lake;

public class ColumnMemoryTests
{
    [Fact]
    public unsafe void Blocks_are_powers_of_two_that_hold_what_was_asked_for()
    {
        foreach (long bytes in (long[])[0, 1, 4095, 4096, 4097, 16384, (1 << 20) + 1])
        {
            byte* block = ColumnMemory.Rent(bytes, out long blockBytes);
            Assert.True(long.IsPow2(blockBytes));
            Assert.True(blockBytes >= Math.Max(bytes, 4096) && blockBytes < Math.Max(8192, bytes * 2));
            new Span<byte>(block, (int)blockBytes).Fill(0xa5);
            ColumnMemory.Return(block, blockBytes);
        }
    }

    [Fact]
    public void Batches_that_live_at_once_share_no_memory_and_what_is_kept_is_bounded()
    {
        TableSchema schema = new(
            [new Column("text", ColumnType.String, true, 1), new Column("n", ColumnType.Int64, true, 2)]);
        Random random = TestSeed.Random(out int seed);
        List<(ColumnBatch Batch, int Mark)> live = [];
        for (int i = 0; i < 60; i++)
        {
            ColumnBatch batch = new(schema);
            for (int row = 0; row < 5_000; row++)
            {
                batch.Columns[0].AppendString(Encoding.ASCII.GetBytes($"batch {i} and row {row}"));
                batch.Columns[1].AppendInt64(((long)i << 32) | (uint)row);
                batch.EndRow();
            }

            live.Add((batch, i));
            while (live.Count > 3)
            {
                int gone = random.Next(live.Count);
                Verify(live[gone].Batch, live[gone].Mark, seed);
                live[gone].Batch.Dispose();
                live.RemoveAt(gone);
            }
        }

        live.ForEach(one => Verify(one.Batch, one.Mark, seed));
        live.ForEach(static one => one.Batch.Dispose());
        Assert.InRange(ColumnMemory.KeptBytes, 1, ColumnMemory.KeptBytesMax);
    }

    private static void Verify(ColumnBatch batch, int mark, int seed)
    {
        for (int row = 0; row < batch.RowCount; row += 97)
        {
            string text = Encoding.ASCII.GetString(batch.Columns[0].StringAt(row));
            Assert.True($"batch {mark} and row {row}" == text, $"seed {seed}");
            Assert.Equal(((long)mark << 32) | (uint)row, batch.Columns[1].ValueAt<long>(row));
        }
    }
}
