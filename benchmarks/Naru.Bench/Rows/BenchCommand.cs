using System.Diagnostics;
using Naru.Bench.Collect;
using Naru.Bench.Peers;

namespace Naru.Bench.Rows;

/// <summary>`./bench [P4 …] [--full] [--dir DIR] [--list] [--with-peers]`: rows, one table.</summary>
internal static class BenchCommand
{
    private const string Usage =
        """
        ./bench                   every row, in about ten minutes
        ./bench P4 P9             only these
        ./bench --full            the large sizes: 10 minutes of P4, 10 GB of P10
        ./bench --dir DIR         measure the disk that holds this folder; default: artifacts
        ./bench --list            name the rows
        ./bench --with-peers      first install the peers that Debian has
        ./bench micro NAME        a benchmark of one piece: collect, decode, dedup, parquet-write, sessions,
                                  topic-append
        """;

    private static readonly BenchRow[] Rows =
    [
        new("P1", "collect, one event a request", static setup => CollectBench.RunAsync("P1", setup)),
        new("P2", "collect, batches", static setup => CollectBench.RunAsync("P2", setup)),
        new("P3", "collect, batches checked before the answer", static setup => CollectBench.RunAsync("P3", setup)),
        new("P4", "the whole way: collect, check, deduplicate, land; beside DuckDB alone", WholeWay.RunAsync),
        new("P5", "CPU time of the platform at 50,000 events/s", ProcessorTime.RunAsync),
        new("P6", "acknowledged to visible in SQL, and to committed, at 50,000 events/s", Freshness.RunAsync),
        new("P7", "windows counted on decoded batches, exactly once, beside one GROUP BY", WindowSpeed.RunAsync),
        new("P8", "live windows over HTTP beside a dictionary behind the same server", LiveSpeed.RunAsync),
        new("P9", "SQL on 20 M events beside DuckDB on the same files", SqlSpeed.RunAsync),
        new("P10", "restart after kill -9 with a large topic", Restart.RunAsync),
        new("P11", "memory of all processes: idle, at 100,000 events/s, at rest after it", Memory.RunAsync),
        new("P12", "disk bytes of a landed event beside its JSON", DiskBytes.RunAsync),
        new("P13", "Trino's protocol beside /v1/sql: first row, MB/s", ProtocolSpeed.RunAsync),
        new("P14", "a CSV download of 10 M rows beside DuckDB's COPY; the server's memory", DownloadSpeed.RunAsync),
        new("P15", "a table of MariaDB and of PostgreSQL into Parquet beside their own dumps", SnapshotSpeed.RunAsync),
        new("kill", "from a kill to the end of its caller's answer, whatever the query does", KillTime.RunAsync),
        new("busy", "short queries and collect while pool etl is full, beside idle", BusyPools.RunAsync),
        new("intervals", "an interval of a model beside its query alone", IntervalCost.RunAsync),
        new("console", "first paint of console pages in Chromium, nothing cached", ConsoleLoad.RunAsync),
    ];

    public static async Task<int> RunAsync(string[] arguments)
    {
        List<string> wanted = [];
        string folder = "artifacts";
        bool full = false;
        for (int i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case "--list":
                    Array.ForEach(Rows, static row => Console.WriteLine($"{row.Id,-7} {row.About}"));
                    return 0;
                case "--full":
                    full = true;
                    break;
                case "--with-peers":
                    DebianPackages.Install();
                    break;
                case "--dir" when i + 1 < arguments.Length:
                    folder = arguments[++i];
                    break;
                case string id when Array.Exists(Rows, row => row.Id == id):
                    wanted.Add(id);
                    break;
                case string other:
                    Console.Error.WriteLine($"there is no row or option '{other}'\n{Usage}");
                    return 2;
            }
        }

        string place = Path.GetFullPath(Path.Combine(folder, $"bench-{Environment.ProcessId}"));
        Directory.CreateDirectory(place);
        try
        {
            BenchSetup setup = new(place, full);
            await RunAsync(setup, [.. Rows.Where(row => wanted.Count == 0 || wanted.Contains(row.Id))]);
            return 0;
        }
        finally
        {
            Directory.Delete(place, recursive: true);
        }
    }

    private static async Task RunAsync(BenchSetup setup, BenchRow[] rows)
    {
        List<RowResult> results = [];
        long start = Stopwatch.GetTimestamp();
        foreach (BenchRow row in rows)
        {
            BenchSetup.Say($"{row.Id}: {row.About} …");
            results.AddRange(await row.Run(setup));
        }

        RowTable.Print(results);
        Console.WriteLine(
            $"{Environment.ProcessorCount} cores hold generator, Naru and peers alike; "
            + $"{Stopwatch.GetElapsedTime(start).TotalSeconds:N0} s; what each row means: docs/performance.md");
    }
}
