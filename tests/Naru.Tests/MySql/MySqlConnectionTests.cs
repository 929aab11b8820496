using System.Diagnostics;
using System.Text;
using Naru.MySql;
using Naru.Tests.Platform;

namespace Naru.Tests.MySql;

/// <summary>The binding of the client library against a real MariaDB.</summary>
[Trait("Size", "Slow")]
public sealed class MySqlConnectionTests
{
    [Fact]
    public async Task Rows_come_one_by_one_as_the_servers_bytes()
    {
        using MySqlConnection connection = MySqlConnection.Open(await MariaDbServer.DatabaseAsync());
        connection.Execute("CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY, name VARCHAR(40), raw VARBINARY(9))");
        Assert.Equal(3, connection.Execute(
            "INSERT INTO t VALUES (1, 'Åse 🎉', x'00FF27'), (18446744073709551615, NULL, ''), (2, '', NULL)"));
        List<string> found = [];
        using (MySqlRows rows = connection.Query("SELECT * FROM t ORDER BY id"))
        {
            Assert.Equal(["id", "name", "raw"], rows.Fields.Select(static field => field.Name));
            while (rows.Read())
            {
                string name = rows.IsNull(1) ? "null" : $"'{Encoding.UTF8.GetString(rows[1])}'";
                string raw = rows.IsNull(2) ? "null" : $"'{Convert.ToHexString(rows[2])}'";
                found.Add($"{Encoding.UTF8.GetString(rows[0])} {name} {raw}");
            }

            Assert.False(rows.Read());
        }

        Assert.Equal(["1 'Åse 🎉' '00FF27'", "2 '' null", "18446744073709551615 null ''"], found);
        Assert.Equal([["3"]], connection.Texts("SELECT count(*) FROM t"));
    }

    [Fact]
    public async Task A_row_of_megabytes_comes_whole()
    {
        using MySqlConnection connection = MySqlConnection.Open(await MariaDbServer.DatabaseAsync());
        connection.Execute("CREATE TABLE t (text LONGTEXT)");
        connection.Execute("INSERT INTO t VALUES (repeat('abcdefgh', 1000000))");
        using MySqlRows rows = connection.Query("SELECT text FROM t");
        Assert.True(rows.Read());
        Assert.Equal(8_000_000, rows[0].Length);
        Assert.True(rows[0].EndsWith("abcdefgh"u8));
        Assert.False(rows.Read());
    }

    [Fact]
    public async Task Times_of_a_session_are_UTC_and_its_texts_utf8mb4()
    {
        using MySqlConnection connection = MySqlConnection.Open(await MariaDbServer.DatabaseAsync());
        string?[] session = connection.Texts(
            "SELECT @@session.time_zone, @@character_set_client, @@character_set_results")[0];
        Assert.Equal<string?>(["+00:00", "utf8mb4", "utf8mb4"], session.Take(3));
        Assert.True(connection.IsMariaDb);
        Assert.StartsWith("1", connection.ServerVersion, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_has_the_servers_code_and_words()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        using MySqlConnection connection = MySqlConnection.Open(address);
        MySqlException missing = Assert.Throws<MySqlException>(() => connection.Execute("SELECT * FROM nowhere"));
        Assert.Equal((1146, "42S02", false), (missing.Code, missing.SqlState, missing.IsTransient));
        Assert.Contains("nowhere", missing.Message, StringComparison.Ordinal);

        // Two statements in one text are refused.
        Assert.Equal(1064, Assert.Throws<MySqlException>(() => connection.Execute("SELECT 1; SELECT 2")).Code);
        Assert.Equal([["1"]], connection.Texts("SELECT 1"));

        MySqlException denied = Assert.Throws<MySqlException>(
            () => MySqlConnection.Open(address with { User = "nobody-of-this-name", Password = "wrong" }));
        Assert.True(denied.IsDenied, $"{denied.Code} {denied.Message}");
        MySqlException away = Assert.Throws<MySqlException>(
            () => MySqlConnection.Open(address with { Socket = address.Socket + "-not" }));
        Assert.True(away.IsTransient, $"{away.Code} {away.Message}");
    }

    [Fact]
    public async Task An_error_in_the_midst_of_rows_is_no_end_of_rows()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        using MySqlConnection connection = MySqlConnection.Open(address);
        connection.Execute("CREATE TABLE t (id INT PRIMARY KEY, pad CHAR(200))");
        connection.Execute("INSERT INTO t SELECT seq, repeat('x', 200) FROM seq_1_to_20000");
        using SocketCutter cutter = new(address.Socket!, bytes: 400_000);
        using MySqlConnection through = MySqlConnection.Open(
            address with { Socket = null, Host = "127.0.0.1", Port = cutter.Port });
        using MySqlRows rows = through.Query("SELECT * FROM t");
        int read = 0;
        MySqlException lost = Assert.Throws<MySqlException>(() =>
        {
            while (rows.Read())
            {
                read++;
            }
        });
        Assert.True(lost.IsTransient, $"{lost.Code} {lost.Message}");
        Assert.InRange(read, 1, 19_999);
        Assert.Throws<MySqlException>(() => through.Execute("SELECT 1"));
    }

