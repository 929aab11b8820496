using Naru.Models;
using Naru.Tests.Platform;

namespace Naru.Tests.Sources;

/// <summary>Every type of PostgreSQL: the same value in the lake, or text that says so.</summary>
public sealed class PostgresTypesTests
{
    /// <summary>Type, a value as SQL, and what the lake has (type and text).</summary>
    private static readonly (string Type, string Value, string Lake, string Text)[] Values =
    [
        ("boolean", "true", "BOOLEAN", "true"),
        ("smallint", "-32768", "INTEGER", "-32768"),
        ("integer", "-2147483648", "INTEGER", "-2147483648"),
        ("bigint", "-9223372036854775808", "BIGINT", "-9223372036854775808"),
        ("oid", "4294967295", "BIGINT", "4294967295"),
        ("real", "0.5", "DOUBLE", "0.5"),
        ("double precision", "1e-300", "DOUBLE", "1e-300"),
        ("numeric(5,2)", "-999.99", "DECIMAL(5,2)", "-999.99"),
        ("numeric(38,10)", "-9999999999999999999999999999.9999999999", "DECIMAL(38,10)",
            "-9999999999999999999999999999.9999999999"),
        ("numeric(38,0)", "99999999999999999999999999999999999999", "DECIMAL(38,0)",
            "99999999999999999999999999999999999999"),
        ("numeric(4,-2)", "12300", "DECIMAL(6,0)", "12300"),
        ("numeric(3,5)", "0.00123", "DECIMAL(5,5)", ".00123"),
        ("numeric(20,4)", "10000.0001", "DECIMAL(20,4)", "10000.0001"),
        ("numeric", "1e50", "VARCHAR", "100000000000000000000000000000000000000000000000000"),
        ("numeric(60,3)", "1.5", "VARCHAR", "1.500"),
        ("text", "'한글 ''q'' \n'", "VARCHAR", "한글 'q' \n"),
        ("varchar(10)", "'abc'", "VARCHAR", "abc"),
        ("char(5)", "'ab'", "VARCHAR", "ab   "),
        ("name", "'n'", "VARCHAR", "n"),
        ("\"char\"", "'c'", "VARCHAR", "c"),
        ("bytea", "'\\x00ff'::bytea", "VARCHAR", "\\x00ff"),
        ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "VARCHAR", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("json", "'{\"a\": 1}'", "JSON", "{\"a\": 1}"),
        ("jsonb", "'{\"a\": [1, null]}'", "JSON", "{\"a\": [1, null]}"),
        ("date", "'0001-01-01'", "DATE", "0001-01-01"),
        ("timestamptz", "'2026-11-21 12:00:00.123456+09'", "TIMESTAMP WITH TIME ZONE",
            "2026-11-21 03:00:00.123456+00"),
        ("timestamp", "'2026-11-21 12:00:00'", "TIMESTAMP WITH TIME ZONE", "2026-11-21 03:00:00+00"),
        ("time", "'23:59:59.999999'", "VARCHAR", "23:59:59.999999"),
        ("timetz", "'23:00:00+09'", "VARCHAR", "23:00:00+09"),
        ("interval", "'1 year 2 days 03:04:05.6'", "VARCHAR", "1 year 2 days 03:04:05.6"),
        ("inet", "'10.0.0.1/8'", "VARCHAR", "10.0.0.1/8"),
        ("cidr", "'10.0.0.0/8'", "VARCHAR", "10.0.0.0/8"),
        ("macaddr", "'08:00:2b:01:02:03'", "VARCHAR", "08:00:2b:01:02:03"),
        ("bit(3)", "B'101'", "VARCHAR", "101"),
        ("varbit", "B'10'", "VARCHAR", "10"),
        ("money", "12.5::money", "VARCHAR", "$12.50"),
        ("xml", "'<a/>'", "VARCHAR", "<a/>"),
        ("point", "'(1,2)'", "VARCHAR", "(1,2)"),
        ("int4range", "'[1,5)'", "VARCHAR", "[1,5)"),
        ("tsvector", "'a:1 b:2'", "VARCHAR", "'a':1 'b':2"),
        ("pg_lsn", "'16/B374D848'", "VARCHAR", "16/B374D848"),
        ("int[]", "'{1,NULL,3}'", "JSON", "[1,null,3]"),
        ("text[]", "ARRAY['a', 'b\"c']", "JSON", "[\"a\",\"b\\\"c\"]"),
        ("float8[]", "'{1.5,NaN}'", "VARCHAR", "{1.5,NaN}"),
        ("mood", "'happy'", "VARCHAR", "happy"),
        ("positive", "7", "INTEGER", "7"),
        ("pair", "ROW(1, 'x')::pair", "VARCHAR", "(1,x)"),
    ];

