using System.Globalization;
using Naru.MySql;
using Naru.Sources;
using Naru.Sources.MySql;
using Naru.Tests.Platform;

namespace Naru.Tests.Sources;

/// <summary>Lists, splits and points in time of a real MariaDB.</summary>
[Trait("Size", "Slow")]
public sealed class MySqlSourceTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Databases_and_tables_are_listed_with_their_sizes()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        MariaDbServer.Execute(
            address,
            "CREATE TABLE orders (id INT, at DATETIME, PRIMARY KEY (at, id))",
            "INSERT INTO orders SELECT seq, now() FROM seq_1_to_500",
            "ANALYZE TABLE orders",
            "CREATE VIEW recent AS SELECT * FROM orders",
            "CREATE SEQUENCE numbers");
        await using ISourceServer server = new MySqlSource(MySqlTypesTests.Endpoint(address));
        Assert.Contains(address.Database!, await server.DatabasesAsync(Stop));
        Assert.DoesNotContain("mysql", await server.DatabasesAsync(Stop));
        IReadOnlyList<SourceTableSize> tables = await server.TablesAsync(Stop);
        Assert.Equal(["orders", "recent"], tables.Select(static table => table.Name.ToString()));
        Assert.Equal([false, true], tables.Select(static table => table.IsView));
        Assert.InRange(tables[0].Rows!.Value, 400, 600);
        Assert.True(tables[0].Bytes > 0);
        Assert.Null(tables[1].Rows);
        SourceTable orders = (await server.DescribeAsync(new SourceTableName("", "orders"), null, Stop))!;
        Assert.Equal(["at", "id"], orders.Key);
        Assert.Equal(["int(11)", "datetime"], orders.Columns.Select(static column => column.ServerType));
        Assert.Null(await server.DescribeAsync(new SourceTableName("", "nowhere"), null, Stop));
    }

    [Fact]
    public async Task Parts_by_key_are_disjoint_and_together_the_whole()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();

        // Most keys lie close together, a few far away.
        MariaDbServer.Execute(
            address,
            "CREATE TABLE big (id BIGINT UNSIGNED PRIMARY KEY, filler CHAR(20))",
            "INSERT INTO big SELECT seq, 'x' FROM seq_1_to_20000",
            "INSERT INTO big SELECT 18446744073709551615 - seq, 'y' FROM seq_0_to_9",
            "ANALYZE TABLE big");
        await using ISourceSnapshot snapshot = await MySqlTypesTests.BeginAsync(address, 3);
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", "big"), null, Stop))!;
        IReadOnlyList<SourceChunk> chunks = await snapshot.SplitAsync(table, 1_000, Stop);
        Assert.InRange(chunks.Count, 10, 100);
        IReadOnlyList<string>[] parts = await Task.WhenAll(chunks.Select(chunk => RowTexts.ReadAsync(
            snapshot, new SourceRead { Table = table, Columns = [table.Columns[0]], Chunk = chunk })));
        string[] all = [.. parts.SelectMany(static rows => rows)];
        Assert.Equal(20_010, all.Length);
        Assert.Equal(20_010, all.Distinct().Count());
        Assert.InRange(parts.Max(static rows => rows.Count), 1, 5_000);
    }

    [Theory]
    [InlineData("CREATE TABLE t (id VARCHAR(20) PRIMARY KEY)")]
    [InlineData("CREATE TABLE t (id INT)")]
    [InlineData("CREATE TABLE t (id INT PRIMARY KEY) ENGINE = MyISAM")]
    public async Task What_has_no_key_to_cut_by_or_no_point_in_time_is_one_part(string definition)
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        MariaDbServer.Execute(address, definition, "INSERT INTO t SELECT seq FROM seq_1_to_3000", "ANALYZE TABLE t");
        await using ISourceSnapshot snapshot = await MySqlTypesTests.BeginAsync(address, 1);
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", "t"), null, Stop))!;
        Assert.Equal(SourceChunk.Whole, Assert.Single(await snapshot.SplitAsync(table, 1_000, Stop)));
        Assert.Equal(3_000, (await RowTexts.ReadAsync(
            snapshot, new SourceRead { Table = table, Columns = table.Columns })).Count);
    }

    [Fact]
    public async Task All_sessions_see_the_same_moment_while_others_write()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        MariaDbServer.Execute(
            address,
            "CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT)",
            "CREATE TABLE b (id INT PRIMARY KEY AUTO_INCREMENT)");
        using CancellationTokenSource enough = new();
        TaskCompletionSource writing = new();
        Task writer = Task.Run(() => Write(address, writing, enough.Token), Stop);
        await writing.Task.WaitAsync(TimeSpan.FromMinutes(1), Stop);
        int together = 0;
        for (int i = 0; together < 4 && i < 40; i++)
        {
            await using ISourceSnapshot snapshot = await MySqlTypesTests.BeginAsync(address, 4);
            Assert.True(snapshot.IsConsistent);

            // Statements of other tests may keep the lock from us: then there is one session.
            together += snapshot.Point.Contains("one session", StringComparison.Ordinal) ? 0 : 1;
            int[] counts = await Task.WhenAll(Enumerable.Range(0, 8).Select(async number =>
            {
                SourceTableName name = new("", number % 2 == 0 ? "a" : "b");
                SourceTable table = (await snapshot.DescribeAsync(name, null, Stop))!;
                return (await RowTexts.ReadAsync(
                    snapshot, new SourceRead { Table = table, Columns = table.Columns })).Count;
            }));

            // Both tables get a row in each transaction.
            Assert.Single(counts.Distinct());
        }

        Assert.Equal(4, together);

        await enough.CancelAsync();
        await writer;
    }

    [Fact]
    public async Task Without_the_right_to_hold_writers_back_there_is_one_session_and_the_point_says_so()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        MariaDbServer.Execute(
            address,
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "INSERT INTO t VALUES (1), (2)",
            $"CREATE USER {address.Database}@localhost IDENTIFIED BY 'pass word;x=1'",
            $"GRANT SELECT ON {address.Database}.* TO {address.Database}@localhost");
        MySqlAddress reader = address with { User = address.Database!, Password = "pass word;x=1" };
        await using ISourceSnapshot snapshot = await MySqlTypesTests.BeginAsync(reader, 4);
        Assert.Contains("in one session", snapshot.Point, StringComparison.Ordinal);
        Assert.True(snapshot.IsConsistent);
        MariaDbServer.Execute(address, "INSERT INTO t VALUES (3)");
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", "t"), null, Stop))!;
        IReadOnlyList<string>[] reads = await Task.WhenAll(Enumerable.Range(0, 4).Select(
            _ => RowTexts.ReadAsync(snapshot, new SourceRead { Table = table, Columns = table.Columns })));
        Assert.All(reads, static rows => Assert.Equal(["1", "2"], rows));
    }

    [Theory]
    [InlineData("BIGINT UNSIGNED", "1|9007199254740993|18446744073709551615", "9007199254740993")]
    [InlineData("DECIMAL(30,2)", "1.00|123456789012345678901.25|123456789012345678901.26", "123456789012345678901.25")]
    [InlineData("DATETIME(6)", "2026-01-01 00:00:00|2026-11-21 01:02:03.000004|2026-11-21 01:02:03.000005",
        "2026-11-21 01:02:03.000004")]
    [InlineData("TIMESTAMP", "2026-01-01 00:00:00|2026-11-21 01:02:03|2026-11-21 01:02:04", "2026-11-21 01:02:03")]
    [InlineData("VARCHAR(20)", "1|it's \\ 5|z", "it's \\ 5")]
    public async Task Reading_from_a_value_gives_what_is_not_less(string type, string values, string from)
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        MariaDbServer.Execute(address, $"CREATE TABLE t (v {type} NULL)", "INSERT INTO t VALUES (NULL)");
        foreach (string value in values.Split('|'))
        {
            MariaDbServer.Execute(address, $"INSERT INTO t VALUES ({MySqlText.Literal(value)})");
        }

        await using ISourceSnapshot snapshot = await MySqlTypesTests.BeginAsync(address, 1);
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", "t"), null, Stop))!;
        SourceRead read = new()
        {
            Table = table, Columns = table.Columns, From = new SourceFrom(table.Columns[0], from),
        };
        Assert.Equal(2, (await RowTexts.ReadAsync(snapshot, read)).Count);
        string greatest = (await snapshot.GreatestAsync(table, table.Columns[0], Stop))!;
        read = read with { From = new SourceFrom(table.Columns[0], greatest) };
        Assert.Single(await RowTexts.ReadAsync(snapshot, read));
    }

    [Fact]
    public async Task A_session_only_reads_and_ends_what_takes_too_long()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        MariaDbServer.Execute(
            address,
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "INSERT INTO t VALUES (1)",
            "CREATE VIEW slow AS SELECT id, SLEEP(3600) AS s FROM t");
        SourceTable table;
        await using (ISourceSnapshot patient = await MySqlTypesTests.BeginAsync(address, 1))
        {
            table = (await patient.DescribeAsync(new SourceTableName("", "slow"), null, Stop))!;
        }

        SourceEndpoint endpoint = MySqlTypesTests.Endpoint(address) with { StatementTimeout = TimeSpan.FromSeconds(2) };
        using (MySqlConnection connection = MySqlSource.Open(endpoint))
        {
            Assert.Throws<MySqlException>(() => connection.Execute("INSERT INTO t VALUES (2)"));
        }

        await using ISourceServer server = new MySqlSource(endpoint);
        await using ISourceSnapshot snapshot = await server.BeginAsync(1, Stop);
        SourceException late = await Assert.ThrowsAsync<SourceException>(
            () => RowTexts.ReadAsync(snapshot, new SourceRead { Table = table, Columns = table.Columns }));
        Assert.Contains("`statement_timeout` of the source is 2 s", late.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_read_ends_here_and_in_the_server()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        MariaDbServer.Execute(
            address,
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "INSERT INTO t VALUES (1)",
            "CREATE VIEW slow AS SELECT id, SLEEP(3600) AS s FROM t");
        using CancellationTokenSource enough = new();
        await using ISourceSnapshot snapshot = await MySqlTypesTests.BeginAsync(address, 1);
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", "slow"), null, Stop))!;
        RowTexts rows = new(table.Columns);
        Task reading = snapshot.ReadAsync(
            new SourceRead { Table = table, Columns = table.Columns }, rows, enough.Token);
        using MySqlConnection watch = MySqlConnection.Open(address);
        string running = string.Create(
            CultureInfo.InvariantCulture,
            $"SELECT count(*) FROM information_schema.processlist WHERE db = '{address.Database}' "
            + $"AND info LIKE '%`slow`%' AND id <> {watch.SessionId}");
        await WaitAsync(() => watch.Texts(running)[0][0] == "1");
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        await WaitAsync(() => watch.Texts(running)[0][0] == "0");
        SourceException gone = await Assert.ThrowsAsync<SourceException>(
            () => snapshot.DescribeAsync(table.Name, null, Stop));
        Assert.True(gone.Passes);
    }

    [Fact]
    public async Task Errors_say_what_to_mend()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        SourceException wrong = await FailAsync(address with { User = "nobody-of-this-name", Password = "wrong-pass" });
        Assert.Contains("see `user` and `password` of the source", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-pass", wrong.Message, StringComparison.Ordinal);
        Assert.False(wrong.Passes);
        wrong = await FailAsync(address with { Database = "no_such_database" });
        Assert.Contains("see `database` of the source", wrong.Message, StringComparison.Ordinal);
        Assert.False(wrong.Passes);

        // A server that is not there may come back.
        Assert.True((await FailAsync(address with { Socket = address.Socket + "-not" })).Passes);
    }

    private static Task<SourceException> FailAsync(MySqlAddress address) =>
        Assert.ThrowsAsync<SourceException>(() => MySqlTypesTests.BeginAsync(address, 1));

    private static void Write(MySqlAddress address, TaskCompletionSource writing, CancellationToken enough)
    {
        using MySqlConnection connection = MySqlConnection.Open(address);
        while (!enough.IsCancellationRequested)
        {
            connection.Execute("START TRANSACTION");
            connection.Execute("INSERT INTO a VALUES ()");
            connection.Execute("INSERT INTO b VALUES ()");
            connection.Execute("COMMIT");
            writing.TrySetResult();
        }
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        long began = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(
                System.Diagnostics.Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(2), "waited two minutes");
            await Task.Delay(20, Stop);
        }
    }
}
