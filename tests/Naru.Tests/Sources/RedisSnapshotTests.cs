using System.Globalization;
using System.Text;
using Naru.Connections;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Models;
using Naru.Redis;
using Naru.Sources;
using Naru.Sources.Redis;
using Naru.Tests.Platform;
using Naru.Tests.Redis;

namespace Naru.Tests.Sources;

/// <summary>Snapshots of a real Redis, as it runs and as it saves itself.</summary>
public sealed class RedisSnapshotTests : IDisposable
{
    private const string Columns = "db, key, type, elements, bytes, expires_at, escaped, value";

    /// <summary>Collections of every size, so that each is held in every form that this Redis has.</summary>
    private const string Fill = """
        local function many(command, key, n, part)
          for i = 1, n do redis.call(command, key, unpack(part(i))) end
        end
        redis.call('SET', 'text', 'plain "quoted" \\ back\n\0 and 한글')
        redis.call('SET', 'number', '12345')
        redis.call('SET', 'large number', '12345678901234')
        redis.call('SET', 'empty', '')
        redis.call('SET', 'long', string.rep('a', 5000))
        redis.call('SET', 'bytes', '\255\0\\x')
        redis.call('SET', 'key \254', 'v')
        redis.call('SET', 'timed', 'v', 'PXAT', 4102444800123)
        for i, n in ipairs({3, 200, 2500}) do
          local name = ':' .. n
          many('RPUSH', 'list' .. name, n, function(i) return {i % 3 == 0 and i or 'item ' .. i} end)
          many('SADD', 'numbers' .. name, n, function(i) return {i * 70000} end)
          many('SADD', 'set' .. name, n, function(i) return {'m' .. i} end)
          many('HSET', 'hash' .. name, n, function(i) return {'f' .. i, i} end)
          many('ZADD', 'zset' .. name, n, function(i) return {i / 7, 'm' .. i} end)
          many('XADD', 'stream' .. name, n, function(i) return {i .. '-1', 'a', i, 'b' .. i % 2, 'x'} end)
        end
        redis.call('RPUSH', 'list with a large one', 'a', string.rep('b', 20000))
        redis.call('HSET', 'hash of bytes', 'f\200', 'v', '\\', '\\')
        redis.call('ZADD', 'scores', 'inf', 'a', '-inf', 'b', '1e300', 'c', '3', 'd', '3', 'cc', '0.1', 'e')
        redis.call('XADD', 'entries', '5-1', 'a', '1', 'a', '2')
        redis.call('XADD', 'entries', '5-2', 'gone', '1')
        redis.call('XDEL', 'entries', '5-2')
        redis.call('XGROUP', 'CREATE', 'entries', 'g', '0')
        redis.call('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'entries', '>')
        redis.call('XGROUP', 'CREATE', 'no entries', 'g', '0', 'MKSTREAM')
        redis.call('SET', 'expired', 'v', 'PXAT', 1000)
        redis.call('SELECT', 5)
        redis.call('SET', 'user:1', 'of five')
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("naru-redis-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    [Trait("Size", "Slow")]
    public async Task A_server_and_the_file_that_it_saves_give_the_same_rows()
    {
        await using RedisServer server = await RedisServer.StartAsync("--dir", _folder);
        await ExecuteAsync(server, ["EVAL", Fill, "0"]);
        using SnapshotRig live = new(Live(server, "- {table: '*', name: keys}"));
        await live.FillAsync("keys", SnapshotRig.Day(20));
        await ExecuteAsync(server, ["SAVE"]);
        using SnapshotRig saved = new($"""
            source: cache
            kind: redis
            path: {_folder}/dump.rdb
            tables: [{"{"}table: "*", name: keys{"}"}]
            """);
        await saved.FillAsync("keys", SnapshotRig.Day(20));
        string sql = $"SELECT {Columns} FROM {{keys}} ORDER BY db, key";
        string[] rows = live.Ask(sql);
        Assert.Equal(rows, saved.Ask(sql));
        Assert.Equal(8 + 18 + 5 + 1, rows.Length);
        Assert.Contains("0|timed|string|NULL|1|2100-01-01 00:00:00.123+00|false|v", rows);
        Assert.Contains("0|bytes|string|NULL|4|NULL|true|\\xff\0\\\\x", rows);
        Assert.Contains("0|key \\xfe|string|NULL|1|NULL|true|v", rows);
        Assert.Contains(
            "0|hash of bytes|hash|2|5|NULL|true|{\"\\\\\\\\\":\"\\\\\\\\\",\"f\\\\xc8\":\"v\"}", rows);
        Assert.Contains(
            "0|scores|zset|6|7|NULL|false|{\"b\":\"-inf\",\"e\":0.1,\"cc\":3,\"d\":3,\"c\":1E+300,\"a\":\"inf\"}",
            rows);
        Assert.Contains("0|entries|stream|1|4|NULL|false|[{\"id\":\"5-1\",\"fields\":{\"a\":[\"1\",\"2\"]}}]", rows);
        Assert.Contains("0|no entries|stream|0|0|NULL|false|[]", rows);
        Assert.Contains("5|user:1|string|NULL|7|NULL|false|of five", rows);
        Assert.Equal(
            ["hash|2500", "list|2500", "set|5000", "stream|2500", "zset|2500"],
            live.Ask("SELECT type, sum(elements) FROM {keys} WHERE key LIKE '%:2500' GROUP BY type ORDER BY type"));
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task Fields_of_hashes_are_columns_of_their_types()
    {
        await using RedisServer server = await RedisServer.StartAsync("--dir", _folder);
        await ExecuteAsync(
            server,
            ["HSET", "user:1", "name", "Kim", "visits", "7", "spent", "1.50", "vip", "1"],
            ["HSET", "user:2", "name", "Lee", "visits", "-3", "spent", "2"],
            ["HSET", "other:1", "name", "x"],
            ["SAVE"]);
        const string Table = """
            - {table: "user:*", name: users, except: [value, bytes, escaped, elements, expires_at],
                 fields: {name: text, visits: bigint, spent: "decimal(12,2)", vip: boolean}}
            """;
        string file = $"source: cache\nkind: redis\npath: {_folder}/dump.rdb\ntables:\n  {Table}";
        foreach (string yaml in (string[])[file, Live(server, Table)])
        {
            using SnapshotRig rig = new(yaml);
            await rig.FillAsync("users", SnapshotRig.Day(20));
            Assert.Equal(
                ["0|user:1|hash|Kim|7|1.50|true", "0|user:2|hash|Lee|-3|2.00|NULL"],
                rig.Ask("SELECT * EXCLUDE (p_ymd) FROM {users} ORDER BY key"));
        }

        foreach (ISourceServer open in (ISourceServer[])[Open(server), OpenFile()])
        {
            await using ISourceServer looked = open;
            SourceTable seen = (await looked.DescribeAsync(new SourceTableName("", "user:*"), null, Stop))!;
            Assert.EndsWith(
                "hashes have name, spent, visits, vip: `fields` makes columns of them", seen.Columns[^1].Note);
        }

        await ExecuteAsync(server, ["HSET", "user:3", "visits", "many"]);
        using SnapshotRig wrong = new(Live(server, Table));
        RunOutcome outcome = await wrong.RunAsync("users", SnapshotRig.Day(20));
        Assert.Contains(
            "field visits of key user:3 is 'many', which is no BIGINT; write `fields: {visits: text}`", outcome.Why);
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task A_server_that_is_killed_while_it_is_read_leaves_yesterdays_snapshot()
    {
        Interval yesterday = SnapshotRig.Day(19);
        Interval today = SnapshotRig.Day(20);
        RedisServer server = await RedisServer.StartAsync("--dir", _folder);
        await ExecuteAsync(server, ["EVAL", "for i = 1, 60000 do redis.call('SET', 'k:' .. i, i) end", "0"]);
        using SnapshotRig rig = new(Live(server, "- {table: 'k:*', name: keys, retries: 0}"));
        Assert.Equal(60_000, await rig.FillAsync("keys", yesterday));

        // It is killed when it has answered some questions for pages of keys, and many are still to be asked.
        long before = await ScansAsync(server);
        Task<RunOutcome> running = rig.RunAsync("keys", today);
        while (await ScansAsync(server) < before + 5 && !running.IsCompleted)
        {
            await Task.Yield();
        }

        Assert.False(running.IsCompleted, "it was read before it could be killed");
        await server.DisposeAsync();
        RunOutcome outcome = await running;
        Assert.False(outcome.Done);
        Assert.Contains("see that the server runs", outcome.Why);
        Assert.Equal(
            ["2026-11-19|60000"], rig.Ask("SELECT p_ymd, count(*) FROM {keys} GROUP BY p_ymd"));
        Assert.Empty(rig.Strays());
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task A_user_with_the_rights_of_the_manual_reads_and_one_without_is_told_them()
    {
        await using RedisServer server = await RedisServer.StartAsync("--dir", _folder);
        await ExecuteAsync(
            server,
            ["MSET", "user:1", "a", "user:2", "b", "cart:x:1", "c", "cart:x:2", "d", "lone", "e"],
            ["ACL", "SETUSER", "reader", "on", ">secret1", "~*", "resetchannels", "-@all", "+@read", "+select",
                "+info"],
            ["ACL", "SETUSER", "blind", "on", ">secret1", "~*", "+scan", "+select", "+info"]);
        string password = Path.Combine(_folder, "password");
        await File.WriteAllTextAsync(password, "secret1", Stop);
        string As(string user) => Live(server, "- {table: 'user:*', name: keys}")
            + $"user: {user}\npassword: file:{password}\n";
        using SnapshotRig reader = new(As("reader"));
        Assert.Equal(2, await reader.FillAsync("keys", SnapshotRig.Day(20)));
        using SnapshotRig blind = new(As("blind"));
        RunOutcome outcome = await blind.RunAsync("keys", SnapshotRig.Day(20));
        Assert.Contains("NOPERM", outcome.Why);
        Assert.Contains("ACL SETUSER", outcome.Why);
        Assert.DoesNotContain("secret1", outcome.Why);

        await using ISourceServer open = Open(server, "reader", "secret1");
        Assert.Equal(["0"], await open.DatabasesAsync(Stop));
        IReadOnlyList<SourceTableSize> tables = await open.TablesAsync(Stop);
        Assert.Equal(
            ["* 5", "cart:* 2", "cart:x:* 2", "user:* 2"], tables.Select(static table => $"{table.Name} {table.Rows}"));
        Assert.All(tables, static table => Assert.True(table.Bytes > 0));
    }

    [Fact]
    public async Task A_file_tells_its_patterns_and_databases_and_what_had_expired_when_it_was_saved()
    {
        byte[] file = new RdbBytes(11).Add(0xfa).Text("ctime").Text("1000").Add(0xfe, 2)
            .Key(0, "user:1").Text("a").Key(0, "user:2").Text("b")
            .Add(0xfc).Int64(999_999).Key(0, "user:3").Text("gone")
            .Add(0xfc).Int64(1_000_001).Key(0, "user:4").Text("there")
            .Add(0xfe, 7).Key(0, "[x]:1").Text("c").End();
        string path = Path.Combine(_folder, "dump.rdb");
        await File.WriteAllBytesAsync(path, file, Stop);
        await using ISourceServer server = OpenFile();
        Assert.Equal(["2", "7"], await server.DatabasesAsync(Stop));
        Assert.Equal(
            ["* 5", "\\[x\\]:* 1", "user:* 4"],
            (await server.TablesAsync(Stop)).Select(static table => $"{table.Name} {table.Rows}"));
        Assert.Equal(["user:1", "user:2", "user:4"], await KeysAsync(server, "user:*"));
        Assert.Equal(["[x]:1"], await KeysAsync(server, "\\[x\\]:*"));

        // A byte that was changed on the way is found at the end, and nothing counts.
        file[^15]++;
        await File.WriteAllBytesAsync(path, file, Stop);
        SourceException told = await Assert.ThrowsAsync<SourceException>(() => KeysAsync(server, "*"));
        Assert.Contains("the checksum is wrong", told.Message, StringComparison.Ordinal);
        Assert.Contains("redis-check-rdb", told.Message, StringComparison.Ordinal);
        File.Delete(path);
        told = await Assert.ThrowsAsync<SourceException>(() => server.BeginAsync(1, Stop));
        Assert.Contains("see `path` of the source", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_does_not_tell_when_it_was_saved_has_all_its_keys()
    {
        string path = Path.Combine(_folder, "dump.rdb");
        await File.WriteAllBytesAsync(
            path, new RdbBytes(11).Add(0xfe, 0).Add(0xfc).Int64(1_000).Key(0, "user:1").Text("a").End(), Stop);
        await using ISourceServer server = OpenFile();
        Assert.Equal(["user:1"], await KeysAsync(server, "*"));
        string? folder = SharedData.Folder("db/redis_rdb");
        Assert.SkipUnless(folder is not null, "needs ../shared/data/db/redis_rdb");
        await using ISourceServer shared = new RdbSource(
            new PosixFileSystem(), Path.Combine(folder, "keys_with_expiry.rdb"), new RedisFilePlace("dump.rdb"));
        Assert.Equal(["expires_ms_precision"], await KeysAsync(shared, "*"));
    }

    [Fact]
    [Trait("Size", "Slow")]
    public async Task A_server_is_known_by_who_signed_its_certificate()
    {
        TestAuthority.Write(_folder);
        int port = RedisServer.FreePort();
        await using RedisServer server = await RedisServer.StartAsync(
            "--dir", _folder, "--tls-port", port.ToString(CultureInfo.InvariantCulture), "--tls-auth-clients", "no",
            "--tls-cert-file", "server.pem", "--tls-key-file", "server-key.pem", "--tls-ca-cert-file", "ca.pem");
        await ExecuteAsync(server, ["SET", "k", "v"]);
        string At(string host, string more) =>
            $"source: cache\nkind: redis\nhost: {host}\nport: {port}\n{more}tables: [{{table: '*', name: keys}}]";
        string known = $"tls_authorities: {_folder}/ca.pem\n";
        foreach (string yaml in (string[])[At("localhost", known), At("127.0.0.1", "tls: require\n")])
        {
            using SnapshotRig rig = new(yaml);
            Assert.Equal(1, await rig.FillAsync("keys", SnapshotRig.Day(20)));
        }

        // Signed by nobody whom the system knows; of another name; in clear, where it is spoken in TLS.
        foreach (string yaml in (string[])[At("localhost", ""), At("127.0.0.1", known), At("localhost", "tls: off\n")])
        {
            using SnapshotRig rig = new(yaml);
            RunOutcome outcome = await rig.RunAsync("keys", SnapshotRig.Day(20));
            Assert.Contains($"Redis at {(yaml.Contains("127") ? "127.0.0.1" : "localhost")}:{port}: ", outcome.Why);
        }
    }

    [Fact]
    public async Task A_value_that_is_too_large_for_a_cell_is_counted_and_told()
    {
        byte[] file = new RdbBytes(11).Add(0xfe, 0).Key(0, "large").Blob(new byte[RedisValue.BytesMax + 1])
            .Key(1, "list").Length(40).Repeat(40, static bytes => bytes.Blob(new byte[1 << 20]))
            .Key(0, "small").Text("v").End();
        string path = Path.Combine(_folder, "dump.rdb");
        await File.WriteAllBytesAsync(path, file, Stop);
        await using ISourceServer server = OpenFile();
        await using ISourceSnapshot snapshot = await server.BeginAsync(1, Stop);
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", "*"), null, Stop))!;
        RowTexts rows = new(table.Columns);
        await snapshot.ReadAsync(new SourceRead { Table = table, Columns = table.Columns }, rows, Stop);
        Assert.Equal(
            [$"0|large|string|NULL|{RedisValue.BytesMax + 1}|NULL|false|NULL",
                $"0|list|list|40|{40 << 20}|NULL|false|NULL", "0|small|string|NULL|1|NULL|false|v"],
            rows.Rows);
        Assert.Equal(["value: 2 are null, for they have more than 32 MB"], rows.Told);
    }

    [Fact]
    public async Task Keys_that_come_twice_go_or_become_another_type_are_one_row_or_none()
    {
        int looks = 0;
        await using PlayedRedis played = new(words => words switch
        {
            ["INFO", "keyspace"] => PlayedRedis.Bulk("# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=0\r\n"),

            // Redis before 7 does not tell when a key expires, but how long it has.
            ["INFO", ..] => PlayedRedis.Bulk("redis_version:6.2.0\r\ncluster_enabled:0\r\n"),
            ["CLIENT", ..] => "-ERR unknown command\r\n",
            ["SCAN", "0", ..] => PlayedRedis.List(
                PlayedRedis.Bulk("17"), PlayedRedis.List([.. "a gone turned a".Split(' ').Select(PlayedRedis.Bulk)])),
            ["SCAN", "17", ..] => PlayedRedis.List(
                PlayedRedis.Bulk("0"), PlayedRedis.List(PlayedRedis.Bulk("turned"), PlayedRedis.Bulk("a"))),
            ["TYPE", "turned"] => looks++ == 0 ? "+string\r\n" : "+list\r\n",
            ["TYPE", ..] => "+string\r\n",
            ["PTTL", "a"] => ":3600000\r\n",
            ["PTTL", ..] => ":-1\r\n",
            ["STRLEN" or "GET", "turned"] => "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
            ["GET", "gone"] => "$-1\r\n",
            ["GET", ..] => PlayedRedis.Bulk("text"),
            ["LRANGE", ..] => PlayedRedis.List(PlayedRedis.Bulk("x")),
            _ => ":1\r\n",
        });
        long before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await using RedisSource server = Open(played.Port);
        await using ISourceSnapshot snapshot = await server.BeginAsync(1, Stop);
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", "*"), null, Stop))!;
        SourceChunk chunk = Assert.Single(await snapshot.SplitAsync(table, 1, Stop));
        RowTexts rows = new(table.Columns);
        await snapshot.ReadAsync(
            new SourceRead { Table = table, Columns = table.Columns, Chunk = chunk }, rows, Stop);
        Assert.Equal(["a string text", "turned list [\"x\"]"], rows.Rows.Select(static row => row.Split('|'))
            .Select(static row => $"{row[1]} {row[2]} {row[7]}"));
        DateTimeOffset until = DateTimeOffset.Parse(rows.Rows[0].Split('|')[5], CultureInfo.InvariantCulture);
        Assert.InRange(
            until.ToUnixTimeMilliseconds() - 3_600_000, before, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
    }

    [Theory]
    [InlineData("+PONG\r\n", "its answer to SCAN is none")]
    [InlineData("what?\r\n", "the answer is not Redis's")]
    [InlineData("$9999999999\r\n", "the answer is not Redis's")]
    [InlineData("*2\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "the answer is not Redis's")]
    [InlineData("-LOADING Redis is loading the dataset in memory\r\n", "LOADING Redis is loading")]
    public async Task What_is_no_answer_of_a_redis_is_told(string scan, string message)
    {
        await using PlayedRedis played = new(words => words switch
        {
            ["INFO", "keyspace"] => PlayedRedis.Bulk("db0:keys=3,expires=1,avg_ttl=0\r\n"),
            ["INFO", ..] => PlayedRedis.Bulk("redis_version:7.0.0\r\n"),
            ["SCAN", ..] => scan,
            _ => "+OK\r\n",
        });
        await using RedisSource server = Open(played.Port);
        SourceException told = await Assert.ThrowsAsync<SourceException>(() => server.TablesAsync(Stop));
        Assert.Contains(message, told.Message, StringComparison.Ordinal);
        Assert.True(told.Passes);
    }

    [Fact]
    public async Task A_node_of_a_cluster_is_read_as_a_shard_only()
    {
        await using PlayedRedis played = new(static words => words switch
        {
            ["INFO", "keyspace"] => PlayedRedis.Bulk("db0:keys=3,expires=1,avg_ttl=0\r\n"),
            ["INFO", ..] => PlayedRedis.Bulk("redis_version:7.0.0\r\ncluster_enabled:1\r\n"),
            _ => "+OK\r\n",
        });
        await using RedisSource alone = Open(played.Port);
        SourceException told = await Assert.ThrowsAsync<SourceException>(() => alone.DatabasesAsync(Stop));
        Assert.Contains("name each of its masters in `shards`", told.Message, StringComparison.Ordinal);
        await using RedisSource shard = Open(played.Port, isShard: true);
        Assert.Equal(["0"], await shard.DatabasesAsync(Stop));
    }

    private static RedisSource Open(RedisServer server, string user = "", string password = "") =>
        Open(server.Port, user, password);

    private static RedisSource Open(int port, string user = "", string password = "", bool isShard = false) => new(
        new SourceEndpoint
        {
            Host = "127.0.0.1", Port = port, Database = "", User = user, Password = new SourceSecret(password),
            Tls = ConnectionTls.Off, Zone = ProjectZone.Utc,
        },
        isShard,
        null);

    private RdbSource OpenFile() => new(
        new PosixFileSystem(), Path.Combine(_folder, "dump.rdb"), new RedisFilePlace("dump.rdb"));

    private static async Task<IEnumerable<string>> KeysAsync(ISourceServer server, string pattern)
    {
        await using ISourceSnapshot snapshot = await server.BeginAsync(1, Stop);
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", pattern), null, Stop))!;
        return await RowTexts.ReadAsync(snapshot, new SourceRead { Table = table, Columns = [table.Columns[1]] });
    }

    private static string Live(RedisServer server, string table) =>
        $"""
        source: cache
        kind: redis
        host: 127.0.0.1
        port: {server.Port}
        tls: off
        tables:
          {table}

        """;

    private static async Task ExecuteAsync(RedisServer server, params string[][] commands)
    {
        await using RespConnection redis = await RespConnection.OpenAsync(
            new RespAddress("127.0.0.1", server.Port, ConnectionTls.Off), Stop);
        foreach (string[] command in commands)
        {
            redis.Write(command);
        }

        foreach (RespReply reply in await redis.FlushAsync(Stop))
        {
            Assert.False(reply.IsError, reply.Text);
        }
    }

    /// <summary>How many pages of keys the server was asked for.</summary>
    private static async Task<long> ScansAsync(RedisServer server)
    {
        string[] facts = await server.AskAsync("INFO commandstats");
        string line = facts[0].Split('\n').FirstOrDefault(
            static line => line.StartsWith("cmdstat_scan:calls=", StringComparison.Ordinal), "=0,");
        return long.Parse(line.Split('=', ',')[1], CultureInfo.InvariantCulture);
    }
}
