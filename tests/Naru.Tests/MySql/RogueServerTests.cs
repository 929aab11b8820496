using System.Buffers.Binary;
using System.Text;
using Naru.MySql;
using Naru.Tests.Platform;

namespace Naru.Tests.MySql;

/// <summary>What a server, or who stands in its place, must not get out of us.</summary>
public sealed class RogueServerTests : IDisposable
{
    private const string Smuggled = "x;AllowLoadLocalInfile=true";
    private const uint LocalFiles = 128;

    private readonly string _file = Path.GetTempFileName();

    public RogueServerTests() => File.WriteAllText(_file, "what lies on this machine");

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_server_that_asks_for_a_file_gets_nothing(int statement)
    {
        Prerequisites();
        using RogueServer server = new() { AsksAt = statement, FileWanted = _file };
        MySqlException refused = Assert.Throws<MySqlException>(() =>
        {
            using MySqlConnection connection = MySqlConnection.Open(Of(server));
            connection.Execute("INSERT INTO t VALUES (1)");
        });
        Assert.Contains("local infile", refused.Message, StringComparison.OrdinalIgnoreCase);
        Assert.False(server.Heard("what lies"));
    }

    [Fact]
    public void A_statement_of_the_right_form_gets_no_file_either()
    {
        Prerequisites();
        using RogueServer server = new() { AsksAt = 2, FileWanted = _file };
        using MySqlConnection connection = MySqlConnection.Open(Of(server));
        Assert.Throws<MySqlException>(() => connection.Execute($"LOAD DATA LOCAL INFILE '{_file}' INTO TABLE t"));
        Assert.False(server.Heard("what lies"));
    }

    [Fact]
    public void The_server_is_told_that_there_are_no_local_files()
    {
        Prerequisites();
        using RogueServer server = new();
        using MySqlConnection connection = MySqlConnection.Open(Of(server));
        uint capabilities = BinaryPrimitives.ReadUInt32LittleEndian(server.Packets[0]);
        Assert.Equal(0u, capabilities & LocalFiles);
    }

    [Theory]
    [InlineData("mysql_clear_password")]
    [InlineData("dialog")]
    public void The_password_is_never_given_in_clear(string way)
    {
        Prerequisites();
        using RogueServer server = new() { SwitchesTo = way };
        Assert.Throws<MySqlException>(() => MySqlConnection.Open(Of(server) with { Password = "hunter2-hunter2" }));
        Assert.False(server.Heard("hunter2-hunter2"));
    }

    [Fact]
    public void A_server_that_claims_to_have_no_TLS_hears_no_user_and_no_statement()
    {
        Prerequisites();
        using RogueServer server = new();
        MySqlAddress address = Of(server) with { User = "naru-reader" };
        Assert.Throws<MySqlException>(() => MySqlConnection.Open(address with { Tls = MySqlTls.VerifyFull }));
        Assert.Empty(server.Packets);
        Assert.Throws<MySqlException>(() => MySqlConnection.Open(address with { Tls = MySqlTls.Encrypt }));
        Assert.False(server.Heard("SET "));
    }

    [Fact]
    public void A_setting_in_a_field_stays_the_text_of_the_field()
    {
        Prerequisites();
        using RogueServer server = new() { AsksAt = 2, FileWanted = _file };
        MySqlAddress address = Of(server) with { User = Smuggled, Password = Smuggled, Database = Smuggled };
        using MySqlConnection connection = MySqlConnection.Open(address);
        Assert.True(server.Packets[0].AsSpan(32).StartsWith(Encoding.UTF8.GetBytes(Smuggled + "\0")));
        Assert.Throws<MySqlException>(() => connection.Execute("INSERT INTO t VALUES (1)"));
        Assert.False(server.Heard("what lies"));
    }

    [Theory]
    [InlineData(Smuggled)]
    [InlineData("host=127.0.0.1;user=root")]
    [InlineData("127.0.0.1,evil.example")]
    [InlineData("replication://127.0.0.1")]
    [InlineData("127.0.0.1\0.example")]
    [InlineData("")]
    [InlineData("two words")]
    public void A_host_is_a_name_or_an_address(string host)
    {
        MySqlAddress address = new() { Host = host, User = "naru" };
        Assert.NotNull(address.Fault());
        Assert.Throws<ArgumentException>(() => MySqlConnection.Open(address));
    }

    [Theory]
    [InlineData("db-1.example.com")]
    [InlineData("10.0.0.7")]
    [InlineData("::1")]
    [InlineData("db_1")]
    public void Names_and_addresses_are_hosts(string host) =>
        Assert.Null(new MySqlAddress { Host = host, User = "naru" }.Fault());

    [Fact]
    public void A_socket_is_a_whole_path_and_no_field_holds_a_NUL()
    {
        MySqlAddress address = new() { User = "naru" };
        Assert.Null(address.Fault());
        Assert.NotNull((address with { Socket = Smuggled }).Fault());
        Assert.NotNull((address with { Socket = "/run/a\0b" }).Fault());
        Assert.NotNull((address with { User = "a\0b" }).Fault());
        Assert.NotNull((address with { Password = "a\0b" }).Fault());
        Assert.NotNull((address with { Database = "a\0b" }).Fault());
        Assert.NotNull((address with { AuthoritiesFile = "a\0b" }).Fault());
        Assert.NotNull((address with { Port = 0 }).Fault());
    }

    [Fact]
    public void Only_this_machine_is_spoken_to_without_TLS()
    {
        MySqlAddress address = new() { User = "naru" };
        Assert.Equal(MySqlTls.Off, address.EffectiveTls);
        Assert.Equal(MySqlTls.Off, (address with { Host = "127.0.0.1" }).EffectiveTls);
        Assert.Equal(MySqlTls.Off, (address with { Host = "db.example", Socket = "/run/s" }).EffectiveTls);
        Assert.Equal(MySqlTls.VerifyFull, (address with { Host = "db.example" }).EffectiveTls);
        Assert.Equal(MySqlTls.VerifyFull, (address with { Host = "10.0.0.7" }).EffectiveTls);
        Assert.Equal(MySqlTls.Encrypt, (address with { Host = "db", Tls = MySqlTls.Encrypt }).EffectiveTls);
    }

    [Fact]
    public void The_password_is_not_shown()
    {
        MySqlAddress address = new() { User = "naru", Password = "hunter2-hunter2", Database = "shop" };
        Assert.Equal("naru@localhost:3306/shop", address.ToString());
    }

    public void Dispose() => File.Delete(_file);

    private static MySqlAddress Of(RogueServer server) => new()
    {
        Host = "127.0.0.1",
        Port = server.Port,
        User = "naru",
        Password = "secret",
        ConnectTimeout = TimeSpan.FromMinutes(1),
    };

    /// <summary>The client library, which comes with the server's package.</summary>
    private static void Prerequisites() => MariaDbServer.Need();
}
