using System.Text;
using Naru.Core.Events;
using Naru.Definitions;
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
        Assert.Equal(5432, source.Shards.Single().Port);
        Assert.Equal(SourceTls.Verify, source.Tls);
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

    private static SourceDefinition? Read(string yaml, out string[] mistakes)
    {
        MistakeList list = new();
        SourceSet set = SourceFolder.Compile(
            [new DefinitionFile("sources/shop.yaml", "shop", Encoding.UTF8.GetBytes(yaml))],
            SourceKinds.All,
            ProjectZone.Utc,
            list);
        mistakes = [.. list.Sorted().Select(static mistake => mistake.ToString())];
        return set.Find("shop");
    }
}
