using System.Globalization;
using Naru.Core.Hashing;
using Naru.Core.Numbers;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Tests.Core.Numbers;

namespace Naru.Tests.Lake;

/// <summary>
/// The functions of ours in DuckDB. Those that count native memory stand alone in their collection, since the counts
/// are the process's.
/// </summary>
[Collection(nameof(NativeMemoryCollection))]
public sealed class ExactAggregatesTests : IDisposable
{
    private readonly DuckDbDatabase _database =
        DuckDbDatabase.OpenMemory(new KeyValuePair<string, string>("threads", "2"));
    private readonly DuckDbConnection _connection;

    public ExactAggregatesTests()
    {
        _connection = _database.Connect();
        ExactAggregates.Register(_connection);
    }

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    [Theory]
    [InlineData("prices")]
    [InlineData("wide exponents")]
    [InlineData("all exponents")]
    [InlineData("cancellation")]
    [InlineData("overflow and back")]
    [InlineData("not a number")]
    public void Its_sum_is_equal_to_the_bit_in_1000_orders_and_chunkings(string kind)
    {
        Random random = TestSeed.Random(out int seed);
        TableSchema schema = new(
            [new Column("k", ColumnType.Int32, true, 1), new Column("v", ColumnType.Double, true, 2)]);
        using ColumnBatch batch = new(schema);
        double[] values = DoubleCases.Make(kind, 6000, random);
        foreach (double value in values)
        {
            batch.Columns[0].AppendInt32(0);
            batch.Columns[1].AppendDouble(value);
            batch.EndRow();
        }

        long expected = BitConverter.DoubleToInt64Bits(DoubleCases.Sum(values));
        ExactSum whole = default;
        Array.ForEach(values, value => whole.Add(value));
        Assert.Equal(expected, BitConverter.DoubleToInt64Bits(whole.Round()));
        whole.Free();

        int[] rows = [.. Enumerable.Range(0, values.Length)];
        for (int order = 0; order < 170; order++)
        {
            random.Shuffle(rows);

            // Pieces of any size, each summed by a thread of its own, then the pieces' states combined.
            int cut = random.Next(1, rows.Length);
            using BatchScan first = _database.Scan(batch, rows.AsMemory(0, cut));
            using BatchScan second = _database.Scan(batch, rows.AsMemory(cut));
            string union = $"SELECT * FROM naru_batch({first.Id}) UNION ALL SELECT * FROM naru_batch({second.Id})";
            string sql = order % 2 == 0
                ? $"SELECT naru_sum(v) FROM ({union})"
                : $"SELECT naru_sum(v) FROM ({union}) GROUP BY k";
            using DuckDbResult result = _connection.Materialize(sql);
            Assert.True(result.TryNext(out DuckDbChunk? chunk));
            long bits = BitConverter.DoubleToInt64Bits(chunk[0].Values<double>()[0]);
            Assert.True(bits == expected, $"{kind}, seed {seed}, order {order}: {bits:X} instead of {expected:X}");
        }
    }

    [Fact]
    public void Many_groups_on_two_threads_give_each_its_own_sum_and_count()
    {
        _connection.Execute(
            """
            CREATE TABLE t AS SELECT i % 50000 AS k, CASE WHEN i % 7 > 0 THEN i * 0.5 END AS v, i // 50000 AS d
            FROM range(1000000) r(i)
            """);
        Assert.Equal("0", Text(
            """
            SELECT count(*) FROM
                (SELECT k, naru_sum(v) AS s, naru_approx_count_distinct(d) AS n FROM t GROUP BY k) a
                JOIN (SELECT k, sum(v) AS s, count(DISTINCT d) AS n FROM t GROUP BY k) b USING (k)
            WHERE a.s <> b.s OR abs(a.n - b.n) > 1
            """));
        Assert.Equal("50000", Text("SELECT count(*) FROM (SELECT k, naru_sum(v) FROM t GROUP BY k)"));
    }