    [Fact]
    public async Task A_waiting_statement_is_ended_from_another_thread_here_and_in_the_server()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        using MySqlConnection connection = MySqlConnection.Open(address);
        using MySqlConnection watch = MySqlConnection.Open(address);
        Task<MySqlException> waiting = Task.Run(
            () => Assert.Throws<MySqlException>(() => connection.Execute("SELECT SLEEP(3600)")),
            TestContext.Current.CancellationToken);
        string running = $"SELECT count(*) FROM information_schema.processlist WHERE id = {connection.SessionId} ";
        await WaitAsync(() => watch.Texts(running + "AND info LIKE 'SELECT SLEEP%'")[0][0] == "1");
        connection.Abort();
        await waiting.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await WaitAsync(() => watch.Texts(running)[0][0] == "0");
    }

    [Fact]
    public async Task Rows_that_nobody_wants_are_not_read_to_their_end()
    {
        using MySqlConnection connection = MySqlConnection.Open(await MariaDbServer.DatabaseAsync());
        using (MySqlRows rows = connection.Query("SELECT seq, repeat('x', 1000) FROM seq_1_to_1000000000"))
        {
            Assert.True(rows.Read());
            Assert.Throws<InvalidOperationException>(() => connection.Execute("SELECT 1"));
        }

        Assert.True(Assert.Throws<MySqlException>(() => connection.Execute("SELECT 1")).IsTransient);
    }

    [Fact]
    public async Task The_certificate_must_be_signed_by_whom_we_know_and_issued_to_the_host()
    {
        MariaDbServer server = await MariaDbServer.SharedAsync();
        using SocketCutter proxy = new(server.Socket);
        MySqlAddress address = server.Address with { Socket = null, Port = proxy.Port, Tls = MySqlTls.VerifyFull };
        MariaDbServer.Execute(
            server.Address,
            "CREATE USER IF NOT EXISTS 'tls'@'localhost' IDENTIFIED BY 'pass' REQUIRE SSL");
        MySqlAddress known = address with
        {
            Host = "localhost",
            User = "tls",
            Password = "pass",
            AuthoritiesFile = server.Authorities,
        };
        using (MySqlConnection connection = MySqlConnection.Open(known))
        {
            Assert.NotNull(connection.TlsCipher);
        }

        string unknown = Assert.Throws<MySqlException>(
            () => MySqlConnection.Open(known with { AuthoritiesFile = null })).Message;
        Assert.Contains("certificate", unknown, StringComparison.OrdinalIgnoreCase);
        Assert.Throws<MySqlException>(() => MySqlConnection.Open(known with { Host = "127.0.0.1" }));
        using MySqlConnection encrypted = MySqlConnection.Open(
            known with { Host = "127.0.0.1", Tls = MySqlTls.Encrypt, AuthoritiesFile = null });
        Assert.NotNull(encrypted.TlsCipher);
    }

    [Fact]
    public void A_machine_without_the_library_is_told_its_package()
    {
        MySqlLibraryException missing = Assert.Throws<MySqlLibraryException>(
            () => MySqlLibrary.Load("libmariadb-that-is-not-there.so.3"));
        Assert.Contains("apt-get install libmariadb3", missing.Message, StringComparison.Ordinal);
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        long began = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(2), "waited two minutes");
            await Task.Delay(20);
        }
    }
}
