using System.Collections.Immutable;
using System.Text;
using Naru.Connections;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Sources;
using Naru.Sources.PostgreSql;
using Naru.Yaml;
using Npgsql;

namespace Naru.Tests.Sources;

/// <summary>Files of `sources/`, and what they may not say.</summary>
public sealed class SourceFileTests
{
    [Fact]
    public void A_file_says_where_what_and_when()
    {
        SourceDefinition source = Read(
            """
            source: shop
            kind: postgresql
            host: db1
            database: shop
            user: naru
            password: env:SHOP_PASSWORD
            every: day
            start: 2026-11-01
            tables:
              - orders
              - {table: sales.Order Lines, every: hour, except: [secret], types: {total: "decimal(38,6)"}}
            """,
            out string[] mistakes)!;
        Assert.Empty(mistakes);
        ServerPlace place = Assert.IsType<ServerPlace>(source.Shards.Single().Place);
        Assert.Equal("db1:5432/shop", place.Label);
        Assert.Equal(ConnectionTls.Verify, place.Tls);
        Assert.Equal(
            ["t1_db_shop_orders_snapshot_daily", "t1_db_shop_sales_order_lines_snapshot_hourly"],
            source.Tables.Select(static table => table.Name));
        Assert.Equal(new SourceTableName("public", "orders"), source.Tables[0].ServerTable);
    }

    [Fact]
    public void A_password_in_the_file_is_refused_and_not_repeated()
    {
        Assert.Null(Read(Minimal("password: hunter2-secret"), out string[] mistakes));
        Assert.Equal(
            ["sources/shop.yaml:6:11: 'password' of the source: it is no reference to a secret; "
                + "keep the password itself out of files: write env:NAME or file:PATH"],
            mistakes);
    }

    [Theory]
    [InlineData("host: db1,db2")]
    [InlineData("host: db1;Password=x")]
    [InlineData("host: \"db1 port=1\"")]
    [InlineData("host: db=1")]
    [InlineData("port: 70000")]
    [InlineData("kind: oracle")]
    [InlineData("tls: maybe")]
    [InlineData("parallel: 0")]
    [InlineData("rate: fast")]
    [InlineData("schema_changes: ignore")]
    [InlineData("tabels: []")]
    [InlineData("tables: [{table: a, name: A}]")]
    [InlineData("tables: [{table: a, types: {x: blob}}]")]
    [InlineData("tables: [a, a]")]
    [InlineData("shards: [{shard: a}, {shard: a}]")]
    public void What_cannot_be_is_told(string line)
    {
        string key = line.Split(':')[0];
        string text = Minimal("");
        text = string.Join('\n', text.Split('\n').Where(each => each.Split(':')[0] != key)) + line;
        Assert.Null(Read(text, out string[] mistakes));
        Assert.NotEmpty(mistakes);
    }

    [Fact]
    public void What_a_shard_does_not_say_is_the_sources()
    {
        SourceDefinition source = Read(
            Minimal(
                "port: 5433\nshards: [{shard: a}, {shard: b, host: db2, database: shop_b, port: 5434, user: other}]"),
            out string[] mistakes)!;
        Assert.Empty(mistakes);
        Assert.Equal(
            ["a db1:5433/shop naru", "b db2:5434/shop_b other"],
            source.Shards.Select(static shard => $"{shard.Name} {shard.Place.Label} {shard.Place.User}"));
    }

    [Fact]
    public void A_key_that_the_kind_does_not_have_is_told()
    {
        const string Text =
            """
            source: shop
            kind: paper
            host: db1
            chunk_rows: 5000
            shelf: 3
            shards: [{shard: a, room: 1}, {shard: b, room: 2, host: x}]
            tables:
              - {table: a, ink: blue}
              - {table: b, cursor: at, inks: x}
            """;
        SourceKinds kinds = new([new PaperKind(), new PostgresKind()]);
        SourceDefinition? source = Read(Text, out string[] mistakes, kinds);
        Assert.Null(source);
        Assert.Equal(
            [
                "sources/shop.yaml:3:1: unknown key 'host' in the source; a source of kind paper has no such key, but "
                    + "room, shelf",
                "sources/shop.yaml:4:1: unknown key 'chunk_rows' in the source; a source of kind paper has no such "
                    + "key, but room, shelf",
                "sources/shop.yaml:6:51: unknown key 'host' in a shard of the source; known keys: shard, room, shelf",
                "sources/shop.yaml:9:16: unknown key 'cursor' in a table of the source; leave it out: a source of "
                    + "kind paper cannot tell what changed, and is read whole each time",
                "sources/shop.yaml:9:28: unknown key 'inks' in a table of the source; did you mean 'ink'?",
            ],
            mistakes);
        source = Read(
            "source: shop\nkind: paper\nroom: 1\nshelf: 3\ntables: [{table: a, ink: blue}, b]", out mistakes, kinds);
        Assert.Empty(mistakes);
        Assert.Equal(new PaperPlace("1", "3"), source!.Shards.Single().Place);
        Assert.Equal([new Ink("blue"), new Ink("")], source.Tables.Select(static table => table.Options));
    }

