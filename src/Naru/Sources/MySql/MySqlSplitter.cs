using System.Globalization;
using Naru.MySql;

namespace Naru.Sources.MySql;

/// <summary>
/// Cuts a table into ranges of its key's first column, where that is a whole number. How many rows a range has is the
/// optimizer's estimate (EXPLAIN, which looks into the index and reads no rows): a range that has too many is halved.
/// The first and the last range are open, so that together they are the whole table whatever the estimates say.
/// </summary>
internal static class MySqlSplitter
{
    private const int ChunksMax = 10_000;
    private const int DepthMax = 64;

    private const string EngineSql =
        """
        SELECT e.transactions FROM information_schema.tables t JOIN information_schema.engines e ON e.engine = t.engine
        WHERE t.table_schema = database() AND t.table_name =
        """;

    public static IReadOnlyList<SourceChunk> Split(MySqlConnection connection, SourceTable table, long rowsPerChunk)
    {
        SourceColumn? key = table.Key.Length == 0
            ? null : table.Columns.FirstOrDefault(column => column.Name == table.Key[0]);
        if (key is null || !IsWhole(key) || table.Rows is < 2 || !IsAtOnePoint(connection, table))
        {
            return [SourceChunk.Whole];
        }

        string name = MySqlText.Identifier(key.Name);
        string?[] ends = connection.Texts($"SELECT min({name}), max({name}) FROM {MySqlSnapshot.NameOf(table)}")[0];
        if (ends[0] is null)
        {
            return [SourceChunk.Whole];
        }

        List<Int128> starts = [];
        Cut(
            new Cutter(connection, MySqlSnapshot.NameOf(table), name, rowsPerChunk, starts),
            (Number(ends[0]!), Number(ends[1]!)),
            0);
        return Chunks(key.Name, name, starts);
    }

    /// <summary>Of an engine without transactions, parts would be of different moments.</summary>
    private static bool IsAtOnePoint(MySqlConnection connection, SourceTable table) =>
        connection.Texts($"{EngineSql} {MySqlText.Literal(table.Name.Name)}") is [["YES"]];

    private static bool IsWhole(SourceColumn key) => (MySqlForm)key.Form is MySqlForm.Int32 or MySqlForm.Int64
        || ((MySqlForm)key.Form == MySqlForm.Decimal && key.Type.Scale == 0);

    /// <summary>Gives the first keys of the ranges within first and last, in their order.</summary>
    private static void Cut(Cutter cutter, (Int128 First, Int128 Last) range, int depth)
    {
        Int128 width = range.Last - range.First + 1;
        if (width <= 1 || depth == DepthMax || cutter.Starts.Count >= ChunksMax
            || Estimate(cutter, range) <= cutter.RowsPerChunk)
        {
            cutter.Starts.Add(range.First);
            return;
        }

        Int128 middle = range.First + (width / 2);
        Cut(cutter, (range.First, middle - 1), depth + 1);
        Cut(cutter, (middle, range.Last), depth + 1);
    }

    private static Int128 Number(string text) => Int128.Parse(text, CultureInfo.InvariantCulture);

    private static double Estimate(Cutter cutter, (Int128 First, Int128 Last) range)
    {
        using MySqlRows rows = cutter.Connection.Query(string.Create(
            CultureInfo.InvariantCulture,
            $"EXPLAIN SELECT 1 FROM {cutter.Table} WHERE {cutter.Column} >= {range.First} "
            + $"AND {cutter.Column} <= {range.Last}"));
        double estimate = 0;
        int place = -1;
        for (int i = 0; i < rows.Fields.Length; i++)
        {
            place = rows.Fields[i].Name.Equals("rows", StringComparison.OrdinalIgnoreCase) ? i : place;
        }

        while (rows.Read())
        {
            if (place >= 0 && double.TryParse(rows[place], CultureInfo.InvariantCulture, out double found))
            {
                estimate = Math.Max(estimate, found);
            }
        }

        return estimate;
    }

    private static IReadOnlyList<SourceChunk> Chunks(string key, string name, List<Int128> starts)
    {
        if (starts.Count == 1)
        {
            return [SourceChunk.Whole];
        }

        List<SourceChunk> chunks = [];
        for (int i = 0; i < starts.Count; i++)
        {
            bool first = i == 0, last = i == starts.Count - 1;
            string from = first ? "" : string.Create(CultureInfo.InvariantCulture, $"{name} >= {starts[i]}");
            string to = last ? "" : string.Create(CultureInfo.InvariantCulture, $"{name} < {starts[i + 1]}");
            string both = first || last ? "" : " AND ";
            chunks.Add(new SourceChunk(
                string.Create(CultureInfo.InvariantCulture, $"{key} from {starts[i]}"), $"{from}{both}{to}"));
        }

        return chunks;
    }

    private sealed record Cutter(
        MySqlConnection Connection, string Table, string Column, long RowsPerChunk, List<Int128> Starts);
}
