using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Query.History;

namespace Naru.Tests.Query;

public sealed class QueryJournalTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("naru-journal-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void What_a_backup_has_of_it_stays_when_its_rows_go_to_the_lake()
    {
        PosixFileSystem files = new();
        KeptJournal<QueryRow> journal = QueryHistory.Journal(files, _root);
        journal.Append(Row(1));
        Assert.True(files.TryLink($"{_root}/queries.ndjson", $"{_root}/frozen"));
        string frozen = File.ReadAllText($"{_root}/frozen");
        journal.Clear();
        Assert.Empty(journal.Read(0));
        journal.Append(Row(2));
        Assert.Equal(frozen, File.ReadAllText($"{_root}/frozen"));
        Assert.Equal([2L], QueryHistory.Journal(files, _root).Read(0).Select(static row => row.Number));
    }

    private static QueryRow Row(long number) => new()
    {
        Number = number,
        Id = $"q{number}",
        State = "finished",
        Owner = "me",
        Pool = "eda",
        Dialect = "naru",
        Sql = "SELECT 1",
        Tables = [],
        StartedAt = 0,
        QueuedMilliseconds = 0,
        WallMilliseconds = 0,
        CpuMilliseconds = 0,
        PeakBytes = 0,
        Files = 0,
        ReadBytes = 0,
        Rows = 1,
        ResultBytes = 1,
    };
}
