using System.Globalization;
using System.Text;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Tests.Lake;

public sealed class DuckDbTests : IDisposable
{
    private readonly DuckDbDatabase _database =
        DuckDbDatabase.OpenMemory(new KeyValuePair<string, string>("threads", "1"));
    private readonly DuckDbConnection _connection;

    public DuckDbTests() => _connection = _database.Connect();

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    [Fact]
    public void Scalars_of_each_width_are_read_in_place()
    {
        using DuckDbResult result = _connection.Stream(
            """
            SELECT true, (-128)::TINYINT, (-32768)::SMALLINT, 255::UTINYINT, 65535::USMALLINT, 4294967295::UINTEGER,
                18446744073709551615::UBIGINT, 1.5::FLOAT, (-170141183460469231731687303715884105728)::HUGEINT,
                TIME '23:59:59.999999', TIMESTAMP '1970-01-01 00:00:01', DATE '1969-12-31', 'ab'::BLOB
            """);
        Assert.True(result.TryNext(out DuckDbChunk? row));
        Assert.Equal(1, row[0].Values<byte>()[0]);
        Assert.Equal(sbyte.MinValue, row[1].Values<sbyte>()[0]);
        Assert.Equal(short.MinValue, row[2].Values<short>()[0]);
        Assert.Equal(byte.MaxValue, row[3].Values<byte>()[0]);
        Assert.Equal(ushort.MaxValue, row[4].Values<ushort>()[0]);
        Assert.Equal(uint.MaxValue, row[5].Values<uint>()[0]);
        Assert.Equal(ulong.MaxValue, row[6].Values<ulong>()[0]);
        Assert.Equal(1.5f, row[7].Values<float>()[0]);
        Assert.Equal(Int128.MinValue, row[8].Values<Int128>()[0]);
        Assert.Equal(86_399_999_999, row[9].Values<long>()[0]);
        Assert.Equal(1_000_000, row[10].Values<long>()[0]);
        Assert.Equal(-1, row[11].Values<int>()[0]);
        Assert.Equal("ab"u8, row[12].Utf8At(0));
        Assert.False(result.TryNext(out _));
    }

    [Fact]
    public void Nested_values_are_read_through_their_child_vectors()
    {
        using DuckDbResult result = _connection.Stream(
            """
            SELECT [[1, NULL], NULL, []]::INTEGER[][], {'a': 7::BIGINT, 'b': 'seven'}, MAP {'k': 1.25::DECIMAL(9,2)},
                'late'::ENUM ('early', 'late'), '00112233-4455-6677-8899-aabbccddeeff'::UUID, [1, 2, 3]::INTEGER[3],
                union_value(n := 5::BIGINT), NULL::INTEGER[]
            """);
        Assert.Equal(DuckDbTypeKind.List, result.Columns[0].Type.Fields[0].Type.Kind);
        Assert.Equal("b", result.Columns[1].Type.Fields[1].Name);
        Assert.True(result.TryNext(out DuckDbChunk? row));

        DuckDbVector lists = row[0].Child();
        Assert.Equal(new DuckDbListEntry(0, 3), row[0].ListAt(0));
        Assert.False(lists.IsNull(0));
        Assert.True(lists.IsNull(1));
        Assert.Equal(2UL, lists.ListAt(0).Length);
        Assert.Equal(0UL, lists.ListAt(2).Length);
        Assert.Equal(1, lists.Child().Values<int>()[0]);
        Assert.True(lists.Child().IsNull(1));

        Assert.Equal(7, row[1].Field(0).Values<long>()[0]);
        Assert.Equal("seven", row[1].Field(1).StringAt(0));

        Assert.Equal("k", row[2].Child().Field(0).StringAt(0));
        Assert.Equal(125, row[2].Child().Field(1).DecimalAt(0));
        Assert.Equal("late", row[3].EnumAt(0));
        string uuid = row[4].UuidAt(0).ToString("x32", CultureInfo.InvariantCulture);
        Assert.Equal("00112233445566778899aabbccddeeff", uuid);
        Assert.Equal(new DuckDbListEntry(0, 3), row[5].ListAt(0));
        Assert.Equal([1, 2, 3], row[5].Child().Values<int>().ToArray());
        Assert.Equal(0, row[6].Field(0).Values<byte>()[0]);
        Assert.Equal(5, row[6].Field(1).Values<long>()[0]);
        Assert.True(row[7].IsNull(0));
    }

