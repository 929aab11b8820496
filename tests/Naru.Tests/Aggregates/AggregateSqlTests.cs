using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;
using Naru.Yaml;

namespace Naru.Tests.Aggregates;

/// <summary>What plans say about their SQL, held against the engine.</summary>
public sealed class AggregateSqlTests : IDisposable
{
    private readonly DuckDbDatabase _database = DuckDbDatabase.OpenMemory();
    private readonly DuckDbConnection _connection;

    public AggregateSqlTests() => _connection = _database.Connect();

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    public static TheoryData<string> Plans() => [.. All().Select(static plan => plan.Name)];

    [Theory]
    [MemberData(nameof(Plans))]
    public void Compiled_sql_runs_and_gives_the_types_that_the_plan_declares(string name)
    {
        AggregatePlan plan = All().First(plan => plan.Name == name);
        foreach (AggregateSource source in plan.Sources)
        {
            MakeRows(source.Columns.Select(static column => (column.Name, column.Type)));
            Assert.Equal(
                [
                    ("_event_time", "TIMESTAMP WITH TIME ZONE"), ("_id", "VARCHAR"),
                    .. plan.Keys.Concat(plan.Arguments).Select(static value => (value.Name, value.Type.Sql)),
                ],
                Columns(source.SelectFrom("input")));
            Assert.True(source.IsFiltered || Count(source.SelectFrom("input")) == Count("SELECT * FROM input"));
        }

        MakeRows(plan.BaseSchema.Columns.Select(static column => (column.Name, column.Type)));
        string[] types = [.. Columns(plan.OutputSql("input")).Select(static column => column.Type)];
        Assert.Equal(plan.Outputs.Select(static output => output.Type.Sql), types);
        Assert.Equal(
            [.. plan.Outputs.Select(static output => output.Name), "_revision", "_final", "p_ymd", "p_hour"],
            plan.Schema.Columns.Select(static column => column.Name));
        Count(plan.OutputSql("input"));
    }

    [Fact]
    public void Shop_has_its_aggregates() => Assert.True(Shop().Length >= 8);

    [Fact]
    public void Offered_row_functions_exist_and_depend_on_their_arguments_alone()
    {
        Dictionary<string, string> found = [];
        using DuckDbResult result = _connection.Materialize(
            "SELECT function_name, coalesce(max(stability), 'MACRO') FROM duckdb_functions() "
            + "WHERE function_type IN ('scalar', 'macro') GROUP BY ALL");
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                found[chunk[0].StringAt(row)] = chunk[1].StringAt(row);
            }
        }

        // These are syntax: the parser makes operators and cases of them.
        string[] syntax = ["coalesce", "ifnull", "if"];
        Assert.Empty(RowFunctions.Names.Except(found.Keys).Except(syntax));
        string[] stable = ["CONSISTENT", "MACRO"];
        Assert.Equal([], RowFunctions.Names.Where(name => found.ContainsKey(name) && !stable.Contains(found[name])));
        Assert.DoesNotContain(RowFunctions.Names, static name => RowFunctions.Refusal(name) is not null);
        Assert.DoesNotContain(AggregateFunctions.Names, static name => AggregateFunctions.Refusal(name) is not null);
    }

    [Fact]
    public void An_expression_that_fails_on_an_event_is_null_for_it()
    {
        AggregatePlan plan = All().First(static plan => plan.Name == "expressions");
        MakeRows(plan.Sources[0].Columns.Select(static column => (column.Name, column.Type)));
        _connection.Execute(
            """
            DELETE FROM input;
            INSERT INTO input (_id, ad_id, rank, placement, context) VALUES
                ('1', 'a', 5, 'home', '{"v": "7", "network": "wifi"}'),
                ('2', 'a', 5, 'home', '{"v": "seven"}'),
                ('3', 'a', 5, 'home', 'no json')
            """);
        Assert.Equal(1, Count(plan.Sources[0].SelectFrom("input")));
    }

    private static ImmutableArray<AggregatePlan> All() =>
        [.. AggregateCaseTests.Read("right", new MistakeList()), .. Shop()];

    private static ImmutableArray<AggregatePlan> Shop()
    {
        string shop = Golden.Folder("../../../samples/shop");
        ProjectFolder project = new(new PosixFileSystem(), new Naru.Configuration.ProjectPaths(shop));
        MistakeList mistakes = new();
        ProjectContent content = project.Read(ImmutableDictionary<string, string>.Empty, mistakes);
        KnownLogs logs = new([.. content.Logs.Select(static file => file.Log)], []);
        ImmutableArray<AggregatePlan> plans =
            AggregateFolder.Read(project.Files, project.Paths.Aggregates, logs, mistakes);
        Assert.Empty(mistakes.Sorted());
        return plans;
    }

    /// <summary>A table `input` with nulls, ordinary values and hostile ones.</summary>
    private void MakeRows(IEnumerable<(string Name, ColumnType Type)> columns)
    {
        (string Name, ColumnType Type)[] all = [.. columns];
        string declared = string.Join(", ", all.Select(static column => $"\"{column.Name}\" {column.Type.Sql}"));
        _connection.Execute($"CREATE OR REPLACE TABLE input ({declared})");
        foreach (int row in Enumerable.Range(0, 4))
        {
            string values = string.Join(
                ", ", all.Select(column => $"TRY_CAST({Value(column.Type, row)} AS {column.Type.Sql})"));
            _connection.Execute($"INSERT INTO input VALUES ({values})");
        }
    }

    private static string Value(ColumnType type, int row) => (row, type.Kind) switch
    {
        (0, _) => "NULL",
        (_, ColumnKind.Boolean) => row == 1 ? "true" : "false",
        (1, ColumnKind.Decimal) => $"'{new string('9', type.Precision - type.Scale)}'",
        (_, ColumnKind.Decimal or ColumnKind.Double) => $"'-0.{row}'",
        (1, ColumnKind.Int32) => "2147483647",
        (1, ColumnKind.Int64) => "9223372036854775807",
        (_, ColumnKind.Int32 or ColumnKind.Int64) => $"{row - 2}",
        (_, ColumnKind.Timestamp) => $"'2026-11-2{row} 23:59:59.999999+00'",
        (_, ColumnKind.Date) => $"'2026-11-2{row}'",
        (_, ColumnKind.StringArray) => row == 1 ? "[]" : "['a', NULL]",
        _ => row == 1 ? "''" : row == 2 ? "'{\"network\": 5, \"v\": \"x'" : "'나루 \U0001F6A2'",
    };

    private (string Name, string Type)[] Columns(string query)
    {
        List<(string, string)> columns = [];
        using DuckDbResult result = _connection.Materialize($"DESCRIBE {query}");
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                columns.Add((chunk[0].StringAt(row), chunk[1].StringAt(row)));
            }
        }

        return [.. columns];
    }

    private long Count(string query)
    {
        using DuckDbResult result = _connection.Materialize(query);
        long rows = 0;
        while (result.TryNext(out DuckDbChunk? chunk))
        {
            rows += chunk.RowCount;
        }

        return rows;
    }
}
