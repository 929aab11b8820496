using System.Collections.Immutable;
using Naru.Core.Files;
using Naru.Sim.Disk;
using Naru.Stream.Landing;

namespace Naru.Tests.Stream;

/// <summary>
/// Harness H6 for landing records: whatever is done to their bytes, a reader gets what was written or an error that
/// names file and offset; never other records, and only the very last may be taken for one that was not finished.
/// </summary>
public sealed class LandingLogCorruptionTests(ITestOutputHelper output)
{
    private const string Folder = "/data/landings";
    private const int Count = 5;

    [Fact]
    public void Every_flipped_byte_is_an_error_that_names_it_or_changes_nothing()
    {
        Dictionary<string, byte[]> files = Build(static _ => 3);
        int errors = 0;
        foreach ((string path, byte[] bytes) in files)
        {
            for (int at = 0; at < bytes.Length; at++)
            {
                foreach (int mask in (int[])[0xFF, 1 << (at & 7)])
                {
                    bytes[at] ^= (byte)mask;
                    errors += Check(files, $"bits {mask:x2} of byte {at} of {path}");
                    bytes[at] ^= (byte)mask;
                }
            }
        }

        output.WriteLine($"{errors} errors");
        Assert.True(errors > 100);
    }

    [Fact]
    public void A_cut_anywhere_is_an_error_or_loses_what_lies_behind_it_in_the_last_file_alone()
    {
        Dictionary<string, byte[]> files = Build(static number => number == 1 ? 13 << 20 : 3);
        Assert.Equal(2, files.Count);
        string first = files.Keys.Min(StringComparer.Ordinal)!;
        byte[] whole = files[first];
        foreach (int length in (int[])[0, 15, 16, 17, 40, whole.Length / 2, whole.Length - 1])
        {
            files[first] = whole[..length];
            Assert.Equal(1, Check(files, $"{first} cut to {length} bytes"));
        }
    }

    private static Dictionary<string, byte[]> Build(Func<int, int> outcomeBytes)
    {
        SimulatedDisk disk = new(new Random(1), new FaultCounts(), []);
        using (LandingLog log = LandingLog.Open(disk, Folder))
        {
            for (int number = 1; number <= Count; number++)
            {
                log.Append(Record(number, outcomeBytes(number)));
            }
        }

        Dictionary<string, byte[]> files = new(StringComparer.Ordinal);
        foreach (string name in disk.List(Folder))
        {
            files.Add(name, WholeFile.Read(disk, $"{Folder}/{name}")!);
        }

        return files;
    }

    /// <summary>1 for an error.</summary>
    private static int Check(Dictionary<string, byte[]> files, string what)
    {
        SimulatedDisk disk = new(new Random(1), new FaultCounts(), []);
        disk.CreateDirectory(Folder);
        foreach ((string name, byte[] bytes) in files)
        {
            using IFile file = disk.Open($"{Folder}/{name}", FileOpen.CreateNew);
            file.Write(bytes, 0);
        }

        try
        {
            long[] numbers =
                [.. LandingLog.Read(disk, Folder, 1, long.MaxValue).Select(static record => record.Number)];
            Assert.True(numbers.Length >= Count - 1, $"{what}: {numbers.Length} of {Count}");
            Assert.True(numbers.SequenceEqual(Enumerable.Range(1, numbers.Length).Select(static n => (long)n)), what);
            return 0;
        }
        catch (StorageException exception)
        {
            Assert.Equal(StorageFault.Corrupt, exception.Fault);
            Assert.Contains(Folder, exception.Message, StringComparison.Ordinal);
            Assert.Contains("at byte", exception.Message, StringComparison.Ordinal);
            return 1;
        }
    }

    private static LandingRecord Record(long number, int outcomeBytes) => new()
    {
        Number = number,
        Topic = "events",
        Incarnation = new Guid("0f0e0d0c-0b0a-0908-0706-050403020100"),
        LandedAt = 1_700_000_000_000_000 + number,
        Partitions = [new PartitionLanding(0, number * 10, (number + 1) * 10, new byte[outcomeBytes])],
        Tables = [],
        DedupRuns = [],
        Volume = ImmutableArray<VolumeCount>.Empty,
    };
}