    [Fact]
    public void Parameters_are_bound_by_type()
    {
        using DuckDbStatement statement = _connection.Prepare(
            "SELECT $1::BOOLEAN, $2::BIGINT, $3::DOUBLE, $4, $5::DATE, $6::TIMESTAMPTZ, $7");
        Assert.Equal(7, statement.ParameterCount);
        Assert.Equal(DuckDbStatementKind.Select, statement.Kind);
        statement.Bind(1, true);
        statement.Bind(2, long.MinValue);
        statement.Bind(3, 0.1);
        statement.Bind(4, "");
        statement.BindDate(5, -1);
        statement.BindTimestamp(6, 1);
        statement.Bind(7, null);
        using DuckDbResult result = statement.Stream();
        Assert.True(result.TryNext(out DuckDbChunk? row));
        Assert.Equal(1, row[0].Values<byte>()[0]);
        Assert.Equal(long.MinValue, row[1].Values<long>()[0]);
        Assert.Equal(0.1, row[2].Values<double>()[0]);
        Assert.False(row[3].IsNull(0));
        Assert.Equal("", row[3].StringAt(0));
        Assert.Equal(-1, row[4].Values<int>()[0]);
        Assert.Equal(1, row[5].Values<long>()[0]);
        Assert.True(row[6].IsNull(0));
        Assert.Throws<DuckDbException>(() => statement.Bind(8, 1L));
    }

    [Fact]
    public void An_error_says_its_kind_its_exact_place_and_the_near_names()
    {
        string filler = string.Join(", ", Enumerable.Range(0, 60).Select(i => $"'나루{i}'"));
        string sql = $"SELECT {filler},\n  nope FROM range(3) t(note)";
        DuckDbException exception = Assert.Throws<DuckDbException>(() => _connection.Execute(sql));
        Assert.Equal(DuckDbErrorKind.Binder, exception.Kind);
        Assert.Equal(new SqlPosition(2, 3), SqlPosition.Of(sql, exception.PositionBytes!.Value));
        Assert.Equal("nope", exception.Name);
        Assert.Contains("note", exception.Candidates);
        Assert.StartsWith("Referenced column \"nope\" not found", exception.Message, StringComparison.Ordinal);

        exception = Assert.Throws<DuckDbException>(() => _connection.Prepare("SELEC 1"));
        Assert.Equal(DuckDbErrorKind.Parser, exception.Kind);
        Assert.Equal(0, exception.PositionBytes);
    }

    [Fact]
    public void An_error_in_mid_stream_is_thrown_after_the_rows_before_it()
    {
        using DuckDbResult result = _connection.Stream(
            "SELECT CASE WHEN range < 4000000 THEN 1 ELSE error('too far') END FROM range(5000000)");
        int rows = 0;
        DuckDbException exception = Assert.Throws<DuckDbException>(() =>
        {
            while (result.TryNext(out DuckDbChunk? chunk))
            {
                rows += chunk.RowCount;
            }
        });
        Assert.Contains("too far", exception.Message, StringComparison.Ordinal);
        Assert.InRange(rows, 1, 4_000_000);
    }

    [Fact]
    public void A_statement_with_a_NUL_character_is_refused_and_not_cut()
    {
        Assert.Throws<DuckDbException>(() => _connection.Execute("SELECT 1 \0; SELECT 2"));
        Assert.Throws<DuckDbException>(() => _connection.Stream("SELECT 1 \0; SELECT 2"));
    }

    [Fact]
    public async Task A_running_query_is_interrupted_from_another_thread()
    {
        using ManualResetEventSlim started = new();
        Task<DuckDbException> query = Task.Run(() =>
        {
            started.Set();
            string sql = "SELECT count(*) FROM range(100000) a, range(100000) b WHERE a.range + b.range = -1";
            return Assert.Throws<DuckDbException>(() => _connection.Execute(sql));
        });
        started.Wait();
        while (!query.IsCompleted)
        {
            // An interrupt before the query began is forgotten, so it is repeated until one is heeded.
            _connection.Interrupt();
            Thread.Yield();
        }

        Assert.Equal(DuckDbErrorKind.Interrupt, (await query).Kind);
    }

    [Fact]
    public void Objects_may_be_disposed_twice_and_in_any_order()
    {
        DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        DuckDbConnection connection = database.Connect();
        DuckDbResult result = connection.Stream("SELECT range FROM range(100000)");
        Assert.True(result.TryNext(out DuckDbChunk? chunk));
        database.Dispose();
        connection.Dispose();
        Assert.Throws<ObjectDisposedException>(() => connection.Execute("SELECT 1"));
        connection.Interrupt();
        chunk.Dispose();
        result.Dispose();
        result.Dispose();
        chunk.Dispose();
        connection.Dispose();
        database.Dispose();
    }