    [Theory]
    [InlineData("SELECT naru_sum(v) FROM (VALUES (NULL::DOUBLE), (NULL)) t(v)", "null")]
    [InlineData("SELECT naru_sum(v) FROM (VALUES (1.0::DOUBLE)) t(v) WHERE v > 1", "null")]
    [InlineData("SELECT naru_sum(v) FROM (VALUES (NULL), (0.1), (0.2), (0.3)) t(v)", "0.6")]
    [InlineData("SELECT naru_sum(i) FILTER (i % 2 = 0) FROM range(10000) t(i)", "24995000.0")]
    [InlineData("SELECT naru_sum(DISTINCT i % 3) FROM range(10000) t(i)", "3.0")]
    [InlineData("SELECT max(s) FROM (SELECT naru_sum(i) s FROM range(9) t(i) GROUP BY ROLLUP (i % 2))", "36.0")]
    [InlineData("SELECT list_aggregate([0.1, 0.2, 0.3]::DOUBLE[], 'naru_sum')", "0.6")]
    [InlineData("SELECT naru_sum(1e308) FROM range(2)", "inf")]
    [InlineData("SELECT naru_approx_count_distinct(NULL)", "0")]
    [InlineData("SELECT naru_approx_count_distinct(v) FROM (VALUES (NULL), ('a'), ('b'), ('a')) t(v)", "2")]
    [InlineData("SELECT naru_approx_count_distinct(v) FROM (VALUES (0.0::DOUBLE), (-0.0), ('nan'), ('nan')) t(v)", "2")]
    [InlineData("SELECT naru_approx_count_distinct(DISTINCT i % 5) FILTER (i % 5 > 1) FROM range(10000) t(i)", "3")]
    public void Nulls_filters_and_distinct_are_as_in_SQL(string sql, string expected) =>
        Assert.Equal(expected, Text(sql));

    [Fact]
    public void Values_that_cannot_be_hashed_and_arguments_that_are_no_numbers_are_refused()
    {
        DuckDbException list =
            Assert.Throws<DuckDbException>(() => Text("SELECT naru_approx_count_distinct([1, 2])"));
        Assert.Contains("cast them to VARCHAR", list.Message, StringComparison.Ordinal);
        Assert.Throws<DuckDbException>(() => Text("SELECT naru_sum('a')"));
        Assert.Throws<DuckDbException>(() => Text("SELECT naru_sum(1, 2)"));
        Assert.Equal("1", Text("SELECT naru_approx_count_distinct('still alive')"));
    }

    [Theory]
    [InlineData("BOOLEAN", "i % 2 = 0")]
    [InlineData("TINYINT", "i % 100 - 50")]
    [InlineData("INTEGER", "i - 2500")]
    [InlineData("DATE", "DATE '2026-07-02' + (i % 1000)::INTEGER")]
    [InlineData("BIGINT", "i * 1000000007")]
    [InlineData("TIMESTAMP", "TIMESTAMP '2026-07-02' + to_seconds(i)")]
    [InlineData("TIMESTAMPTZ", "TIMESTAMPTZ '2026-07-02' + to_seconds(i)")]
    [InlineData("DOUBLE", "i / 7")]
    [InlineData("FLOAT", "i / 8")]
    [InlineData("VARCHAR", "repeat('x', i % 40) || i")]
    [InlineData("DECIMAL(4,2)", "(i % 99) / 4")]
    [InlineData("DECIMAL(9,2)", "i / 4")]
    [InlineData("DECIMAL(18,2)", "i / 4")]
    [InlineData("DECIMAL(38,2)", "i / 4")]
    [InlineData("HUGEINT", "i::HUGEINT << 40")]
    [InlineData("UUID", "md5(i::VARCHAR)::UUID")]
    [InlineData("INTERVAL", "to_hours(i)")]
    public void Every_type_is_counted_close_to_its_exact_count(string type, string expression)
    {
        string[] counts = Text(
            $"""
            SELECT naru_approx_count_distinct(v) || ' ' || count(DISTINCT v)
            FROM (SELECT CASE WHEN i % 11 > 0 THEN ({expression})::{type} END AS v FROM range(5000) t(i))
            """).Split(' ');
        double exact = double.Parse(counts[1], CultureInfo.InvariantCulture);
        Assert.InRange(double.Parse(counts[0], CultureInfo.InvariantCulture), exact * 0.95, exact * 1.05);
    }

