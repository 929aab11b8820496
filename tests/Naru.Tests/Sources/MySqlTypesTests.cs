using Naru.Connections;
using Naru.Core.Events;
using Naru.Lake.Columns;
using Naru.MySql;
using Naru.Sources;
using Naru.Sources.MySql;
using Naru.Tests.Platform;

namespace Naru.Tests.Sources;

/// <summary>Every type of a real MariaDB, in the lake without loss or with a note of how it is kept.</summary>
[Trait("Size", "Slow")]
public sealed class MySqlTypesTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("TINYINT", "INTEGER", "-128, 127, NULL", "-128|127|NULL")]
    [InlineData("TINYINT(1)", "INTEGER", "0, 1, 2", "0|1|2")]
    [InlineData("TINYINT UNSIGNED", "INTEGER", "255", "255")]
    [InlineData("SMALLINT", "INTEGER", "-32768, 32767", "-32768|32767")]
    [InlineData("MEDIUMINT UNSIGNED", "INTEGER", "16777215", "16777215")]
    [InlineData("INT", "INTEGER", "-2147483648, 2147483647", "-2147483648|2147483647")]
    [InlineData("INT(5) UNSIGNED ZEROFILL", "BIGINT", "4294967295, 7", "4294967295|7")]
    [InlineData("BIGINT", "BIGINT", "-9223372036854775808, 9223372036854775807",
        "-9223372036854775808|9223372036854775807")]
    [InlineData("BIGINT UNSIGNED", "DECIMAL(20,0)", "18446744073709551615, 0", "18446744073709551615|0")]
    [InlineData("DECIMAL(5,2)", "DECIMAL(5,2)", "-999.99, 0.01, -0.01", "-999.99|0.01|-0.01")]
    [InlineData("DECIMAL(18,0)", "DECIMAL(18,0)", "-999999999999999999", "-999999999999999999")]
    [InlineData("DECIMAL(38,38)", "DECIMAL(38,38)", "-0.99999999999999999999999999999999999999",
        "-0.99999999999999999999999999999999999999")]
    [InlineData("DECIMAL(38,6)", "DECIMAL(38,6)", "99999999999999999999999999999999.000001",
        "99999999999999999999999999999999.000001")]
    [InlineData("DECIMAL(36,18)", "DECIMAL(36,18)", "1, -123456789012345678.123456789012345678",
        "1.000000000000000000|-123456789012345678.123456789012345678")]
    [InlineData("DECIMAL(65,30)", "VARCHAR", "12345678901234567890123456789012345.000000000000000000000000000001",
        "12345678901234567890123456789012345.000000000000000000000000000001")]
    [InlineData("FLOAT", "DOUBLE", "0.333333333, 16777217, -1e-30",
        "0.3333333432674408|16777216|-1.0000000031710769E-30")]
    [InlineData("DOUBLE", "DOUBLE", "0.1, 1e308, 0.30000000000000004", "0.1|1E+308|0.30000000000000004")]
    [InlineData("DOUBLE(10,3)", "DOUBLE", "1234567.891", "1234567.891")]
    [InlineData("BIT(1)", "BOOLEAN", "b'1', b'0', NULL", "true|false|NULL")]
    [InlineData("BIT(9)", "INTEGER", "b'100000001'", "257")]
    [InlineData("BIT(63)", "BIGINT", "9223372036854775807", "9223372036854775807")]
    [InlineData("BIT(64)", "DECIMAL(20,0)", "18446744073709551615", "18446744073709551615")]
    [InlineData("YEAR", "INTEGER", "1901, 2155, 0", "1901|2155|0")]
    [InlineData("DATE", "DATE", "'0001-01-01', '9999-12-31', '1969-12-31', '2024-02-29', '0000-00-00'",
        "0001-01-01|9999-12-31|1969-12-31|2024-02-29|NULL")]
    [InlineData("DATETIME", "TIMESTAMP WITH TIME ZONE", "'2026-11-21 12:34:56', '0000-00-00', '1969-12-31 08:00:00'",
        "2026-11-21T03:34:56Z|NULL|1969-12-30T23:00:00Z")]
    [InlineData("DATETIME(6)", "TIMESTAMP WITH TIME ZONE", "'2026-11-21 12:34:56.000001'",
        "2026-11-21T03:34:56.000001Z")]
    [InlineData("DATETIME(3)", "TIMESTAMP WITH TIME ZONE", "'2026-11-21 12:34:56.120'", "2026-11-21T03:34:56.12Z")]
    [InlineData("TIMESTAMP(2) NULL", "TIMESTAMP WITH TIME ZONE", "'2026-11-21 12:34:56.78', 0, NULL",
        "2026-11-21T12:34:56.78Z|NULL|NULL")]
    [InlineData("TIME", "VARCHAR", "'838:59:59', '-838:59:59', '00:00:01'", "838:59:59|-838:59:59|00:00:01")]
    [InlineData("TIME(6)", "VARCHAR", "'25:00:00.000001'", "25:00:00.000001")]
    [InlineData("CHAR(5)", "VARCHAR", "'ab  ', '', NULL", "ab||NULL")]
    [InlineData("VARCHAR(50) CHARACTER SET utf8mb4", "VARCHAR", "'Åse 🎉 한국어', 'a''b\\\\c\\n'", "Åse 🎉 한국어|a'b\\c\n")]
    [InlineData("VARCHAR(50) CHARACTER SET utf8mb3", "VARCHAR", "'Åse 한국어'", "Åse 한국어")]
    [InlineData("VARCHAR(50) CHARACTER SET latin1", "VARCHAR", "'Åse €'", "Åse €")]
    [InlineData("VARCHAR(50) CHARACTER SET ucs2", "VARCHAR", "'Åse 한'", "Åse 한")]
    [InlineData("VARCHAR(50) CHARACTER SET euckr", "VARCHAR", "'한국어'", "한국어")]
    [InlineData("VARCHAR(50) COLLATE utf8mb4_bin", "VARCHAR", "'x'", "x")]
    [InlineData("LONGTEXT", "VARCHAR", "'a long one'", "a long one")]
    [InlineData("ENUM('small','Größe','')", "VARCHAR", "'small', 'Größe', ''", "small|Größe|")]
    [InlineData("SET('a','b','c')", "VARCHAR", "'c,a', ''", "a,c|")]
    [InlineData("JSON", "VARCHAR", "'{\"a\": [1, null]}'", "{\"a\": [1, null]}")]
    [InlineData("BINARY(4)", "VARCHAR", "x'00FF27'", "00ff2700")]
    [InlineData("VARBINARY(9)", "VARCHAR", "x'00FF5C', ''", "00ff5c|")]
    [InlineData("LONGBLOB", "VARCHAR", "x'C3'", "c3")]
    [InlineData("POINT", "VARCHAR", "ST_GeomFromText('POINT(1 2)'), ST_GeomFromText('POINT(1 2)', 4326)",
        "0101000000000000000000f03f0000000000000040|0101000020e6100000000000000000f03f0000000000000040")]
    [InlineData("GEOMETRY", "VARCHAR", "ST_GeomFromText('LINESTRING(0 0, 1 1)')",
        "01020000000200000000000000000000000000000000000000000000000000f03f000000000000f03f")]
    [InlineData("UUID", "VARCHAR", "'6CCD780C-BABA-1026-9564-5B8C656024DB'", "6ccd780c-baba-1026-9564-5b8c656024db")]
    [InlineData("INET6", "VARCHAR", "'2001:db8::ff00:42:8329', '::ffff:192.0.2.128'",
        "2001:db8::ff00:42:8329|::ffff:192.0.2.128")]
    public async Task A_type_is_in_the_lake(string type, string lake, string values, string expected)
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        MariaDbServer.Execute(
            address,
            $"CREATE TABLE t (n INT PRIMARY KEY AUTO_INCREMENT, v {type})",
            "SET sql_mode = ''",
            $"INSERT INTO t (v) VALUES ({Split(values)})");
        await using ISourceSnapshot snapshot = await BeginAsync(address, 1);
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", "t"), null, Stop))!;
        SourceColumn value = table.Columns[1];
        Assert.Equal(lake, value.Type.Sql);
        Assert.Equal(type == "JSON", value.Type.Kind == ColumnKind.Json);
        Assert.Equal(["n"], table.Key);
        Assert.Equal(
            expected,
            string.Join('|', await RowTexts.ReadAsync(snapshot, new SourceRead { Table = table, Columns = [value] })));
    }

    [Fact]
    public async Task Every_type_can_be_read_as_text()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        MariaDbServer.Execute(
            address,
            "SET sql_mode = 'ALLOW_INVALID_DATES'",
            "CREATE TABLE t (a DATE, b DATETIME, c BIT(9), d BIGINT UNSIGNED, e DECIMAL(5,2), f BIT(1), g DOUBLE)",
            "INSERT INTO t VALUES "
            + "('2010-00-15', '2010-02-31 00:00:00', b'100000001', 18446744073709551615, 1, 1, 0.1)");
        await using ISourceSnapshot snapshot = await BeginAsync(address, 1);
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", "t"), null, Stop))!;
        SourceRead read = new()
        {
            Table = table,
            Columns = [.. table.Columns.Select(static column => MySqlTypes.ReadAs(column, ColumnType.String)!)],
        };
        Assert.Equal(
            ["2010-00-15|2010-02-31 00:00:00|257|18446744073709551615|1.00|1|0.1"],
            await RowTexts.ReadAsync(snapshot, read));
    }

    [Theory]
    [InlineData("DATE", "2010-00-15")]
    [InlineData("DATE", "2010-02-31")]
    [InlineData("DATETIME", "2010-02-31 00:00:00")]
    public async Task A_date_that_is_in_no_calendar_is_an_error_with_its_mend(string type, string value)
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        MariaDbServer.Execute(
            address,
            "SET sql_mode = 'ALLOW_INVALID_DATES'",
            $"CREATE TABLE t (born {type})",
            $"INSERT INTO t VALUES ('{value}')");
        await using ISourceSnapshot snapshot = await BeginAsync(address, 1);
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", "t"), null, Stop))!;
        SourceException unfit = await Assert.ThrowsAsync<SourceException>(
            () => RowTexts.ReadAsync(snapshot, new SourceRead { Table = table, Columns = table.Columns }));
        Assert.Equal(
            $"t has {value} in column born, which a table of the lake cannot hold; read it as text: "
            + "`types: {born: text}` of the table in the source's file",
            unfit.Message);
        Assert.False(unfit.Passes);
    }

    [Fact]
    public async Task Dates_that_are_none_are_counted_over_all_batches()
    {
        MySqlAddress address = await MariaDbServer.DatabaseAsync();
        MariaDbServer.Execute(
            address,
            "SET sql_mode = ''",
            "CREATE TABLE t (a DATE NOT NULL, b DATETIME, c TIMESTAMP(3) NULL)",
            "INSERT INTO t SELECT IF(seq % 4 = 0, '0000-00-00', '2026-01-01'), IF(seq % 10 = 0, '0000-00-00', NULL), "
            + "'2026-01-01' FROM seq_1_to_100");
        await using ISourceSnapshot snapshot = await BeginAsync(address, 1);
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", "t"), null, Stop))!;
        Assert.All(table.Columns, static column => Assert.True(column.Nullable));
        RowTexts rows = new(table.Columns);
        await snapshot.ReadAsync(new SourceRead { Table = table, Columns = table.Columns }, rows, Stop);
        Assert.Equal(
            ["a: 25 are null, for the server has 0000-00-00", "b: 10 are null, for the server has 0000-00-00"],
            rows.Told);
        Assert.Equal(25, rows.Rows.Count(static row => row.StartsWith("NULL|", StringComparison.Ordinal)));
    }

    internal static async Task<ISourceSnapshot> BeginAsync(MySqlAddress address, int sessions)
    {
        ISourceServer server = new MySqlSource(Endpoint(address));
        return await server.BeginAsync(sessions, Stop);
    }

    internal static SourceEndpoint Endpoint(MySqlAddress address) => new()
    {
        Host = address.Socket ?? address.Host,
        Port = address.Port,
        Database = address.Database ?? "",
        User = address.User,
        Password = new SourceSecret(address.Password ?? ""),
        Tls = ConnectionTls.Off,
        ConnectTimeout = TimeSpan.FromMinutes(1),
        Zone = ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul")),
    };

    /// <summary>Values into rows: commas within parentheses and quotes do not part them.</summary>
    private static string Split(string values)
    {
        int depth = 0;
        bool quoted = false;
        System.Text.StringBuilder rows = new();
        foreach (char c in values)
        {
            quoted ^= c == '\'';
            depth += quoted ? 0 : c == '(' ? 1 : c == ')' ? -1 : 0;
            rows.Append(c == ',' && depth == 0 && !quoted ? "), (" : c.ToString());
        }

        return rows.ToString();
    }
}