    [Fact]
    public async Task Every_type_comes_as_it_is_or_as_text()
    {
        string schema = await PostgresServer.SchemaAsync();
        string columns = string.Join(", ", Values.Select(static (value, i) => $"c{i} {value.Type}"));
        string values = string.Join(", ", Values.Select(static value => value.Value));
        await PostgresServer.ExecuteAsync(
            schema,
            "CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN positive AS int CHECK (VALUE > 0); "
            + "CREATE TYPE pair AS (a int, b text); "
            + $"CREATE TABLE every (id int, {columns}); INSERT INTO every VALUES (1, {values}); "
            + "INSERT INTO every VALUES (2)");
        string own = PostgresSnapshotTests.SchemaOf(schema);
        using SnapshotRig rig = new(PostgresSnapshotTests.Source(
            schema, [$"{{table: {own}.every, name: every}}"], "zone: Asia/Seoul\n"));
        Assert.Equal(2, await rig.FillAsync("every", SnapshotRig.Day(20)));
        string names = string.Join(", ", Values.Select(static (_, i) => $"c{i}"));
        string[] given = rig.Ask($"SELECT unnest([{string.Join(", ", Values.Select(static (_, i) =>
            $"c{i}::VARCHAR"))}]) FROM {{every}} WHERE id = 1");
        Assert.Equal(Values.Select(static value => value.Text), given);
        Assert.Equal(
            [string.Join('|', Values.Select(static _ => "NULL"))],
            rig.Ask($"SELECT {names} FROM {{every}} WHERE id = 2"));
        Assert.Equal(
            Values.Select(static value => value.Lake == "JSON" ? "VARCHAR" : value.Lake),
            rig.Ask($"SELECT column_type FROM (DESCRIBE SELECT {names} FROM {{every}})"));
    }

    [Theory]
    [InlineData("timestamptz", "'infinity'", "infinity")]
    [InlineData("date", "'-infinity'", "-infinity")]
    [InlineData("numeric(5,2)", "'NaN'", "NaN")]
    public async Task What_a_type_of_the_lake_cannot_hold_is_named_and_can_be_read_as_text(
        string type, string value, string text)
    {
        string schema = await PostgresServer.SchemaAsync();
        await PostgresServer.ExecuteAsync(
            schema, $"CREATE TABLE odd (id int, v {type}); INSERT INTO odd VALUES (1, {value})");
        string own = PostgresSnapshotTests.SchemaOf(schema);
        using SnapshotRig rig = new(PostgresSnapshotTests.Source(schema, [$"{{table: {own}.odd, name: odd}}"]));
        RunOutcome outcome = await rig.RunAsync("odd", SnapshotRig.Day(20));
        Assert.StartsWith($"{own}.odd has {text}", outcome.Why, StringComparison.Ordinal);
        Assert.EndsWith(
            "read it as text: `types: {v: text}` of the table in the source's file", outcome.Why,
            StringComparison.Ordinal);
        rig.Define(PostgresSnapshotTests.Source(
            schema, [$"{{table: {own}.odd, name: odd_text, types: {{v: text}}}}"]));
        await rig.FillAsync("odd_text", SnapshotRig.Day(20));
        Assert.Equal([text], rig.Ask("SELECT v FROM {odd_text}"));
    }
}