    [Fact]
    public void A_mistake_that_all_shards_share_is_told_once()
    {
        Assert.Null(Read(Minimal("port: 70000\nshards: [{shard: a}, {shard: b}]"), out string[] mistakes));
        Assert.Equal(["sources/shop.yaml:6:7: 'port' is '70000'; write a whole number from 1 to 65535"], mistakes);
    }

    /// <summary>Whatever a field holds, the driver sees it as that field and no other.</summary>
    [Theory]
    [InlineData("x;Host=evil;Include Error Detail=true")]
    [InlineData("x';SSL Mode=Disable;'")]
    [InlineData("\"x\";Passfile=/etc/passwd")]
    public void No_field_brings_a_setting_of_its_own(string text)
    {
        NpgsqlConnectionStringBuilder built = new(PostgresSource.Settings(new SourceEndpoint
        {
            Host = "db1",
            Port = 5432,
            Database = text,
            User = text,
            Password = new SourceSecret(text),
            Zone = ProjectZone.Utc,
        }).ConnectionString);
        Assert.Equal(("db1", text, text, text), (built.Host, built.Database, built.Username, built.Password));
        Assert.Equal(SslMode.VerifyFull, built.SslMode);
        Assert.False(built.IncludeErrorDetail);
        Assert.Null(built.Passfile);
    }

    [Fact]
    public void A_secret_does_not_show_itself()
    {
        SourceEndpoint endpoint = new()
        {
            Host = "h", Port = 1, Database = "d", User = "u", Password = new SourceSecret("canary"),
            Zone = ProjectZone.Utc,
        };
        Assert.DoesNotContain("canary", $"{endpoint} {endpoint.Password}", StringComparison.Ordinal);
    }

    private static string Minimal(string more) =>
        $"""
        source: shop
        kind: postgresql
        host: db1
        database: shop
        user: naru
        {more}

        """;

    private static SourceDefinition? Read(string yaml, out string[] mistakes, SourceKinds? kinds = null)
    {
        MistakeList list = new();
        SourceSet set = SourceFolder.Compile(
            [new DefinitionFile("sources/shop.yaml", "shop", Encoding.UTF8.GetBytes(yaml))],
            kinds ?? SourceKinds.All,
            ProjectZone.Utc,
            list);
        mistakes = [.. list.Sorted().Select(static mistake => mistake.ToString())];
        return set.Find("shop");
    }

    private sealed record PaperPlace(string Room, string Shelf) : SourcePlace
    {
        public override string Label => $"{Room}/{Shelf}";
    }

    private sealed record Ink(string Color) : SourceTableOptions;

    /// <summary>A kind with keys of its own, and nothing of a server.</summary>
    private sealed class PaperKind : ISourceKind
    {
        public ImmutableArray<string> Names => ["paper"];

        public ImmutableArray<string> Keys => ["room", "shelf"];

        public ImmutableArray<string> TableKeys => ["ink"];

        public bool HasParts => false;

        public bool HasCursor => false;

        public SourcePlace Read(ConnectionReader reader) =>
            new PaperPlace(reader.RequiredText("room", "name it"), reader.Text("shelf"));

        public SourceTableOptions ReadTable(YamlReader reader) => new Ink(reader.Text("ink") ?? "");

        public ISourceServer Open(SourceOpening opening) => throw new NotSupportedException();

        public SourceColumn? ReadAs(SourceColumn column, ColumnType type) => null;
    }
}