    /// <summary>The stream hashes a column's values where they lie; both must count alike to the last.</summary>
    [Fact]
    public void Its_count_is_that_of_the_stable_hash_over_the_same_values()
    {
        HyperLogLog whole = default;
        HyperLogLog texts = default;
        HyperLogLog decimals = default;
        for (int i = 0; i < 20_000; i++)
        {
            whole.Add(StableHash64.OfInt64(i));
            texts.Add(StableHash64.OfBytes(System.Text.Encoding.UTF8.GetBytes($"user {i}")));
            decimals.Add(StableHash64.OfInt128(i));
        }

        string from = "FROM range(20000) t(i)";
        Assert.Equal($"{whole.Estimate()}", Text($"SELECT naru_approx_count_distinct(i::INTEGER) {from}"));
        Assert.Equal($"{whole.Estimate()}", Text($"SELECT naru_approx_count_distinct(i) {from}"));
        Assert.Equal($"{texts.Estimate()}", Text($"SELECT naru_approx_count_distinct('user ' || i) {from}"));
        foreach (int digits in (int[])[9, 18, 38])
        {
            string type = $"DECIMAL({digits},2)";
            Assert.Equal($"{decimals.Estimate()}", Text(
                $"SELECT naru_approx_count_distinct((i / 100)::{type}) {from}"));
        }

        whole.Free();
        texts.Free();
        decimals.Free();
    }

    [Fact]
    public void What_1000_runs_held_is_given_back()
    {
        long wide = ExactSum.WideCount;
        long blocks = HyperLogLog.BlockCount;
        for (int run = 0; run < 1000; run++)
        {
            _connection.Execute(HoldingMuch("1"));
        }

        Assert.Equal(wide, ExactSum.WideCount);
        Assert.Equal(blocks, HyperLogLog.BlockCount);
    }

    /// <summary>
    /// On one thread: with more, DuckDB 1.5.6 drops without a destructor what one thread had finished with.
    /// </summary>
    [Fact]
    public void What_a_failed_statement_held_is_given_back()
    {
        long wide = ExactSum.WideCount;
        long blocks = HyperLogLog.BlockCount;
        _connection.Execute("SET threads = 1");
        for (int run = 0; run < 200; run++)
        {
            Assert.Throws<DuckDbException>(() => _connection.Execute(HoldingMuch("error('stop')")));
        }

        Assert.Equal(wide, ExactSum.WideCount);
        Assert.Equal(blocks, HyperLogLog.BlockCount);
    }

    private static string HoldingMuch(string last) =>
        $"""
        SELECT i % 10 AS k, naru_sum(CASE WHEN i % 3 = 0 THEN 1e300 ELSE 1e-300 END), naru_approx_count_distinct(i)
        FROM (SELECT i, CASE WHEN i = 4999 THEN {last} END AS e FROM range(5000) t(i)) GROUP BY k, e
        """;

    private string Text(string sql)
    {
        using DuckDbResult result = _connection.Materialize($"SELECT CAST(({sql}) AS VARCHAR)");
        Assert.True(result.TryNext(out DuckDbChunk? chunk));
        return chunk[0].IsNull(0) ? "null" : chunk[0].StringAt(0);
    }
}

[CollectionDefinition(nameof(NativeMemoryCollection), DisableParallelization = true)]
public sealed class NativeMemoryCollection;
