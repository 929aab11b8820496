using System.Text;
using Naru.Access;
using Naru.Core.Files;
using Naru.Sim;

namespace Naru.Tests.Access;

/// <summary>The trail of activity: chained over files, batched, expired with a trace.</summary>
public sealed class TrailTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("naru-trail-").FullName;
    private readonly PosixFileSystem _files = new();
    private readonly ManualTimeProvider _time = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Entries_come_back_in_order_over_files_and_restarts()
    {
        await WriteAsync(3, days: 3);
        List<AuditEntry> read = Read();
        Assert.Equal(Enumerable.Range(1, 9).Select(static n => (long)n), read.Select(static entry => entry.Number));
        Assert.Equal("SELECT 0", read[0].Detail["sql"]);
        Assert.Equal(3, ActivityTrail.Files(_files, _folder).Count());
    }

    [Fact]
    public async Task Any_byte_that_is_changed_any_line_and_any_file_that_is_gone_is_told()
    {
        await WriteAsync(2, days: 3);
        string[] files = [.. ActivityTrail.Files(_files, _folder).Select(static file => file.Path)];
        foreach (string file in files)
        {
            byte[] bytes = File.ReadAllBytes(file);
            for (int i = 0; i < bytes.Length - 1; i += 7)
            {
                byte[] changed = [.. bytes];
                changed[i] ^= 1;
                File.WriteAllBytes(file, changed);
                Assert.Throws<StorageException>(Read);
            }

            string[] lines = Encoding.UTF8.GetString(bytes).Split('\n');
            File.WriteAllText(file, string.Join('\n', lines[1..]));
            Assert.Throws<StorageException>(Read);
            File.WriteAllBytes(file, bytes);
            Assert.Equal(6, Read().Count);
        }

        // The end of a finished file, and whole files, are held by the trail of changes.
        foreach (string file in files[..2])
        {
            byte[] bytes = File.ReadAllBytes(file);
            File.Delete(file);
            Assert.Throws<StorageException>(Read);
            File.WriteAllBytes(file, bytes);
        }

        File.Delete(files[2]);
        File.WriteAllText(files[1], File.ReadAllText(files[1]).Split('\n')[0] + "\n");
        Assert.Throws<StorageException>(Read);
    }

    [Fact]
    public async Task Old_files_go_and_the_trail_of_changes_tells_where_the_chain_goes_on()
    {
        await WriteAsync(2, days: 6, lifetimeDays: 2);
        List<AuditEntry> read = Read();
        Assert.True(read[0].Number > 1);
        Assert.Equal(12, read[^1].Number);
        AuditEntry[] expired =
            [.. AuditTrail.Read(_files, _folder).Where(static entry => entry.What == "audit.expire")];
        Assert.NotEmpty(expired);
        Assert.Equal(read[0].Number - 1, long.Parse(expired[^1].Detail["last"]));
    }

    [Fact]
    public async Task What_a_failing_disk_did_not_take_is_written_with_the_next()
    {
        ActivityTrail trail = Open(400);
        await RecordAsync(trail, 1);
        trail.WriteCome();
        string file = ActivityTrail.Files(_files, _folder).Single().Path;
        File.AppendAllText(file, "{\"torn");
        ActivityTrail next = Open(400);
        await RecordAsync(next, 2);
        next.WriteCome();
        Assert.Equal(3, Read().Count);
    }

    private async Task WriteAsync(int each, int days, int lifetimeDays = 400)
    {
        ActivityTrail trail = Open(lifetimeDays);
        for (int day = 0; day < days; day++)
        {
            await RecordAsync(trail, each);
            while (trail.WriteCome())
            {
            }

            _time.Advance(TimeSpan.FromDays(1));
            if (day == 1)
            {
                trail = Open(lifetimeDays);
                await RecordAsync(trail, 0);
            }
        }
    }

    private static async Task RecordAsync(ActivityTrail trail, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await trail.RecordAsync("kim", "query", AuditTrail.Detail(("sql", $"SELECT {i}"), ("outcome", "finished")));
        }
    }

    private ActivityTrail Open(int lifetimeDays) => new(
        _files,
        _folder,
        AuditTrail.Open(_files, _folder, _time),
        new AccessOptions { AuditLifetime = TimeSpan.FromDays(lifetimeDays) },
        _time);

    private List<AuditEntry> Read()
    {
        List<AuditEntry> entries = [];
        ActivityTrail.Read(_files, _folder, AuditTrail.Read(_files, _folder), entries.Add);
        return entries;
    }
}
