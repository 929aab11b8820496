using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Naru.Aggregates;
using Naru.Core.Events;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Server.Live;

/// <summary>
/// The select list and HAVING over results as the stream holds them, in one small DuckDB that all readers share. Safe
/// for all threads.
/// </summary>
internal sealed class LiveOutput(ProjectZone zone) : IDisposable
{
    private const long MemoryBytesMax = 256L << 20;

    private readonly DuckDbDatabase _database = DuckDbDatabase.OpenMemory(
        new("threads", "1"),
        new("memory_limit", MemoryBytesMax.ToString(CultureInfo.InvariantCulture) + "B"),
        new("temp_directory", ""));

    private readonly ConcurrentBag<DuckDbConnection> _idle = [];

    /// <summary>Columns of the select list, as rows of the live API have them.</summary>
    public static TableSchema SchemaOf(AggregatePlan plan) => new(plan.Schema.Columns[..plan.Outputs.Length]);

    /// <summary>Some rows of the base columns, as the select list says them; without those that HAVING takes.</summary>
    /// <param name="plan">Whose rows they are.</param>
    /// <param name="rows">Base columns.</param>
    /// <param name="chosen">Which of them.</param>
    /// <param name="shape">SQL over the outputs (`o`), as ORDER BY and LIMIT, or empty.</param>
    public ColumnBatch Run(AggregatePlan plan, ColumnBatch rows, int[] chosen, string shape)
    {
        ColumnBatch batch = new(SchemaOf(plan));
        if (chosen.Length == 0)
        {
            return batch;
        }

        DuckDbConnection connection = Rent();
        try
        {
            using BatchScan scan = _database.Scan(rows, chosen);
            using DuckDbResult result = connection.Stream(Sql(plan, scan.Sql, shape));
            while (result.TryNext(out DuckDbChunk? chunk))
            {
                for (int row = 0; row < chunk.RowCount; row++)
                {
                    for (int i = 0; i < batch.Columns.Length; i++)
                    {
                        chunk[i].AppendTo(batch.Columns[i], row);
                    }

                    batch.EndRow();
                }
            }
        }
        catch
        {
            batch.Dispose();
            connection.Dispose();
            throw;
        }

        _idle.Add(connection);
        return batch;
    }

    public void Dispose()
    {
        foreach (DuckDbConnection connection in _idle)
        {
            connection.Dispose();
        }

        _database.Dispose();
    }

    private static string Sql(AggregatePlan plan, string rows, string shape)
    {
        ImmutableArray<Column> columns = plan.BaseSchema.Columns;
        string inner = plan.OutputsAreDirect
            ? $"SELECT {string.Join(", ", plan.Outputs.Select(output => columns[output.Base].Name))} FROM {rows}"
            : plan.OutputSql(rows);
        string names = string.Join(", ", Enumerable.Range(0, plan.Outputs.Length).Select(NameOf));
        return $"SELECT {names} FROM ({inner}) o({names}){shape}";
    }

    /// <summary>An output within <see cref="Run"/>'s shape: its position, for two outputs may share a name.</summary>
    public static string NameOf(int output) => string.Create(CultureInfo.InvariantCulture, $"o{output}");

    private DuckDbConnection Rent()
    {
        if (_idle.TryTake(out DuckDbConnection? idle))
        {
            return idle;
        }

        DuckDbConnection connection = _database.Connect();
        connection.Execute($"SET TimeZone = '{zone.Zone.Id}'");
        return connection;
    }
}