    [Fact]
    public void An_unknown_setting_is_named()
    {
        DuckDbException exception = Assert.Throws<DuckDbException>(
            () => DuckDbDatabase.OpenMemory(new KeyValuePair<string, string>("threds", "1")));
        Assert.Contains("threds", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_database_file_keeps_its_tables()
    {
        string folder = Directory.CreateTempSubdirectory("naru-duckdb-").FullName;
        try
        {
            string path = Path.Combine(folder, "a.duckdb");
            using (DuckDbDatabase file = DuckDbDatabase.Open(path))
            using (DuckDbConnection connection = file.Connect())
            {
                connection.Execute("CREATE TABLE t AS SELECT range AS n FROM range(10)");
            }

            using DuckDbDatabase again = DuckDbDatabase.Open(path);
            using DuckDbConnection second = again.Connect();
            Assert.Equal(45, Scalar(second, "SELECT sum(n)::BIGINT FROM t"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Statements_are_parsed_to_JSON_by_plain_SQL()
    {
        using DuckDbResult result = _connection.Materialize("SELECT json_serialize_sql('SELECT a FROM t WHERE b = 1')");
        Assert.True(result.TryNext(out DuckDbChunk? chunk));
        Assert.Contains("\"table_name\":\"t\"", chunk[0].StringAt(0), StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_is_counted_filtered_joined_and_projected()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(5_000, seed: 11);
        using BatchScan scan = _database.Scan(batch, BatchMaker.AllRows(batch));
        string number = "\"row \"\"number\"\"'s\"";
        string from = $"FROM {scan.Sql}";
        Assert.Equal(5_000, Scalar(_connection, $"SELECT count(*) {from}"));
        Assert.Equal(4_999L * 5_000 / 2, Scalar(_connection, $"SELECT sum({number})::BIGINT {from}"));
        string join = $"{from} a JOIN {scan.Sql} b USING ({number})";
        Assert.Equal(7, Scalar(_connection, $"SELECT count(*) {join} WHERE {number} < 7"));
        int nulls = Enumerable.Range(0, 5_000).Count(batch.Columns[12].IsNull);
        string projection = $"(SELECT {number}, tags {from})";
        Assert.Equal(nulls, Scalar(_connection, $"SELECT count(*) FROM {projection} WHERE tags IS NULL"));
        using DuckDbConnection other = _database.Connect();
        Assert.Equal(5_000, Scalar(other, $"SELECT count({number}) FROM {scan.Sql}"));
    }

    [Fact]
    public void Long_arrays_outgrow_a_vector_and_keep_their_nulls()
    {
        TableSchema schema = new([new Column("tags", ColumnType.StringArray, true, 1)]);
        using ColumnBatch batch = new(schema);
        for (int row = 0; row < 300; row++)
        {
            int first = batch.Columns[0].Items!.Count;
            for (int i = 0; i < 100; i++)
            {
                if (i % 7 == 3)
                {
                    batch.Columns[0].Items!.AppendNull();
                }
                else
                {
                    batch.Columns[0].Items!.AppendString(Encoding.UTF8.GetBytes($"item {row} {i} and more"));
                }
            }

            batch.Columns[0].AppendArray(first);
            batch.EndRow();
        }

        using BatchScan scan = _database.Scan(batch, BatchMaker.Shuffled(300, seed: 1));
        string items = $"(SELECT unnest(tags) t FROM {scan.Sql})";
        Assert.Equal(300 * 14, Scalar(_connection, $"SELECT count(*) FROM {items} WHERE t IS NULL"));
        Assert.Equal(300 * 86, Scalar(_connection, $"SELECT count(DISTINCT t) FROM {items}"));
        string last = "'item ' || split_part(tags[1], ' ', 2) || ' 99 and more'";
        Assert.Equal(300, Scalar(_connection, $"SELECT count(*) FROM {scan.Sql} WHERE tags[100] = {last}"));
    }

    [Fact]
    public void A_batch_that_is_gone_is_an_error_and_not_a_crash()
    {
        using ColumnBatch batch = BatchMaker.EveryKindBatch(1, seed: 1);
        _database.Scan(batch, new[] { 0 }).Dispose();
        foreach (string id in new[] { "1", "-1", "9223372036854775807", "NULL" })
        {
            string sql = $"SELECT * FROM naru_batch({id})";
            DuckDbException exception = Assert.Throws<DuckDbException>(() => _connection.Execute(sql));
            Assert.Contains("no batch", exception.Message, StringComparison.Ordinal);
        }
    }

    private static long Scalar(DuckDbConnection connection, string sql)
    {
        using DuckDbResult result = connection.Stream(sql);
        Assert.True(result.TryNext(out DuckDbChunk? chunk));
        return chunk[0].Values<long>()[0];
    }
}
